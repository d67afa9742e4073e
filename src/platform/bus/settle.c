// SPDX-License-Identifier: Apache-2.0
// How a batch ends: handled and acknowledged, given back with a delay, or line by line in the dead
// letters. Acknowledgements come after the handler's commit and after JetStream has the dead
// letters, so that a crash anywhere only causes a redelivery, which stores nothing twice.
#include "platform/bus/consumer_internal.h"

#include "platform/bus/dead_letters.h"
#include "platform/bus/streams.h"
#include "platform/clock.h"
#include "platform/fault_point.h"

#include <inttypes.h>
#include <stdio.h>

#define BURY_TIMEOUT_MS 2000
#define LAST_TRIES 3 /* of a line alone, before it is given up */
#define SUBJECT_SIZE 256
#define NUMBER_SIZE 24
#define MESSAGE_ID_SIZE 128

// ---- waiting with the batch in hand

static void keep_in_hand(struct consumer *consumer)
{
    const int64_t now = clock_monotonic_ms();
    if (now - consumer->progress_ms < consumer->options.ack_wait_ms / 3) {
        return;
    }
    consumer->progress_ms = now;
    for (size_t i = 0; i < consumer->batch.count; i++) {
        const struct delivery *delivery = &consumer->batch.deliveries[i];
        if (!delivery->answered) {
            pull_in_progress(consumer->link, delivery->message);
        }
    }
}

static void log_away(struct consumer *consumer, bool away)
{
    if (away == consumer->away) {
        return;
    }
    consumer->away = away;
    if (away) {
        log_warning(consumer->options.log, "what the worker needs is away, its batch waits",
                    LOG_TEXT("subject", consumer->spec->subject),
                    LOG_NUMBER("lines", consumer->batch.lines.count));
    } else {
        log_info(consumer->options.log, "what the worker needs is back",
                 LOG_TEXT("subject", consumer->spec->subject));
    }
}

// Tries the same lines until the dependency is back; HANDLED_AWAY only when asked to stop.
static enum handled attempt(void *arg, struct event_line *lines, size_t count)
{
    struct consumer *consumer = arg;
    for (uint64_t attempts = 1;; attempts++) {
        keep_in_hand(consumer);
        enum handled result = consumer->spec->handle(consumer->context, lines, count);
        if (result == HANDLED_LATE && count == 1) {
            result = HANDLED_AWAY;
        }
        log_away(consumer, result == HANDLED_AWAY);
        if (result != HANDLED_AWAY) {
            return result;
        }
        if (!consumer_pause(consumer, away_delay_ms(attempts))) {
            return HANDLED_AWAY;
        }
    }
}

// ---- dead letters

static enum bus_result bury_line(struct consumer *consumer, const struct event_line *line,
                                 const struct pull_origin *origin, size_t number)
{
    const struct consumer_spec *spec = consumer->spec;
    char subject[SUBJECT_SIZE];
    char sequence[NUMBER_SIZE];
    char tries[NUMBER_SIZE];
    char message_id[MESSAGE_ID_SIZE];
    snprintf(subject, sizeof subject, SUBJECT_DEAD_PREFIX "%s", spec->subject);
    snprintf(sequence, sizeof sequence, "%" PRIu64, origin->sequence);
    snprintf(tries, sizeof tries, "%" PRIu64, origin->deliveries);
    // The time too: a stream that was made anew gives its numbers again.
    snprintf(message_id, sizeof message_id, "%s:%s:%" PRId64 ":%zu", spec->stream, sequence,
             origin->stored_at, number);
    const struct bus_header headers[] = {
        {DEAD_LETTER_STREAM, spec->stream},   {DEAD_LETTER_SEQUENCE, sequence},
        {DEAD_LETTER_SUBJECT, spec->subject}, {DEAD_LETTER_REASON, line->rejected},
        {DEAD_LETTER_TRIES, tries},           {NULL, NULL},
    };
    const struct bus_outgoing letter = {
        .subject = subject,
        .data = line->data,
        .length = line->length,
        .message_id = message_id,
        .headers = headers,
    };
    return bus_publish_over(consumer->bus, consumer->link, &letter, BURY_TIMEOUT_MS);
}

