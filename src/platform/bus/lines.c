// SPDX-License-Identifier: Apache-2.0
// Splitting, halving and delays; pure functions over the handler they are given.
#include "platform/bus/lines.h"

#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY_MS 100
#define RETRY_DELAY_MAX_MS 30000
#define AWAY_DELAY_MAX_MS 2000

static void add(struct line_list *list, const char *data, size_t length)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? list->capacity * 2 : 256;
        list->items = memory_resize(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = (struct event_line){.data = data, .length = length};
}

size_t lines_split(struct line_list *list, const char *data, size_t length)
{
    const size_t before = list->count;
    const char *end = data + length;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline != NULL ? newline : end;
        size_t line = (size_t)(stop - data);
        if (line > 0 && data[line - 1] == '\r') {
            line--;
        }
        if (line > 0) {
            add(list, data, line);
        }
        data = newline != NULL ? newline + 1 : end;
    }
    if (list->count == before) {
        add(list, "", 0);
    }
    return list->count - before;
}

void lines_clear(struct line_list *list)
{
    list->count = 0;
}

void lines_free(struct line_list *list)
{
    free(list->items);
    *list = (struct line_list){0};
}

// The depth of the recursion is the logarithm of the batch.
static enum handled handle_or_halve(attempt_fn *attempt, void *arg, struct event_line *lines,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lines[i].rejected = NULL;
    }
    const enum handled result = attempt(arg, lines, count);
    if (result != HANDLED_POISONED && result != HANDLED_LATE) {
        return result;
    }
    if (count == 1 && result == HANDLED_LATE) {
        return HANDLED_AWAY;
    }
    if (count == 1) {
        lines[0].rejected = "refused by the database";
        return HANDLED;
    }
    const size_t half = count / 2;
    const enum handled first = handle_or_halve(attempt, arg, lines, half);
    if (first != HANDLED) {
        return first;
    }
    return handle_or_halve(attempt, arg, lines + half, count - half);
}

enum handled lines_handle(attempt_fn *attempt, void *arg, struct event_line *lines, size_t count,
                          size_t batch)
{
    for (size_t done = 0; done < count;) {
        const size_t left = count - done;
        // A rest that is small rides along rather than making a transaction of its own.
        const size_t now = left < batch + batch / 2 ? left : batch;
        const enum handled result = handle_or_halve(attempt, arg, lines + done, now);
        if (result != HANDLED) {
            return result;
        }
        done += now;
    }
    return HANDLED;
}

static int64_t doubled(uint64_t times, int64_t maximum)
{
    int64_t delay = FIRST_DELAY_MS;
    for (uint64_t i = 1; i < times && delay < maximum; i++) {
        delay *= 2;
    }
    return delay < maximum ? delay : maximum;
}

int64_t retry_delay_ms(uint64_t deliveries)
{
    return doubled(deliveries, RETRY_DELAY_MAX_MS);
}

int64_t away_delay_ms(uint64_t attempts)
{
    return doubled(attempts, AWAY_DELAY_MAX_MS);
}
