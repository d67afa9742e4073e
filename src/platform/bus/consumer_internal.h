// SPDX-License-Identifier: Apache-2.0
// What the files of a consumer share: its thread (consumer.c), what it holds in hand (batch.c), how
// that ends (settle.c) and what it keeps an eye on (watch.c).
#pragma once

#include "platform/bus/bus_internal.h"
#include "platform/bus/consumer.h"
#include "platform/bus/lines.h"
#include "platform/bus/pull.h"

// One message in hand and its run of lines in the batch.
struct delivery {
    natsMsg *message;
    size_t first_line;
    size_t line_count;
    bool answered; /* acknowledged or given back: the broker must hear no more of it */
};

struct batch {
    struct delivery *deliveries;
    size_t count;
    size_t capacity;
    size_t bytes;  /* of all messages */
    bool unburied; /* the broker did not answer to a dead letter */
    struct line_list lines;
};

#define FAILED_REASON_SIZE 48

struct consumer {
    struct bus *bus;
    struct link *link; /* its own: acknowledgements gather there, and delay no publisher */
    const struct consumer_spec *spec;
    struct consumer_options options;
    void *context; /* of the handler */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    atomic_bool stopping;

    struct pull *pull;         /* NULL until subscribed */
    struct pull_origin newest; /* of the messages that came; sequence 0: none */
    atomic_bool unchecked;     /* connected, and not yet compared with `newest` */
    struct batch batch;
    uint64_t turn;        /* the newest number of its turn */
    bool away;            /* the handler's dependency is, and that was logged */
    int64_t progress_ms;  /* when the broker last heard that the batch is being worked on */
    int64_t delivered_ms; /* when something last came */
    int64_t looked_ms;    /* when the broker was last asked about the consumer */
    int64_t pause_ms;     /* grows while fetching returns at once with nothing */
    char failed_reason[FAILED_REASON_SIZE];

    struct counter *stored;
    struct counter *rejected;
    struct counter *failures;
    struct counter *pending;
};

bool consumer_is_stopping(const struct consumer *consumer);

// Sleeps; false at once when asked to stop.
bool consumer_pause(struct consumer *consumer, int64_t milliseconds);

// Fetches until about a batch of lines is in hand or nothing more is there; the first fetch waits a
// moment. Whatever went wrong shows as an empty batch.
void batch_gather(struct consumer *consumer);

// Lets go of the messages, acknowledged or not.
void batch_clear(struct batch *batch);
void batch_free(struct batch *batch);

// Looks, after each connection, whether the stream still is what was consumed of it.
void watch_connection(struct consumer *consumer);

// Looks, every few seconds while nothing comes, whether all is well at the broker.
void watch_idle(struct consumer *consumer);

// Has the batch handled and acknowledged, or gives it back to the broker.
void batch_settle(struct consumer *consumer);