// True when every rejected line of the message is safely a dead letter. After one for which the
// broker was away or silent none is tried in this batch: each would wait for its deadline.
static bool bury(struct consumer *consumer, const struct delivery *delivery, size_t *ret_buried)
{
    struct pull_origin origin = {0};
    *ret_buried = 0;
    for (size_t i = 0; i < delivery->line_count; i++) {
        const struct event_line *line = &consumer->batch.lines.items[delivery->first_line + i];
        if (line->rejected == NULL) {
            continue;
        }
        if (consumer->batch.unburied) {
            return false;
        }
        if (*ret_buried == 0) {
            origin = pull_origin(delivery->message);
        }
        const enum bus_result result = bury_line(consumer, line, &origin, i);
        if (result != BUS_OK) {
            log_warning(consumer->options.log, "cannot keep a dead letter, messages wait",
                        LOG_TEXT("subject", consumer->spec->subject),
                        LOG_NUMBER("sequence", origin.sequence),
                        LOG_TEXT("why", bus_result_text(result)));
            consumer->batch.unburied = result != BUS_FAILED;
            return false;
        }
        log_warning(consumer->options.log, "line became a dead letter",
                    LOG_TEXT("subject", consumer->spec->subject),
                    LOG_NUMBER("sequence", origin.sequence), LOG_NUMBER("line", i),
                    LOG_TEXT("reason", line->rejected));
        (*ret_buried)++;
        keep_in_hand(consumer);
    }
    return true;
}

// ---- giving back and finishing

static void give_back(struct consumer *consumer, struct delivery *delivery, int64_t delay_ms)
{
    pull_nak(consumer->link, delivery->message, delay_ms);
    delivery->answered = true;
}

static void acknowledge(struct consumer *consumer, struct delivery *delivery)
{
    delivery->answered = true;
    if (!fault_fires(before_ack)) {
        pull_ack(consumer->link, delivery->message);
        (void)fault_fires(after_ack);
    }
}

static void finish(struct consumer *consumer, struct delivery *delivery)
{
    size_t buried = 0;
    if (!bury(consumer, delivery, &buried)) {
        const struct pull_origin origin = pull_origin(delivery->message);
        give_back(consumer, delivery, retry_delay_ms(origin.deliveries));
        return;
    }
    acknowledge(consumer, delivery);
    counter_add(consumer->rejected, (int64_t)buried);
    counter_add(consumer->stored, (int64_t)(delivery->line_count - buried));
}

// ---- messages that failed too often

static enum handled try_alone(struct consumer *consumer, struct event_line *line)
{
    enum handled result = lines_handle(attempt, consumer, line, 1, 1);
    for (uint64_t tries = 1; result == HANDLED_FAILED && tries < LAST_TRIES; tries++) {
        if (!consumer_pause(consumer, away_delay_ms(tries))) {
            return HANDLED_AWAY;
        }
        result = lines_handle(attempt, consumer, line, 1, 1);
    }
    return result;
}

static void finish_line_by_line(struct consumer *consumer, struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->line_count; i++) {
        struct event_line *line = &consumer->batch.lines.items[delivery->first_line + i];
        const enum handled result = try_alone(consumer, line);
        if (result == HANDLED_AWAY) {
            give_back(consumer, delivery, 0);
            return;
        }
        if (result == HANDLED_FAILED) {
            line->rejected = consumer->failed_reason;
        }
    }
    finish(consumer, delivery);
}

// Those that may be tried again go back first: the others take their time.
static void settle_failed(struct consumer *consumer)
{
    struct batch *batch = &consumer->batch;
    const uint64_t maximum = (uint64_t)consumer->options.maximum_tries;
    counter_add(consumer->failures, 1);
    log_warning(consumer->options.log, "batch failed, trying again later",
                LOG_TEXT("subject", consumer->spec->subject), LOG_NUMBER("messages", batch->count),
                LOG_NUMBER("lines", batch->lines.count));
    for (size_t i = 0; i < batch->count; i++) {
        struct delivery *delivery = &batch->deliveries[i];
        const uint64_t deliveries = pull_origin(delivery->message).deliveries;
        if (deliveries < maximum) {
            give_back(consumer, delivery, retry_delay_ms(deliveries));
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->deliveries[i].answered) {
            finish_line_by_line(consumer, &batch->deliveries[i]);
        }
    }
}

static void leave_to_others(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->batch.count; i++) {
        give_back(consumer, &consumer->batch.deliveries[i], 0);
    }
}

void batch_settle(struct consumer *consumer)
{
    struct batch *batch = &consumer->batch;
    const enum handled result = lines_handle(attempt, consumer, batch->lines.items,
                                             batch->lines.count, consumer->options.batch);
    if (result == HANDLED_AWAY) {
        leave_to_others(consumer);
    } else if (result == HANDLED_FAILED) {
        settle_failed(consumer);
    } else {
        for (size_t i = 0; i < batch->count; i++) {
            finish(consumer, &batch->deliveries[i]);
        }
    }
    batch_clear(batch);
}
