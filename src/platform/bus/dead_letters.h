// SPDX-License-Identifier: Apache-2.0
// Dead letters: lines that a worker could not store, kept in the stream `dead-letters` under
// `dead.<subject>` with headers that say where from, why, and after how many tries.
#pragma once

#include "domain/timestamp.h"
#include "platform/bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEAD_LETTER_STREAM "Ecs-Stream"
#define DEAD_LETTER_SEQUENCE "Ecs-Sequence"
#define DEAD_LETTER_SUBJECT "Ecs-Subject"
#define DEAD_LETTER_REASON "Ecs-Reason"
#define DEAD_LETTER_TRIES "Ecs-Tries"

struct dead_letter {
    uint64_t sequence;        /* in the stream `dead-letters`: what names it */
    const char *subject;      /* where it was published first */
    const char *stream;       /* "" when not known */
    const char *reason;       /* "" when not known */
    uint64_t stream_sequence; /* of the message it was a line of; 0 when not known */
    uint64_t tries;
    timestamp died_at;
    const char *data; /* not NUL-terminated */
    size_t length;
};

// Told for each letter, oldest first, which lasts for the call; false ends the walk.
typedef bool dead_letter_fn(void *arg, const struct dead_letter *letter);

enum dead_result {
    DEAD_DONE,
    DEAD_UNKNOWN,     /* no such letter (any more) */
    DEAD_UNAVAILABLE, /* the broker is away or has no such stream */
    DEAD_REFUSED,     /* the letter could not be published again, and stays */
};

// Walks all letters there were at the time of the call.
enum dead_result dead_letters_walk(struct bus *bus, dead_letter_fn *fn, void *arg);

// Shows one letter.
enum dead_result dead_letters_get(struct bus *bus, uint64_t sequence, dead_letter_fn *fn,
                                  void *arg);

// Publishes the line to its first subject again, and once that is acknowledged removes the letter.
// A crash in between doubles the event, which its id makes harmless.
enum dead_result dead_letters_replay(struct bus *bus, uint64_t sequence);

// Removes a letter and overwrites its bytes; removes all, and says how many.
enum dead_result dead_letters_purge(struct bus *bus, uint64_t sequence);
enum dead_result dead_letters_purge_all(struct bus *bus, uint64_t *ret_count);
