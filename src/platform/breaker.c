// SPDX-License-Identifier: Apache-2.0
// The circuit breaker: three states under one mutex. Reports of calls that began before it opened
// change nothing while it is open.
#include "platform/breaker.h"

#include "platform/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define TRIAL_RETRY_MS 1000 /* a trial call decides soon */

struct breaker {
    pthread_mutex_t lock;
    int failures_to_open;
    int64_t open_ms;
    enum breaker_state state;
    int failures;     /* in a row, while closed */
    int64_t until_ms; /* open: when a trial may go out; half-open: when the trial counts as lost */
};

struct breaker *breaker_new(int failures, int64_t open_ms)
{
    struct breaker *breaker = memory_zeroed(1, sizeof *breaker);
    pthread_mutex_init(&breaker->lock, NULL);
    breaker->failures_to_open = failures;
    breaker->open_ms = open_ms;
    breaker->state = BREAKER_CLOSED;
    return breaker;
}

void breaker_free(struct breaker **breaker)
{
    if (*breaker == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*breaker)->lock);
    free(*breaker);
    *breaker = NULL;
}

static void wait_until(struct breaker *breaker, enum breaker_state state, int64_t now_ms)
{
    breaker->state = state;
    breaker->until_ms = now_ms + breaker->open_ms;
}

bool breaker_allows(struct breaker *breaker, int64_t now_ms, int64_t *ret_retry_ms)
{
    pthread_mutex_lock(&breaker->lock);
    bool allowed = breaker->state == BREAKER_CLOSED;
    int64_t retry_ms = 0;
    if (!allowed && now_ms >= breaker->until_ms) {
        wait_until(breaker, BREAKER_HALF_OPEN, now_ms);
        allowed = true;
    } else if (breaker->state == BREAKER_HALF_OPEN) {
        retry_ms = TRIAL_RETRY_MS;
    } else if (breaker->state == BREAKER_OPEN) {
        retry_ms = breaker->until_ms - now_ms;
    }
    pthread_mutex_unlock(&breaker->lock);
    if (!allowed && ret_retry_ms != NULL) {
        *ret_retry_ms = retry_ms;
    }
    return allowed;
}

bool breaker_succeeded(struct breaker *breaker)
{
    pthread_mutex_lock(&breaker->lock);
    bool closes = breaker->state == BREAKER_HALF_OPEN;
    if (closes) {
        breaker->state = BREAKER_CLOSED;
    }
    breaker->failures = 0;
    pthread_mutex_unlock(&breaker->lock);
    return closes;
}

bool breaker_failed(struct breaker *breaker, int64_t now_ms)
{
    pthread_mutex_lock(&breaker->lock);
    bool opens = breaker->state == BREAKER_HALF_OPEN;
    if (breaker->state == BREAKER_CLOSED) {
        breaker->failures++;
        opens = breaker->failures >= breaker->failures_to_open;
    }
    if (opens) {
        breaker->failures = 0;
        wait_until(breaker, BREAKER_OPEN, now_ms);
    }
    pthread_mutex_unlock(&breaker->lock);
    return opens;
}

enum breaker_state breaker_state(struct breaker *breaker, int64_t now_ms)
{
    pthread_mutex_lock(&breaker->lock);
    enum breaker_state state = breaker->state;
    if (state == BREAKER_OPEN && now_ms >= breaker->until_ms) {
        state = BREAKER_HALF_OPEN;
    }
    pthread_mutex_unlock(&breaker->lock);
    return state;
}
