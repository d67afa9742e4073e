// SPDX-License-Identifier: Apache-2.0
// See ticker.h. A semaphore counts the wakings; one round serves all of them.
#include "platform/ticker.h"

#include "platform/memory.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct ticker {
    const char *name;
    int64_t pause_ms;
    ticker_work *work;
    void *arg;
    pthread_t thread;
    sem_t wakings;
    bool started;
    atomic_bool stopping;
};

static void pause_or_wake(struct ticker *ticker, int64_t pause_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / 1000;
    until.tv_nsec += pause_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    sem_clockwait(&ticker->wakings, CLOCK_MONOTONIC, &until);
    while (sem_trywait(&ticker->wakings) == 0) {
        // one round serves everybody who woke us
    }
}

static void *run(void *arg)
{
    struct ticker *ticker = arg;
    while (!ticker_is_stopping(ticker)) {
        if (!ticker->work(ticker->arg)) {
            pause_or_wake(ticker, ticker->pause_ms);
        }
    }
    return NULL;
}

static void *run_later(void *arg)
{
    struct ticker *ticker = arg;
    pause_or_wake(ticker, TICKER_AFTER_START_MS);
    return run(ticker);
}

struct ticker *ticker_new(const char *name, int64_t pause_ms, ticker_work *work, void *arg)
{
    struct ticker *ticker = memory_zeroed(1, sizeof *ticker);
    ticker->name = name;
    ticker->pause_ms = pause_ms;
    ticker->work = work;
    ticker->arg = arg;
    sem_init(&ticker->wakings, 0, 0);
    return ticker;
}

static void start(struct ticker *ticker, void *(*function)(void *))
{
    if (pthread_create(&ticker->thread, NULL, function, ticker) != 0) {
        abort(); /* nothing would work without it */
    }
    pthread_setname_np(ticker->thread, ticker->name);
    ticker->started = true;
}

void ticker_start(struct ticker *ticker)
{
    start(ticker, run);
}

void ticker_start_later(struct ticker *ticker)
{
    start(ticker, run_later);
}

void ticker_wake(struct ticker *ticker)
{
    sem_post(&ticker->wakings);
}

bool ticker_is_stopping(const struct ticker *ticker)
{
    return atomic_load(&ticker->stopping);
}

void ticker_free(struct ticker **ticker)
{
    if (*ticker == NULL) {
        return;
    }
    atomic_store(&(*ticker)->stopping, true);
    ticker_wake(*ticker);
    if ((*ticker)->started) {
        pthread_join((*ticker)->thread, NULL);
    }
    sem_destroy(&(*ticker)->wakings);
    free(*ticker);
    *ticker = NULL;
}
