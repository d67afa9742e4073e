// SPDX-License-Identifier: Apache-2.0
// Connecting to a host that is a name, on a thread of its own: nothing bounds how long the C
// library looks a name up, and nothing interrupts it. Whoever comes last of the two frees what
// they share.
#include "platform/cache/attempt.h"

#include "platform/clock.h"
#include "platform/condition.h"
#include "platform/memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct attempt {
    struct cache_address address;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t ended;
    struct cache_connection *made; /* NULL: not yet */
    bool abandoned;
};

static void attempt_free(struct attempt *attempt)
{
    pthread_cond_destroy(&attempt->ended);
    pthread_mutex_destroy(&attempt->lock);
    explicit_bzero(&attempt->address, sizeof attempt->address);
    free(attempt);
}

static void *connect_now(void *arg)
{
    struct attempt *attempt = arg;
    struct cache_connection *made =
        cache_connect(&attempt->address, clock_monotonic_ms() + CACHE_OPERATION_MS);
    pthread_mutex_lock(&attempt->lock);
    const bool abandoned = attempt->abandoned;
    attempt->made = made;
    pthread_cond_signal(&attempt->ended);
    pthread_mutex_unlock(&attempt->lock);
    if (abandoned) {
        cache_disconnect(&made);
        attempt_free(attempt);
    }
    return NULL;
}

static struct attempt *attempt_begin(const struct cache_address *address)
{
    struct attempt *attempt = memory_zeroed(1, sizeof *attempt);
    attempt->address = *address;
    pthread_mutex_init(&attempt->lock, NULL);
    condition_init(&attempt->ended);
    pthread_t thread;
    if (pthread_create(&thread, NULL, connect_now, attempt) != 0) {
        attempt_free(attempt);
        return NULL;
    }
    pthread_detach(thread);
    return attempt;
}

static struct cache_connection *attempt_wait(struct attempt *attempt, int64_t deadline_ms)
{
    pthread_mutex_lock(&attempt->lock);
    while (attempt->made == NULL && clock_monotonic_ms() < deadline_ms) {
        condition_wait_until(&attempt->ended, &attempt->lock, deadline_ms);
    }
    struct cache_connection *made = attempt->made;
    attempt->abandoned = made == NULL;
    pthread_mutex_unlock(&attempt->lock);
    if (made != NULL) {
        attempt_free(attempt);
    }
    return made;
}

static bool is_numeric(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

struct cache_connection *cache_attempt(const struct cache_address *address, int64_t deadline_ms)
{
    if (is_numeric(address->host)) {
        return cache_connect(address, deadline_ms);
    }
    struct attempt *attempt = attempt_begin(address);
    return attempt != NULL ? attempt_wait(attempt, deadline_ms) : NULL;
}
