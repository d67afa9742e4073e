// SPDX-License-Identifier: Apache-2.0
// The state of Redis as all threads see it: atomics only, and one log line for each change.
#include "platform/cache/health.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define LEAVE_ALONE_MS 1000

struct cache_health {
    struct log *log;
    atomic_bool down;
    atomic_bool refuses; /* answers, but takes no values: its memory or disk is full */
    _Atomic int64_t retry_at_ms;
};

struct cache_health *cache_health_new(struct log *log)
{
    // hiredis writes to a connection that Redis may have closed.
    signal(SIGPIPE, SIG_IGN);
    struct cache_health *health = memory_zeroed(1, sizeof *health);
    health->log = log;
    return health;
}

void cache_health_free(struct cache_health **health)
{
    free(*health);
    *health = NULL;
}

bool cache_is_up(const struct cache_health *health)
{
    return !atomic_load(&health->down);
}

bool health_allows(struct cache_health *health)
{
    if (!atomic_load(&health->down)) {
        return true;
    }
    int64_t now_ms = clock_monotonic_ms();
    int64_t retry_at_ms = atomic_load(&health->retry_at_ms);
    return now_ms >= retry_at_ms &&
           atomic_compare_exchange_strong(&health->retry_at_ms, &retry_at_ms,
                                          now_ms + LEAVE_ALONE_MS);
}

void health_failed(struct cache_health *health, const char *why)
{
    atomic_store(&health->retry_at_ms, clock_monotonic_ms() + LEAVE_ALONE_MS);
    if (!atomic_exchange(&health->down, true)) {
        log_warning(health->log, "cache is away", LOG_TEXT("why", why));
    }
}

void health_answered(struct cache_health *health)
{
    if (atomic_load(&health->down) && atomic_exchange(&health->down, false)) {
        log_info(health->log, "cache is back");
    }
}

void health_refuses(struct cache_health *health, bool refuses, const char *why)
{
    if (atomic_load(&health->refuses) == refuses ||
        atomic_exchange(&health->refuses, refuses) == refuses) {
        return;
    }
    if (refuses) {
        log_warning(health->log, "cache takes no values", LOG_TEXT("why", why));
    } else {
        log_info(health->log, "cache takes values again");
    }
}
