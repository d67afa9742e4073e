// SPDX-License-Identifier: Apache-2.0
// A worker's side of a stream: one thread that fetches batches from a durable pull consumer, has
// them handled, and acknowledges after the handler's commit. Redelivery delays grow from 100 ms; a
// line that can never succeed goes to `dead.<subject>` at once, one that failed too often does too,
// and its neighbours are stored all the same. A database that is away is waited for and counts as
// no failure.
#pragma once

#include "platform/bus/bus.h"
#include "platform/bus/turn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One JSON object of a message.
struct event_line {
    const char *data; /* not NUL-terminated */
    size_t length;
    const char *rejected; /* set by the handler: why it can never succeed; static text. NULL: stored
                             or rightly dropped */
};

enum handled {
    HANDLED,          /* committed; `rejected` lines become dead letters */
    HANDLED_AWAY,     /* a dependency is away: nothing was stored, try the same lines again */
    HANDLED_LATE,     /* nothing was stored in time: fewer lines are tried, one waits as above */
    HANDLED_FAILED,   /* nothing was stored; a later try may help */
    HANDLED_POISONED, /* nothing was stored, and one of the lines is why: they are tried apart */
};

// Handles lines in one transaction. Called on the consumer's thread, with what open() made.
typedef enum handled handle_lines_fn(void *context, struct event_line *lines, size_t count);

struct consumer_spec {
    const char *stream;
    const char *durable; /* the name that all replicas share */
    const char *subject;
    handle_lines_fn *handle;
    void *(*open)(void *arg);     /* makes the thread's context */
    void (*close)(void *context); /* frees it */
};

struct consumer_options {
    size_t batch; /* lines handled at once, about */
    int64_t maximum_tries;
    int64_t ack_wait_ms;
    struct turn *turn; /* of all consumers of the stream in this process; outlives them */
    struct log *log;
    struct metrics *metrics;
    void *arg; /* for open */
};

struct consumer;

// Starts the thread; the stream may be absent and the broker away, it waits for them.
struct consumer *consumer_start(struct bus *bus, const struct consumer_spec *spec,
                                const struct consumer_options *options);

// Asks the thread to finish its batch and end; consumer_join waits for that and frees.
void consumer_stop(struct consumer *consumer);
void consumer_join(struct consumer **consumer);
