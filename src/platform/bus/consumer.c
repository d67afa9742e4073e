// SPDX-License-Identifier: Apache-2.0
// A consumer's thread: subscribes, gathers, settles, and looks after itself when nothing comes. It
// is begun by consumer_start, asked to end by consumer_stop, and gone after consumer_join.
#include "platform/bus/consumer.h"

#include "platform/bus/consumer_internal.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE_MS 20 /* a fetch that ends within this did not wait */
#define PAUSE_MAX_MS 500
#define GATHERING_MS 100
#define PATIENCE_MS 1000 /* with another thread that has the turn */
#define LABELS_SIZE 192

bool consumer_is_stopping(const struct consumer *consumer)
{
    return atomic_load(&consumer->stopping);
}

bool consumer_pause(struct consumer *consumer, int64_t milliseconds)
{
    const int64_t end = clock_monotonic_ms() + milliseconds;
    pthread_mutex_lock(&consumer->lock);
    while (!consumer_is_stopping(consumer) && clock_monotonic_ms() < end) {
        condition_wait_until(&consumer->stopped, &consumer->lock, end);
    }
    pthread_mutex_unlock(&consumer->lock);
    return !consumer_is_stopping(consumer);
}

static void pause_longer(struct consumer *consumer)
{
    consumer->pause_ms = consumer->pause_ms > 0 ? consumer->pause_ms * 2 : 1;
    if (consumer->pause_ms > PAUSE_MAX_MS) {
        consumer->pause_ms = PAUSE_MAX_MS;
    }
    consumer_pause(consumer, consumer->pause_ms);
}

// ---- subscribing

static void subscribe(struct consumer *consumer)
{
    consumer->pull = pull_open(consumer->link, consumer->spec->stream, consumer->spec->durable);
    if (consumer->pull == NULL) {
        pause_longer(consumer);
        return;
    }
    consumer->pause_ms = 0;
    consumer->delivered_ms = clock_monotonic_ms();
}

// ---- the thread

static void nothing_came(struct consumer *consumer, int64_t began_ms)
{
    if (clock_monotonic_ms() - began_ms < AT_ONCE_MS) {
        pause_longer(consumer);
    } else {
        consumer->pause_ms = 0;
    }
    watch_idle(consumer);
}

static void give_turn_back(struct consumer *consumer)
{
    turn_give_back(consumer->options.turn, consumer->turn);
}

// Of a steady stream each fetch would bring a few lines, and each batch is a transaction: so after
// a small one more may gather. A lone event does not wait, and a backlog comes in full batches,
// beside which the other threads have theirs.
static void consume_batch(struct consumer *consumer, int64_t began_ms)
{
    const bool small = consumer->batch.lines.count < consumer->options.batch / 2;
    if (!small) {
        give_turn_back(consumer);
    }
    batch_settle(consumer);
    consumer->pause_ms = 0;
    consumer->delivered_ms = clock_monotonic_ms();
    if (small) {
        consumer_pause(consumer, began_ms + GATHERING_MS - consumer->delivered_ms);
    }
}

static void consume_once(struct consumer *consumer)
{
    consumer->turn = turn_take(consumer->options.turn, PATIENCE_MS);
    const int64_t began = clock_monotonic_ms();
    watch_connection(consumer);
    batch_gather(consumer);
    if (consumer->batch.count > 0) {
        consume_batch(consumer, began);
        give_turn_back(consumer);
    } else {
        give_turn_back(consumer);
        nothing_came(consumer, began);
    }
}

static void came_up(void *arg)
{
    struct consumer *consumer = arg;
    atomic_store(&consumer->unchecked, true);
}

static void open_link(struct consumer *consumer)
{
    const struct link_options options = {
        .url = consumer->bus->url,
        .name = consumer->spec->durable,
        .tls = consumer->bus->tls,
        .log = consumer->options.log,
        .sending = LINK_GATHERS,
        .came_up = came_up,
        .arg = consumer,
    };
    char error[BUS_ERROR_SIZE];
    consumer->link = link_open(&options, error);
    if (consumer->link == NULL) {
        log_error(consumer->options.log, "cannot start a consumer, ending the process",
                  LOG_TEXT("why", error));
        abort();
    }
}

static void close_link(struct consumer *consumer)
{
    pull_close(&consumer->pull);
    link_close(&consumer->link);
}

static void *run(void *arg)
{
    struct consumer *consumer = arg;
    open_link(consumer);
    consumer->context = consumer->spec->open(consumer->options.arg);
    while (!consumer_is_stopping(consumer)) {
        if (consumer->pull == NULL) {
            subscribe(consumer);
        } else {
            consume_once(consumer);
        }
    }
    close_link(consumer);
    consumer->spec->close(consumer->context);
    return NULL;
}

// ---- life

static void make_metrics(struct consumer *consumer)
{
    const char *subject = consumer->spec->subject;
    struct metrics *metrics = consumer->options.metrics;
    char labels[LABELS_SIZE];
    const char *help = "Lines that a worker finished with.";
    snprintf(labels, sizeof labels, "subject=\"%s\",outcome=\"stored\"", subject);
    consumer->stored = metrics_counter(metrics, "ecs_consumed_lines_total", labels, help);
    snprintf(labels, sizeof labels, "subject=\"%s\",outcome=\"rejected\"", subject);
    consumer->rejected = metrics_counter(metrics, "ecs_consumed_lines_total", labels, help);
    snprintf(labels, sizeof labels, "subject=\"%s\"", subject);
    consumer->failures = metrics_counter(metrics, "ecs_consumer_failures_total", labels,
                                         "Batches that failed and were given back.");
    consumer->pending = metrics_gauge(metrics, "ecs_consumer_pending", labels,
                                      "Messages that no worker has fetched yet.");
}

struct consumer *consumer_start(struct bus *bus, const struct consumer_spec *spec,
                                const struct consumer_options *options)
{
    struct consumer *consumer = memory_zeroed(1, sizeof *consumer);
    consumer->bus = bus;
    consumer->spec = spec;
    consumer->options = *options;
    snprintf(consumer->failed_reason, sizeof consumer->failed_reason, "failed %" PRId64 " times",
             options->maximum_tries);
    pthread_mutex_init(&consumer->lock, NULL);
    condition_init(&consumer->stopped);
    make_metrics(consumer);
    bus_declare(bus, spec->subject);
    if (pthread_create(&consumer->thread, NULL, run, consumer) != 0) {
        log_error(options->log, "cannot start the thread of a consumer, ending the process");
        abort();
    }
    return consumer;
}

void consumer_stop(struct consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    atomic_store(&consumer->stopping, true);
    pthread_cond_broadcast(&consumer->stopped);
    pthread_mutex_unlock(&consumer->lock);
}

void consumer_join(struct consumer **consumer)
{
    struct consumer *ended = *consumer;
    if (ended == NULL) {
        return;
    }
    *consumer = NULL;
    pthread_join(ended->thread, NULL);
    batch_free(&ended->batch);
    pthread_cond_destroy(&ended->stopped);
    pthread_mutex_destroy(&ended->lock);
    free(ended);
}
