// SPDX-License-Identifier: Apache-2.0
// A subscription outside JetStream, for as long as its owner lives; one that is opened before its
// link connected is made when it does. The library's thread may be calling the owner at the moment
// of closing; only its last call makes it safe to destroy.
#include "platform/bus/bus_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

#define CLOSE_WAIT_MS 1000
// What waits for the owner; the library drops what comes beyond it, and says so.
#define WAITING_MESSAGES 4096
#define WAITING_BYTES (8 * 1024 * 1024)

struct subscription {
    struct link *link;
    struct subscription *next; /* of those that wait for the connection; under the link's lock */
    natsSubscription *handle;  /* NULL while it waits */
    char *subject;
    natsMsgHandler called;
    void *arg;
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

static void make(struct subscription *subscription)
{
    struct link *link = subscription->link;
    natsStatus status =
        natsConnection_Subscribe(&subscription->handle, link->connection, subscription->subject,
                                 subscription->called, subscription->arg);
    if (status == NATS_OK) {
        status = natsSubscription_SetPendingLimits(subscription->handle, WAITING_MESSAGES,
                                                   WAITING_BYTES);
    }
    if (status == NATS_OK) {
        status = natsSubscription_SetOnCompleteCB(subscription->handle, on_complete, subscription);
    }
    if (status != NATS_OK) {
        log_error(link->log, "cannot subscribe, ending the process",
                  LOG_TEXT("subject", subscription->subject),
                  LOG_TEXT("why", link_error_text(status)));
        abort();
    }
}

void subscriptions_make(struct link *link)
{
    while (link->waiting != NULL) {
        struct subscription *first = link->waiting;
        link->waiting = first->next;
        make(first);
    }
}

struct subscription *subscription_open(struct bus *bus, const char *subject, natsMsgHandler called,
                                       void *arg)
{
    struct link *link = bus->link;
    struct subscription *subscription = memory_zeroed(1, sizeof *subscription);
    subscription->link = link;
    subscription->subject = memory_copy_text(subject);
    subscription->called = called;
    subscription->arg = arg;
    pthread_mutex_init(&subscription->lock, NULL);
    condition_init(&subscription->finished);
    pthread_mutex_lock(&link->lock);
    subscription->next = link->waiting;
    link->waiting = subscription;
    if (link->connection != NULL) {
        subscriptions_make(link);
    }
    pthread_mutex_unlock(&link->lock);
    return subscription;
}

// Answers whether it was made; it will not be any more.
static bool stop_waiting(struct subscription *subscription)
{
    struct link *link = subscription->link;
    pthread_mutex_lock(&link->lock);
    struct subscription **at = &link->waiting;
    while (*at != NULL && *at != subscription) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = subscription->next;
    }
    pthread_mutex_unlock(&link->lock);
    return subscription->handle != NULL;
}

static void end(struct subscription *subscription)
{
    natsSubscription_Unsubscribe(subscription->handle);
    const int64_t deadline = clock_monotonic_ms() + CLOSE_WAIT_MS;
    pthread_mutex_lock(&subscription->lock);
    while (!subscription->complete && clock_monotonic_ms() < deadline) {
        condition_wait_until(&subscription->finished, &subscription->lock, deadline);
    }
    pthread_mutex_unlock(&subscription->lock);
    natsSubscription_Destroy(subscription->handle);
}

void subscription_close(struct subscription **subscription)
{
    struct subscription *closing = *subscription;
    if (closing == NULL) {
        return;
    }
    *subscription = NULL;
    if (stop_waiting(closing)) {
        end(closing);
    }
    pthread_cond_destroy(&closing->finished);
    pthread_mutex_destroy(&closing->lock);
    free(closing->subject);
    free(closing);
}
