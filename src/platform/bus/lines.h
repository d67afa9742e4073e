// SPDX-License-Identifier: Apache-2.0
// The part of a consumer that needs no broker: messages taken apart into lines, lines handled in
// bounded transactions, a poisoned one found by halving, and the delays between tries.
#pragma once

#include "platform/bus/consumer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Lines of several messages; they point into the messages.
struct line_list {
    struct event_line *items;
    size_t count;
    size_t capacity;
};

// Adds each line of a message that is not empty, or one empty line where there is none: nobody
// sends such a message, so that it is one that lost its text. Answers how many.
size_t lines_split(struct line_list *list, const char *data, size_t length);
void lines_clear(struct line_list *list);
void lines_free(struct line_list *list);

// Handles lines that are tried together; what handles them may be the handler itself or something
// patient around it.
typedef enum handled attempt_fn(void *arg, struct event_line *lines, size_t count);

// Has all lines handled, at most `batch` a transaction. A transaction that is poisoned is halved
// until the guilty line stands alone and is marked rejected; one that is late is halved too, and a
// line alone that is late is HANDLED_AWAY. Stops at the first HANDLED_AWAY or
// HANDLED_FAILED and answers it; what was committed by then is committed.
enum handled lines_handle(attempt_fn *attempt, void *arg, struct event_line *lines, size_t count,
                          size_t batch);

// How long a message waits that was delivered `deliveries` times and failed each time: 100 ms,
// doubling, at most 30 s.
int64_t retry_delay_ms(uint64_t deliveries);

// How long to wait for a dependency that was away `attempts` times in a row: 100 ms, doubling, at
// most 2 s.
int64_t away_delay_ms(uint64_t attempts);
