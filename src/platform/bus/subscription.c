// SPDX-License-Identifier: Apache-2.0
// A subscription outside JetStream, for as long as its owner lives. The library's thread may be
// calling the owner at the moment of closing; only its last call makes it safe to destroy.
#include "platform/bus/bus_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

#define CLOSE_WAIT_MS 1000
// What waits for the owner; the library drops what comes beyond it, and says so.
#define WAITING_MESSAGES 4096
#define WAITING_BYTES (8 * 1024 * 1024)

struct subscription {
    natsSubscription *handle;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool complete; /* under `lock`: no call will come any more */
};

static void on_complete(void *arg)
{
    struct subscription *subscription = arg;
    pthread_mutex_lock(&subscription->lock);
    subscription->complete = true;
    pthread_cond_signal(&subscription->finished);
    pthread_mutex_unlock(&subscription->lock);
}

struct subscription *subscription_open(struct bus *bus, const char *subject, natsMsgHandler called,
                                       void *arg)
{
    struct subscription *subscription = memory_zeroed(1, sizeof *subscription);
    pthread_mutex_init(&subscription->lock, NULL);
    condition_init(&subscription->finished);
    natsStatus status = natsConnection_Subscribe(&subscription->handle, bus->link->connection,
                                                 subject, called, arg);
    if (status == NATS_OK) {
        status = natsSubscription_SetPendingLimits(subscription->handle, WAITING_MESSAGES,
                                                   WAITING_BYTES);
    }
    if (status == NATS_OK) {
        status = natsSubscription_SetOnCompleteCB(subscription->handle, on_complete, subscription);
    }
    if (status != NATS_OK) {
        log_error(bus->log, "cannot subscribe, ending the process", LOG_TEXT("subject", subject),
                  LOG_TEXT("why", link_error_text(status)));
        abort();
    }
    return subscription;
}

void subscription_close(struct subscription **subscription)
{
    struct subscription *closing = *subscription;
    if (closing == NULL) {
        return;
    }
    *subscription = NULL;
    natsSubscription_Unsubscribe(closing->handle);
    const int64_t deadline = clock_monotonic_ms() + CLOSE_WAIT_MS;
    pthread_mutex_lock(&closing->lock);
    while (!closing->complete && clock_monotonic_ms() < deadline) {
        condition_wait_until(&closing->finished, &closing->lock, deadline);
    }
    pthread_mutex_unlock(&closing->lock);
    natsSubscription_Destroy(closing->handle);
    pthread_cond_destroy(&closing->finished);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}
