// SPDX-License-Identifier: Apache-2.0
// The highest sequence that each stream acknowledged to this process. A stream only counts up: a
// message sent after the acknowledgement of number N gets a number above N, else the stream lost
// what it had acknowledged (a damaged block file does that, and the broker tells nobody). What is
// written to a damaged stream afterwards may never be read again, so nothing is published to it
// until it is found to be whole: made anew, restored or emptied. A process that starts knows of no
// number yet: nothing is published to a stream that it declared until somebody looked at it.
#pragma once

#include "platform/log.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct sequences;

// Says that the process uses a subject: nothing may be sent to it before sequences_looked_at.
void sequences_declare(struct sequences *sequences, const char *subject);

// Whether any subject that this names was declared or sent to. Here and below `subject` may be a
// pattern that ends with `>`.
bool sequences_is_used(struct sequences *sequences, const char *subject);

// Says that a subject's stream was looked at; one that was found to be whole is trusted again.
void sequences_looked_at(struct sequences *sequences, const char *subject, bool whole);

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

// Notes that a subject's stream ends at `last` although it had given `highest`, which is logged and
// counted when it was trusted until now.
void sequences_lost(struct sequences *sequences, const char *subject, uint64_t highest,
                    uint64_t last);

// True once any stream did; until the process ends, since somebody has to look.
bool sequences_went_back(const struct sequences *sequences);
