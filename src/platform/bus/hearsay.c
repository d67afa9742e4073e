// SPDX-License-Identifier: Apache-2.0
// What processes tell each other past JetStream: messages that are kept nowhere.
#include "platform/bus/bus.h"

#include "platform/bus/bus_internal.h"
#include "platform/memory.h"

#include <limits.h>
#include <stdlib.h>

struct bus_listener {
    bus_heard_fn *heard;
    void *arg;
    struct subscription *subscription;
};

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *arg)
{
    (void)connection;
    (void)subscription;
    const struct bus_listener *listener = arg;
    listener->heard(listener->arg, natsMsg_GetData(message),
                    (size_t)natsMsg_GetDataLength(message));
    natsMsg_Destroy(message);
}

struct bus_listener *bus_listen(struct bus *bus, const char *subject, bus_heard_fn *heard,
                                void *arg)
{
    struct bus_listener *listener = memory_zeroed(1, sizeof *listener);
    listener->heard = heard;
    listener->arg = arg;
    listener->subscription = subscription_open(bus, subject, on_message, listener);
    return listener;
}

void bus_listener_close(struct bus_listener **listener)
{
    if (*listener != NULL) {
        subscription_close(&(*listener)->subscription);
        free(*listener);
        *listener = NULL;
    }
}

bool bus_tell(struct bus *bus, const char *subject, const void *data, size_t length)
{
    return link_is_up(bus->link) && length <= INT_MAX &&
           natsConnection_Publish(bus->link->connection, subject, data, (int)length) == NATS_OK;
}
