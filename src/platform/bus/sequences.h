// SPDX-License-Identifier: Apache-2.0
// The highest sequence that each stream acknowledged to this process. A stream only counts up: a
// message sent after the acknowledgement of number N gets a number above N, else the stream lost
// what it had acknowledged (a damaged block file does that, and the broker tells nobody). What is
// written to a damaged stream afterwards may never be read again, so nothing is published to it
// until it is found to be whole: made anew, restored or emptied.
#pragma once

#include "platform/log.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct sequences;

// What was known of a subject's stream when a message was sent.
struct sequence_mark {
    uint32_t slot;
    bool distrusted; /* nothing may be sent */
    uint64_t highest;
};

struct sequences *sequences_new(struct log *log, struct metrics *metrics);
void sequences_free(struct sequences **sequences);

// To be taken before a message is sent. Safe from every thread, as is sequences_seen.
struct sequence_mark sequences_mark(struct sequences *sequences, const char *subject);

// Compares the number a message got with the mark taken before it was sent. False when the stream
// went back, which is logged and counted: the message must not be taken for stored.
bool sequences_seen(struct sequences *sequences, struct sequence_mark mark, uint64_t sequence);

// Whether a subject's stream went back and was not found to be whole since; and that it now was.
// `subject` may end with `>`.
bool sequences_distrusted(struct sequences *sequences, const char *subject);
void sequences_trust(struct sequences *sequences, const char *subject);

// True once any stream did; until the process ends, since somebody has to look.
bool sequences_went_back(const struct sequences *sequences);
