// SPDX-License-Identifier: Apache-2.0
// The bus: its link for publishing, publishing with a wait, and what results mean. serve and the
// commands open one a process and close it after everything that uses it.
#include "platform/bus/bus.h"

#include "platform/bus/bus_internal.h"
#include "platform/bus/pub_ack.h"
#include "platform/fault_point.h"
#include "platform/memory.h"

#include <limits.h>
#include <stdlib.h>

static void came_up(void *arg)
{
    struct bus *bus = arg;
    keeper_connected(bus->keeper);
}

static struct link *open_link(struct bus *bus, void (*up)(void *arg),
                              char error[static BUS_ERROR_SIZE])
{
    const struct link_options options = {
        .url = bus->url,
        .name = bus->name,
        .tls = bus->tls,
        .log = bus->log,
        .sending = LINK_SENDS_AT_ONCE,
        .came_up = up,
        .arg = bus,
    };
    return link_open(&options, error);
}

struct bus *bus_open(const struct bus_options *options, char error[static BUS_ERROR_SIZE])
{
    struct bus *bus = memory_zeroed(1, sizeof *bus);
    bus->url = memory_copy_text(options->url);
    bus->name = memory_copy_text(options->name);
    bus->tls = options->tls;
    bus->log = options->log;
    bus->metrics = options->metrics;
    bus->sequences = sequences_new(options->log, options->metrics);
    bus->keeper = keeper_new(bus);
    bus->rooms = rooms_new(bus);
    bus->link = open_link(bus, came_up, error);
    if (bus->link == NULL) {
        bus_close(&bus);
    }
    return bus;
}

struct bus *bus_branch(struct bus *bus)
{
    char error[BUS_ERROR_SIZE];
    struct bus *branch = memory_new(sizeof *branch);
    *branch = *bus;
    branch->is_branch = true;
    branch->link = open_link(branch, NULL, error);
    if (branch->link == NULL) {
        log_error(bus->log, "cannot open a further connection to the broker, ending the process",
                  LOG_TEXT("why", error));
        abort(); /* no memory or no thread: the same URL was good before */
    }
    return branch;
}

void bus_close(struct bus **bus)
{
    struct bus *closing = *bus;
    if (closing == NULL) {
        return;
    }
    *bus = NULL;
    if (closing->is_branch) {
        link_close(&closing->link);
        free(closing);
        return;
    }
    // The threads of the keeper and of the rooms use the link, and the link wakes the keeper.
    keeper_stop(closing->keeper);
    rooms_free(&closing->rooms);
    link_close(&closing->link);
    keeper_free(&closing->keeper);
    sequences_free(&closing->sequences);
    free(closing->url);
    free(closing->name);
    free(closing);
}

bool bus_is_up(const struct bus *bus)
{
    return link_is_up(bus->link);
}

bool bus_wait(struct bus *bus, int64_t timeout_ms)
{
    return link_wait(bus->link, timeout_ms);
}

bool bus_sequence_went_back(const struct bus *bus)
{
    return sequences_went_back(bus->sequences);
}

void bus_declare(struct bus *bus, const char *subject)
{
    sequences_declare(bus->sequences, subject);
    keeper_connected(bus->keeper);
}

void bus_keep_streams(struct bus *bus, const struct stream_settings *settings)
{
    keeper_start(bus->keeper, settings);
    rooms_start(bus->rooms);
}

enum room_state bus_room(const struct bus *bus, const char *subject)
{
    return rooms_state(bus->rooms, subject);
}

const char *bus_full_stream(const struct bus *bus)
{
    return rooms_full(bus->rooms);
}

enum bus_result bus_take_room(struct bus *bus, const char *subject, size_t length)
{
    const enum room_state state = bus_room(bus, subject);
    if (state == ROOM_OPEN) {
        rooms_take(bus->rooms, subject, length);
        return BUS_OK;
    }
    return state == ROOM_FULL ? BUS_FULL : BUS_DOWN;
}

bool bus_streams_ready(const struct bus *bus)
{
    return keeper_is_content(bus->keeper);
}

void bus_streams_missing(struct bus *bus)
{
    keeper_missing(bus->keeper);
}

void bus_stream_went_back(struct bus *bus)
{
    keeper_connected(bus->keeper);
}

const char *bus_result_text(enum bus_result result)
{
    switch (result) {
    case BUS_OK:
        return "acknowledged by the broker";
    case BUS_DOWN:
        return "the broker is away, or has no stream for it";
    case BUS_TIMEOUT:
        return "the broker did not acknowledge in time";
    case BUS_FULL:
        return "the stream or the broker's disk is full";
    case BUS_FAILED:
        break;
    }
    return "the broker refused it";
}

enum bus_result link_result(natsStatus status, jsErrCode code)
{
    switch (status) {
    case NATS_OK:
        return BUS_OK;
    case NATS_TIMEOUT:
    case NATS_IO_ERROR: /* some or all may have left */
        return BUS_TIMEOUT;
    case NATS_NO_RESPONDERS:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_CONNECTION_CLOSED:
    case NATS_INSUFFICIENT_BUFFER:
    case NATS_STALE_CONNECTION:
    case NATS_NO_SERVER:
    case NATS_DRAINING:
        return BUS_DOWN;
    default:
        return pub_ack_error((int64_t)code, 0);
    }
}

static natsStatus make_message(const struct bus_outgoing *message, natsMsg **ret)
{
    natsStatus status =
        natsMsg_Create(ret, message->subject, NULL, message->data, (int)message->length);
    const struct bus_header *header = message->headers;
    while (status == NATS_OK && header != NULL && header->name != NULL) {
        status = natsMsgHeader_Set(*ret, header->name, header->value);
        header++;
    }
    return status;
}

enum bus_result bus_publish_over(struct bus *bus, struct link *link,
                                 const struct bus_outgoing *message, int64_t timeout_ms)
{
    if (!link_is_up(link) || fault_fires(before_publish)) {
        return BUS_DOWN;
    }
    if (message->length > INT_MAX) {
        return BUS_FAILED;
    }
    const struct sequence_mark mark = sequences_mark(bus->sequences, message->subject);
    if (mark.distrusted) {
        return BUS_DOWN;
    }
    const enum bus_result room = bus_take_room(bus, message->subject, message->length);
    if (room != BUS_OK) {
        return room;
    }
    natsMsg *outgoing = NULL;
    jsPubAck *ack = NULL;
    jsErrCode code = 0;
    natsStatus status = make_message(message, &outgoing);
    if (status == NATS_OK) {
        jsPubOptions options;
        jsPubOptions_Init(&options);
        options.MaxWait = timeout_ms;
        options.MsgId = message->message_id;
        status = js_PublishMsg(&ack, link->jetstream, outgoing, &options, &code);
    }
    bool stored = true;
    if (status == NATS_OK && !ack->Duplicate) {
        stored = sequences_seen(bus->sequences, mark, ack->Sequence);
    } else if (status == NATS_NO_RESPONDERS) {
        bus_streams_missing(bus);
    }
    jsPubAck_Destroy(ack);
    natsMsg_Destroy(outgoing);
    if (!stored) {
        bus_stream_went_back(bus);
        return BUS_FAILED;
    }
    return fault_fires(after_publish) ? BUS_TIMEOUT : link_result(status, code);
}

enum bus_result bus_publish(struct bus *bus, const struct bus_outgoing *message, int64_t timeout_ms)
{
    return bus_publish_over(bus, bus->link, message, timeout_ms);
}
