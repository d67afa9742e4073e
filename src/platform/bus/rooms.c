// SPDX-License-Identifier: Apache-2.0
// A table with a row for each stream of streams.c, and the thread that looks at them.
#include "platform/bus/rooms.h"

#include "platform/bus/bus_internal.h"
#include "platform/bus/subjects.h"
#include "platform/memory.h"
#include "platform/ticker.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 500
#define ANSWER_WITHIN_MS 500 /* a stream without a leader answers nobody: soon it may have one */
#define HEAD_BYTES 256       /* of a message in the stream, at most: subject, headers, checksum */
#define LABELS_SIZE 64

struct stream_room {
    struct room room;
    uint64_t first; /* sequence of the stream's oldest message at the last look; 0: none yet */
    struct counter *full;
    struct counter *bytes;
    struct counter *lost;
};

struct rooms {
    struct bus *bus;
    struct ticker *ticker;
    bool started;
    struct stream_room items[STREAM_COUNT];
};

// ---- who publishes

static size_t find(const char *subject)
{
    size_t i = 0;
    while (i < STREAM_COUNT && !subject_is_of(subject, stream_rows[i].subject)) {
        i++;
    }
    return i;
}

enum room_state rooms_state(const struct rooms *rooms, const char *subject)
{
    const size_t i = find(subject);
    return rooms->started && i < STREAM_COUNT ? room_state(&rooms->items[i].room) : ROOM_OPEN;
}

void rooms_take(struct rooms *rooms, const char *subject, size_t length)
{
    const size_t i = find(subject);
    if (i < STREAM_COUNT && room_take(&rooms->items[i].room, length + HEAD_BYTES)) {
        rooms_wake(rooms);
    }
}

const char *rooms_full(const struct rooms *rooms)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        if (room_state(&rooms->items[i].room) == ROOM_FULL) {
            return stream_rows[i].name;
        }
    }
    return NULL;
}

// ---- the look

static void tell(struct rooms *rooms, const char *stream, bool full, uint64_t used,
                 uint64_t maximum)
{
    struct log *log = rooms->bus->log;
    if (full) {
        log_warning(log, "stream is full, nothing more is published to it",
                    LOG_TEXT("stream", stream), LOG_NUMBER("bytes", used),
                    LOG_NUMBER("limit", maximum));
    } else {
        log_info(log, "stream has room again", LOG_TEXT("stream", stream),
                 LOG_NUMBER("bytes", used), LOG_NUMBER("limit", maximum));
    }
}

// The oldest message moved on: how far did the worker come that has to store them? It is asked
// after the stream, so that it can only have come further since.
static void look_for_loss(struct rooms *rooms, size_t i, uint64_t first)
{
    struct stream_room *item = &rooms->items[i];
    const struct stream_row *row = &stream_rows[i];
    jsConsumerInfo *info = NULL;
    if (first == item->first || row->durable == NULL ||
        js_GetConsumerInfo(&info, rooms->bus->link->jetstream, row->name, row->durable, NULL,
                           NULL) != NATS_OK) {
        return;
    }
    const uint64_t stored = info->AckFloor.Stream;
    const uint64_t kept_from = item->first > stored ? item->first : stored + 1;
    jsConsumerInfo_Destroy(info);
    item->first = first;
    if (first > kept_from) {
        counter_add(item->lost, (int64_t)(first - kept_from));
        log_error(rooms->bus->log, "messages left a stream before its worker stored them",
                  LOG_TEXT("stream", row->name), LOG_NUMBER("from", kept_from),
                  LOG_NUMBER("to", first - 1));
    }
}

// True when so much was sent meanwhile that it is time for the next look.
static bool look_at(struct rooms *rooms, size_t i)
{
    struct stream_room *item = &rooms->items[i];
    const uint64_t sent = room_sent(&item->room);
    jsStreamInfo *info = NULL;
    jsOptions patience;
    jsOptions_Init(&patience);
    patience.Wait = ANSWER_WITHIN_MS;
    if (js_GetStreamInfo(&info, rooms->bus->link->jetstream, stream_rows[i].name, &patience,
                         NULL) != NATS_OK) {
        return false;
    }
    const uint64_t used = info->State.Bytes;
    const uint64_t maximum =
        info->Config->MaxBytes > 0 ? (uint64_t)info->Config->MaxBytes : INT64_MAX;
    const uint64_t first = info->State.FirstSeq;
    jsStreamInfo_Destroy(info);
    const bool changed = room_looked_at(&item->room, sent, used, maximum);
    const bool full = room_state(&item->room) == ROOM_FULL;
    counter_set(item->bytes, (int64_t)used);
    counter_set(item->full, full);
    if (changed) {
        tell(rooms, stream_rows[i].name, full, used, maximum);
    }
    look_for_loss(rooms, i, first);
    return room_wants_look(&item->room);
}

static bool look(void *arg)
{
    struct rooms *rooms = arg;
    bool again = false;
    for (size_t i = 0; i < STREAM_COUNT && !ticker_is_stopping(rooms->ticker); i++) {
        const struct room *room = &rooms->items[i].room;
        if (link_is_up(rooms->bus->link) &&
            (room_sent(room) > 0 || room_state(room) != ROOM_OPEN)) {
            again = look_at(rooms, i) || again;
        }
    }
    return again;
}

// ---- life

static void make_metrics(struct stream_room *item, const char *stream, struct metrics *metrics)
{
    char labels[LABELS_SIZE];
    snprintf(labels, sizeof labels, "stream=\"%s\"", stream);
    item->full = metrics_gauge(metrics, "ecs_stream_full", labels,
                               "1 while a stream has no room and nothing is published to it.");
    item->bytes = metrics_gauge(metrics, "ecs_stream_bytes", labels,
                                "Bytes of a stream to which this process publishes.");
    item->lost = metrics_counter(metrics, "ecs_stream_lost_total", labels,
                                 "Messages that left a stream before its worker stored them.");
}

struct rooms *rooms_new(struct bus *bus)
{
    struct rooms *rooms = memory_zeroed(1, sizeof *rooms);
    rooms->bus = bus;
    rooms->ticker = ticker_new("rooms", LOOK_EVERY_MS, look, rooms);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        make_metrics(&rooms->items[i], stream_rows[i].name, bus->metrics);
    }
    return rooms;
}

void rooms_start(struct rooms *rooms)
{
    rooms->started = true;
    ticker_start(rooms->ticker);
}

void rooms_wake(struct rooms *rooms)
{
    ticker_wake(rooms->ticker);
}

void rooms_free(struct rooms **rooms)
{
    if (*rooms == NULL) {
        return;
    }
    ticker_free(&(*rooms)->ticker);
    free(*rooms);
    *rooms = NULL;
}
