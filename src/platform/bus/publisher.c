// SPDX-License-Identifier: Apache-2.0
// Publishing without waiting: one subscription on an inbox of its own takes all acknowledgements.
// The last parts of the reply subject carry the token and what was known of the stream when the
// message left, so that nothing has to be remembered for messages in flight.
#include "platform/bus/bus.h"

#include "platform/bus/bus_internal.h"
#include "platform/bus/pub_ack.h"
#include "platform/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_SIZE (LINK_INBOX_SIZE + 64)

struct bus_publisher {
    struct bus *bus;
    bus_acked_fn *acked;
    void *arg;
    char inbox[LINK_INBOX_SIZE];
    size_t inbox_length;
    struct subscription *subscription;
};

// Reads `.` and a hexadecimal number, and moves on behind it.
static bool read_part(const char **at, uint64_t *ret)
{
    if (**at != '.') {
        return false;
    }
    char *end = NULL;
    *ret = strtoull(*at + 1, &end, 16);
    bool some = end != *at + 1;
    *at = end;
    return some;
}

// Reads `<inbox>.<token>.<slot>.<highest>`, hexadecimal.
static bool read_reply(const struct bus_publisher *publisher, const char *subject,
                       uint64_t *ret_token, struct sequence_mark *ret_mark)
{
    if (strlen(subject) <= publisher->inbox_length) {
        return false;
    }
    const char *at = subject + publisher->inbox_length;
    uint64_t slot = 0;
    if (!read_part(&at, ret_token) || !read_part(&at, &slot) || slot > UINT32_MAX ||
        !read_part(&at, &ret_mark->highest)) {
        return false;
    }
    ret_mark->slot = (uint32_t)slot;
    return true;
}

static enum bus_result read_answer(struct bus_publisher *publisher, natsMsg *answer,
                                   struct sequence_mark mark)
{
    if (natsMsg_IsNoResponders(answer)) {
        bus_streams_missing(publisher->bus);
        return BUS_DOWN;
    }
    struct pub_ack ack;
    const enum bus_result result =
        pub_ack_read(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer), &ack);
    if (result == BUS_OK && !ack.duplicate &&
        !sequences_seen(publisher->bus->sequences, mark, ack.sequence)) {
        bus_stream_went_back(publisher->bus);
        return BUS_FAILED;
    }
    return result;
}

static void on_answer(natsConnection *connection, natsSubscription *subscription, natsMsg *answer,
                      void *arg)
{
    (void)connection;
    (void)subscription;
    struct bus_publisher *publisher = arg;
    uint64_t token = 0;
    struct sequence_mark mark = {0};
    if (read_reply(publisher, natsMsg_GetSubject(answer), &token, &mark)) {
        publisher->acked(publisher->arg, token, read_answer(publisher, answer, mark));
    }
    natsMsg_Destroy(answer);
}

struct bus_publisher *bus_publisher_open(struct bus *bus, bus_acked_fn *acked, void *arg)
{
    struct bus_publisher *publisher = memory_zeroed(1, sizeof *publisher);
    publisher->bus = bus;
    publisher->acked = acked;
    publisher->arg = arg;
    if (link_new_inbox(bus->link, publisher->inbox) != NATS_OK) {
        abort(); /* no memory */
    }
    publisher->inbox_length = strlen(publisher->inbox);
    char answers[LINK_INBOX_SIZE + 2];
    snprintf(answers, sizeof answers, "%s.>", publisher->inbox);
    publisher->subscription = subscription_open(bus, answers, on_answer, publisher);
    return publisher;
}

void bus_publisher_close(struct bus_publisher **publisher)
{
    if (*publisher != NULL) {
        subscription_close(&(*publisher)->subscription);
        free(*publisher);
        *publisher = NULL;
    }
}

enum bus_result bus_publisher_send(struct bus_publisher *publisher, const char *subject,
                                   const char *data, size_t length, uint64_t token)
{
    struct bus *bus = publisher->bus;
    if (!link_is_up(bus->link)) {
        return BUS_DOWN;
    }
    if (length > INT_MAX) {
        return BUS_FAILED;
    }
    const struct sequence_mark mark = sequences_mark(bus->sequences, subject);
    if (mark.distrusted) {
        return BUS_DOWN;
    }
    const enum bus_result room = bus_take_room(bus, subject, length);
    if (room != BUS_OK) {
        return room;
    }
    char reply[REPLY_SIZE];
    snprintf(reply, sizeof reply, "%s.%" PRIx64 ".%" PRIx32 ".%" PRIx64, publisher->inbox, token,
             mark.slot, mark.highest);
    const natsStatus status =
        natsConnection_PublishRequest(bus->link->connection, subject, reply, data, (int)length);
    return link_result(status, 0);
}
