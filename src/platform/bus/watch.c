// SPDX-License-Identifier: Apache-2.0
// How a consumer notices that the broker is not what it was: stream or consumer deleted, messages
// that wait but never come, and a stream that lost its end and writes it anew, which its durable
// consumer would pass over.
#include "platform/bus/consumer_internal.h"

#include "platform/clock.h"

#define LOOK_EVERY_MS 2000
#define STALLED_MS 30000

static void missing(struct consumer *consumer)
{
    consumer->newest = (struct pull_origin){0};
    bus_streams_missing(consumer->bus);
}

// What was consumed comes once more then: handlers store nothing twice. While messages are missing
// in between nothing would come; and how far the consumer came tells every process that starts.
static void consume_anew(struct consumer *consumer, uint64_t consumed)
{
    const struct consumer_spec *spec = consumer->spec;
    log_error(consumer->options.log, "stream lost messages that were consumed, consuming it anew",
              LOG_TEXT("stream", spec->stream), LOG_NUMBER("consumed", consumed));
    js_DeleteConsumer(consumer->link->jetstream, spec->stream, spec->durable, NULL, NULL);
    missing(consumer);
}

// ---- after each connection: the broker may have been started anew with damaged files

enum check {
    CHECK_SAME,
    CHECK_LOST,    /* to be consumed anew */
    CHECK_DAMAGED, /* the same, once it is whole again */
    CHECK_UNKNOWN,
};

// Whether a stream reaches as far as it was consumed.
static enum check check_end(struct consumer *consumer, uint64_t consumed)
{
    const struct consumer_spec *spec = consumer->spec;
    struct stream_end end;
    if (!stream_ends_before(consumer->link->jetstream, spec->stream, consumed, &end)) {
        return CHECK_SAME;
    }
    sequences_lost(consumer->bus->sequences, spec->subject, consumed, end.last);
    return end.whole ? CHECK_LOST : CHECK_DAMAGED;
}

// The newest message that came must still be there as it was: another time of storing under its
// number means that the number was given twice. A message that is gone may just have been too old.
static enum check check_newest(struct consumer *consumer)
{
    const struct pull_origin *newest = &consumer->newest;
    natsMsg *message = NULL;
    const natsStatus status = js_GetMsg(&message, consumer->link->jetstream, consumer->spec->stream,
                                        newest->sequence, NULL, NULL);
    if (status == NATS_NOT_FOUND) {
        return check_end(consumer, newest->sequence);
    }
    if (status != NATS_OK) {
        return CHECK_UNKNOWN;
    }
    const bool same = natsMsg_GetTime(message) == newest->stored_at;
    natsMsg_Destroy(message);
    return same ? CHECK_SAME : CHECK_LOST;
}

void watch_connection(struct consumer *consumer)
{
    if (!link_is_up(consumer->link) || !atomic_load(&consumer->unchecked)) {
        return;
    }
    atomic_store(&consumer->unchecked, false);
    if (consumer->newest.sequence == 0) {
        return;
    }
    const enum check check = check_newest(consumer);
    if (check == CHECK_LOST) {
        consume_anew(consumer, consumer->newest.sequence);
    } else if (check == CHECK_UNKNOWN) {
        atomic_store(&consumer->unchecked, true);
    }
}

// ---- while nothing comes

static void look(struct consumer *consumer)
{
    const struct consumer_spec *spec = consumer->spec;
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    const natsStatus status = js_GetConsumerInfo(&info, consumer->link->jetstream, spec->stream,
                                                 spec->durable, NULL, &code);
    if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr) {
        missing(consumer);
        return;
    }
    if (status != NATS_OK) {
        return;
    }
    const uint64_t pending = info->NumPending;
    const uint64_t delivered = info->Delivered.Stream;
    jsConsumerInfo_Destroy(info);
    counter_set(consumer->pending, (int64_t)pending);
    const enum check end = check_end(consumer, delivered);
    if (end == CHECK_LOST) {
        consume_anew(consumer, delivered);
    } else if (end == CHECK_SAME && pending > 0 &&
               clock_monotonic_ms() - consumer->delivered_ms >= STALLED_MS) {
        log_warning(consumer->options.log, "messages wait but none comes, subscribing anew",
                    LOG_TEXT("stream", spec->stream), LOG_NUMBER("pending", pending));
        pull_close(&consumer->pull);
    }
}

void watch_idle(struct consumer *consumer)
{
    const int64_t now = clock_monotonic_ms();
    if (link_is_up(consumer->link) && now - consumer->delivered_ms >= LOOK_EVERY_MS &&
        now - consumer->looked_ms >= LOOK_EVERY_MS) {
        look(consumer);
        consumer->looked_ms = clock_monotonic_ms();
    }
}
