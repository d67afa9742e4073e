// SPDX-License-Identifier: Apache-2.0
// What a consumer has in hand: messages fetched from the durable pull consumer, and their lines.
#include "platform/bus/consumer_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

#define FETCH_MESSAGES_MAX 512
#define BYTES_WANTED ((size_t)32 * 1024 * 1024) /* with so much in hand nothing more is fetched */
#define FIRST_WAIT_MS 500
#define NEXT_WAIT_MS 50

static void add(struct batch *batch, natsMsg *message)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity > 0 ? batch->capacity * 2 : FETCH_MESSAGES_MAX;
        batch->deliveries =
            memory_resize(batch->deliveries, batch->capacity * sizeof *batch->deliveries);
    }
    struct delivery *delivery = &batch->deliveries[batch->count++];
    delivery->message = message;
    delivery->answered = false;
    delivery->first_line = batch->lines.count;
    const size_t length = (size_t)natsMsg_GetDataLength(message);
    delivery->line_count = lines_split(&batch->lines, natsMsg_GetData(message), length);
    batch->bytes += length;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        natsMsg_Destroy(batch->deliveries[i].message);
    }
    batch->count = 0;
    batch->bytes = 0;
    batch->unburied = false;
    lines_clear(&batch->lines);
}

void batch_free(struct batch *batch)
{
    batch_clear(batch);
    free(batch->deliveries);
    lines_free(&batch->lines);
    *batch = (struct batch){0};
}

static void take(void *arg, natsMsg *message)
{
    add(arg, message);
}

static size_t fetch(struct consumer *consumer, size_t messages, int64_t wait_ms)
{
    const struct pull_request request = {
        .messages = messages < FETCH_MESSAGES_MAX ? messages : FETCH_MESSAGES_MAX,
        // Twice the largest message, so that any message fits.
        .bytes = 2 * natsConnection_GetMaxPayload(consumer->link->connection),
        .wait_ms = wait_ms,
    };
    return pull_fetch(consumer->pull, &request, take, &consumer->batch);
}

// Messages that the stream still holds for this consumer, as the last one fetched tells.
static uint64_t still_pending(struct consumer *consumer)
{
    const struct batch *batch = &consumer->batch;
    const struct pull_origin last = pull_origin(batch->deliveries[batch->count - 1].message);
    counter_set(consumer->pending, (int64_t)last.pending);
    if (last.sequence > consumer->newest.sequence) {
        consumer->newest = last;
    }
    return last.pending;
}

void batch_gather(struct consumer *consumer)
{
    const size_t wanted = consumer->options.batch;
    const struct batch *batch = &consumer->batch;
    if (consumer_is_stopping(consumer) || fetch(consumer, wanted, FIRST_WAIT_MS) == 0) {
        return;
    }
    uint64_t pending = still_pending(consumer);
    while (pending > 0 && batch->lines.count < wanted && batch->bytes < BYTES_WANTED &&
           !consumer_is_stopping(consumer) &&
           fetch(consumer, wanted - batch->lines.count, NEXT_WAIT_MS) > 0) {
        pending = still_pending(consumer);
    }
    consumer->progress_ms = clock_monotonic_ms();
}
