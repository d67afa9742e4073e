// SPDX-License-Identifier: Apache-2.0
// Publishing without waiting: one subscription on an inbox of its own takes all acknowledgements.
// The last parts of the reply subject carry the token and what was known of the stream when the
// message left, so that nothing has to be remembered for messages in flight.
#include "platform/bus/bus.h"

#include "platform/bus/bus_internal.h"
#include "platform/bus/pub_ack.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_SIZE (LINK_INBOX_SIZE + 64)
#define CLOSE_WAIT_MS 1000

struct bus_publisher {
    struct bus *bus;
    bus_acked_fn *acked;
    void *arg;
    char inbox[LINK_INBOX_SIZE];
    size_t inbox_length;
    natsSubscription *subscription;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool complete; /* under `lock`: no call of acked will come any more */
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

static void on_complete(void *arg)
{
    struct bus_publisher *publisher = arg;
    pthread_mutex_lock(&publisher->lock);
    publisher->complete = true;
    pthread_cond_signal(&publisher->finished);
    pthread_mutex_unlock(&publisher->lock);
}

static natsStatus subscribe(struct bus_publisher *publisher)
{
    natsStatus status = link_new_inbox(publisher->bus->link, publisher->inbox);
    if (status != NATS_OK) {
        return status;
    }
    char answers[LINK_INBOX_SIZE + 2];
    snprintf(answers, sizeof answers, "%s.>", publisher->inbox);
    publisher->inbox_length = strlen(publisher->inbox);
    status = natsConnection_Subscribe(&publisher->subscription, publisher->bus->link->connection,
                                      answers, on_answer, publisher);
    if (status == NATS_OK) {
        status = natsSubscription_SetOnCompleteCB(publisher->subscription, on_complete, publisher);
    }
    return status;
}

struct bus_publisher *bus_publisher_open(struct bus *bus, bus_acked_fn *acked, void *arg)
{
    struct bus_publisher *publisher = memory_zeroed(1, sizeof *publisher);
    publisher->bus = bus;
    publisher->acked = acked;
    publisher->arg = arg;
    pthread_mutex_init(&publisher->lock, NULL);
    condition_init(&publisher->finished);
    const natsStatus status = subscribe(publisher);
    if (status != NATS_OK) {
        log_error(bus->log, "cannot subscribe to acknowledgements, ending the process",
                  LOG_TEXT("why", link_error_text(status)));
        abort();
    }
    return publisher;
}

void bus_publisher_close(struct bus_publisher **publisher)
{
    struct bus_publisher *closing = *publisher;
    if (closing == NULL) {
        return;
    }
    *publisher = NULL;
    natsSubscription_Unsubscribe(closing->subscription);
    // The library's thread may be calling us at this moment; only its last call makes it safe to
    // destroy the subscription.
    const int64_t deadline = clock_monotonic_ms() + CLOSE_WAIT_MS;
    pthread_mutex_lock(&closing->lock);
    while (!closing->complete && clock_monotonic_ms() < deadline) {
        condition_wait_until(&closing->finished, &closing->lock, deadline);
    }
    pthread_mutex_unlock(&closing->lock);
    natsSubscription_Destroy(closing->subscription);
    pthread_cond_destroy(&closing->finished);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
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
