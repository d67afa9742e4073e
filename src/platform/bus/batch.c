// SPDX-License-Identifier: Apache-2.0
// What a consumer has in hand: messages fetched from the durable pull consumer, and their lines.
#include "platform/bus/consumer_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

#define FETCH_MESSAGES_MAX 512
#define FIRST_WAIT_MS 500
#define NEXT_WAIT_MS 50
#define NANOSECONDS_A_MS INT64_C(1000000)

static void add(struct batch *batch, natsMsg *message)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity > 0 ? batch->capacity * 2 : FETCH_MESSAGES_MAX;
        batch->deliveries =
            memory_resize(batch->deliveries, batch->capacity * sizeof *batch->deliveries);
    }
    struct delivery *delivery = &batch->deliveries[batch->count++];
    delivery->message = message;
    delivery->first_line = batch->lines.count;
    delivery->line_count = lines_split(&batch->lines, natsMsg_GetData(message),
                                       (size_t)natsMsg_GetDataLength(message));
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        natsMsg_Destroy(batch->deliveries[i].message);
    }
    batch->count = 0;
    lines_clear(&batch->lines);
}

void batch_free(struct batch *batch)
{
    batch_clear(batch);
    free(batch->deliveries);
    lines_free(&batch->lines);
    *batch = (struct batch){0};
}

// With no_wait and a deadline the broker sends what is there, or the first that comes.
static void fetch(struct consumer *consumer, size_t messages, int64_t wait_ms)
{
    jsFetchRequest request;
    jsFetchRequest_Init(&request);
    request.Batch = (int)messages;
    request.NoWait = true;
    request.Expires = wait_ms * NANOSECONDS_A_MS;
    // Bounds the memory of a batch; twice the largest message, so that any message fits.
    request.MaxBytes = 2 * natsConnection_GetMaxPayload(consumer->link->connection);
    natsMsgList list = {0};
    const natsStatus status =
        natsSubscription_FetchRequest(&list, consumer->subscription, &request);
    for (int i = 0; status == NATS_OK && i < list.Count; i++) {
        add(&consumer->batch, list.Msgs[i]);
        list.Msgs[i] = NULL;
    }
    natsMsgList_Destroy(&list);
}

// Messages that the stream still holds for this consumer, as the last one fetched tells.
static uint64_t still_pending(struct consumer *consumer)
{
    jsMsgMetaData *meta = NULL;
    natsMsg *last = consumer->batch.deliveries[consumer->batch.count - 1].message;
    if (natsMsg_GetMetaData(&meta, last) != NATS_OK) {
        return 0;
    }
    const uint64_t pending = meta->NumPending;
    jsMsgMetaData_Destroy(meta);
    counter_set(consumer->pending, (int64_t)pending);
    return pending;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void batch_gather(struct consumer *consumer)
{
    const size_t wanted = consumer->options.batch;
    struct batch *batch = &consumer->batch;
    fetch(consumer, smaller(wanted, FETCH_MESSAGES_MAX), FIRST_WAIT_MS);
    if (batch->count == 0) {
        return;
    }
    uint64_t pending = still_pending(consumer);
    while (pending > 0 && batch->lines.count < wanted && !consumer_is_stopping(consumer)) {
        const size_t before = batch->count;
        fetch(consumer, smaller(wanted - batch->lines.count, FETCH_MESSAGES_MAX), NEXT_WAIT_MS);
        pending = batch->count > before ? still_pending(consumer) : 0;
    }
    consumer->progress_ms = clock_monotonic_ms();
}
