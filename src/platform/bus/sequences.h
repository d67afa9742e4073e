// SPDX-License-Identifier: Apache-2.0
// The highest sequence that each stream acknowledged to this process. A stream only counts up: a
// message sent after the acknowledgement of number N gets a number above N, else the stream lost
// what it had acknowledged (a damaged block file does that, and the broker tells nobody).
#pragma once

#include "platform/log.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct sequences;

// What was known of a subject's stream when a message was sent.
struct sequence_mark {
    uint32_t slot;
    uint64_t highest;
};

struct sequences *sequences_new(struct log *log, struct metrics *metrics);
void sequences_free(struct sequences **sequences);

// To be taken before a message is sent. Safe from every thread, as is sequences_seen.
struct sequence_mark sequences_mark(struct sequences *sequences, const char *subject);

// Compares the number a message got with the mark taken before it was sent; logs and counts a
// stream that went back.
void sequences_seen(struct sequences *sequences, struct sequence_mark mark, uint64_t sequence);

// True once any stream did; until the process ends, since somebody has to look.
bool sequences_went_back(const struct sequences *sequences);
