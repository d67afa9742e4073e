// SPDX-License-Identifier: Apache-2.0
// A synchronous subscription and the message it handed out last.
#include "platform/bus/tail.h"

#include "platform/bus/bus_internal.h"
#include "platform/memory.h"

#include <stdlib.h>

struct tail {
    natsSubscription *subscription;
    natsMsg *last;
};

struct tail *tail_open(struct bus *bus, const char *subject)
{
    natsSubscription *subscription = NULL;
    if (!link_is_up(bus->link) ||
        natsConnection_SubscribeSync(&subscription, bus->link->connection, subject) != NATS_OK) {
        return NULL;
    }
    // The broker knows of it once it answered: nothing published from now on is missed.
    link_flush(bus->link);
    struct tail *tail = memory_zeroed(1, sizeof *tail);
    tail->subscription = subscription;
    return tail;
}

enum tail_result tail_next(struct tail *tail, int64_t timeout_ms, struct tail_message *ret)
{
    natsMsg_Destroy(tail->last);
    tail->last = NULL;
    const natsStatus status = natsSubscription_NextMsg(&tail->last, tail->subscription, timeout_ms);
    if (status == NATS_TIMEOUT) {
        return TAIL_NOTHING;
    }
    if (status != NATS_OK) {
        return TAIL_ENDED;
    }
    *ret = (struct tail_message){
        .subject = natsMsg_GetSubject(tail->last),
        .data = natsMsg_GetData(tail->last),
        .length = (size_t)natsMsg_GetDataLength(tail->last),
    };
    return TAIL_MESSAGE;
}

void tail_close(struct tail **tail)
{
    if (*tail == NULL) {
        return;
    }
    natsMsg_Destroy((*tail)->last);
    natsSubscription_Unsubscribe((*tail)->subscription);
    natsSubscription_Destroy((*tail)->subscription);
    free(*tail);
    *tail = NULL;
}
