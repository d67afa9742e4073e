// SPDX-License-Identifier: Apache-2.0
// See cache_generation.h. Only times of the monotonic clock.
#include "services/user_and_credit_service/cache_generation.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define YOUNG_MS (CACHE_GENERATION_KNOWN_MS * 3 / 4)

struct cache_generation {
    pthread_mutex_t lock;
    int64_t number;
    int64_t asked_ms;
    bool renewed; /* somebody was sent to ask again */
};

struct cache_generation *cache_generation_new(void)
{
    struct cache_generation *generation = memory_zeroed(1, sizeof *generation);
    pthread_mutex_init(&generation->lock, NULL);
    generation->asked_ms = clock_monotonic_ms() - CACHE_GENERATION_KNOWN_MS;
    return generation;
}

void cache_generation_free(struct cache_generation **generation)
{
    if (*generation == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*generation)->lock);
    free(*generation);
    *generation = NULL;
}

bool cache_generation_known(struct cache_generation *generation, int64_t *ret_number)
{
    pthread_mutex_lock(&generation->lock);
    const int64_t age_ms = clock_monotonic_ms() - generation->asked_ms;
    bool known = age_ms < CACHE_GENERATION_KNOWN_MS;
    if (known && age_ms >= YOUNG_MS && !generation->renewed) {
        generation->renewed = true;
        known = false;
    }
    *ret_number = generation->number;
    pthread_mutex_unlock(&generation->lock);
    return known;
}

bool cache_generation_is_young(struct cache_generation *generation, int64_t *ret_number)
{
    pthread_mutex_lock(&generation->lock);
    const bool young = clock_monotonic_ms() - generation->asked_ms < YOUNG_MS;
    *ret_number = generation->number;
    pthread_mutex_unlock(&generation->lock);
    return young;
}

void cache_generation_note(struct cache_generation *generation, int64_t number, int64_t asked_ms)
{
    pthread_mutex_lock(&generation->lock);
    if (asked_ms > generation->asked_ms) {
        generation->number = number;
        generation->asked_ms = asked_ms;
        generation->renewed = false;
    }
    pthread_mutex_unlock(&generation->lock);
}
