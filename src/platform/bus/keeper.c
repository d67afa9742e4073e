// SPDX-License-Identifier: Apache-2.0
// The keeper's thread sleeps until somebody wants a look, looks, and repeats that every second
// while it fails. It logs what it made and, once, what differs; a failure only when it is the first
// in a row.
#include "platform/bus/keeper.h"

#include "platform/bus/bus_internal.h"
#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>

#define NO_LOOK INT64_MAX
#define PAUSE_MS 1000 /* between two looks */
// nats-server 2.9 removes a deleted stream's files a little after its name: a stream made anew
// meanwhile loses its folder under its feet, for good.
#define MISSING_MS 2000

struct keeper {
    struct bus *bus;
    struct stream_settings settings;
    pthread_t thread;
    bool started;
    bool failing;       /* the thread's own: the last look failed */
    bool told_of_diffs; /* the thread's own */
    atomic_bool content;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int64_t look_at_ms; /* under `lock`; NO_LOOK: nothing to do */
    bool stopping;      /* under `lock` */
};

struct keeper *keeper_new(struct bus *bus)
{
    struct keeper *keeper = memory_zeroed(1, sizeof *keeper);
    keeper->bus = bus;
    keeper->look_at_ms = clock_monotonic_ms();
    pthread_mutex_init(&keeper->lock, NULL);
    condition_init(&keeper->woken);
    return keeper;
}

bool keeper_is_content(const struct keeper *keeper)
{
    return atomic_load(&keeper->content);
}

static void wake_in(struct keeper *keeper, int64_t milliseconds)
{
    const int64_t at = clock_monotonic_ms() + milliseconds;
    pthread_mutex_lock(&keeper->lock);
    if (at < keeper->look_at_ms) {
        keeper->look_at_ms = at;
    }
    pthread_cond_signal(&keeper->woken);
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_connected(struct keeper *keeper)
{
    wake_in(keeper, 0);
}

void keeper_missing(struct keeper *keeper)
{
    wake_in(keeper, MISSING_MS);
}

static void report(void *arg, const char *kind, const char *name, enum provision_result result,
                   const char *difference)
{
    struct keeper *keeper = arg;
    struct log *log = keeper->bus->log;
    if (result == PROVISION_MADE) {
        log_info(log, "made what was missing at the broker", LOG_TEXT("kind", kind),
                 LOG_TEXT("name", name));
    } else if (result == PROVISION_DIFFERS && !keeper->told_of_diffs) {
        log_warning(log, "the broker has other settings than ours, left alone",
                    LOG_TEXT("kind", kind), LOG_TEXT("name", name),
                    LOG_TEXT("difference", difference));
    } else if (result == PROVISION_FAILED && !keeper->failing) {
        log_warning(log, "a stream or consumer is missing or damaged, looking again",
                    LOG_TEXT("kind", kind), LOG_TEXT("name", name), LOG_TEXT("why", difference));
    }
}

static void look(struct keeper *keeper)
{
    const bool found = streams_provision(keeper->bus, &keeper->settings, report, keeper);
    keeper->failing = !found;
    keeper->told_of_diffs = keeper->told_of_diffs || found;
    atomic_store(&keeper->content, found);
    if (!found) {
        wake_in(keeper, PAUSE_MS);
    }
    rooms_wake(keeper->bus->rooms);
}

// Waits, under the lock, until a look is wanted and can succeed; false when it is time to end.
static bool wait_for_work(struct keeper *keeper)
{
    while (!keeper->stopping) {
        const bool possible = keeper->look_at_ms != NO_LOOK && link_is_up(keeper->bus->link);
        if (!possible) {
            pthread_cond_wait(&keeper->woken, &keeper->lock);
        } else if (clock_monotonic_ms() < keeper->look_at_ms) {
            condition_wait_until(&keeper->woken, &keeper->lock, keeper->look_at_ms);
        } else {
            keeper->look_at_ms = NO_LOOK;
            return true;
        }
    }
    return false;
}

static void *run(void *arg)
{
    struct keeper *keeper = arg;
    pthread_mutex_lock(&keeper->lock);
    while (wait_for_work(keeper)) {
        pthread_mutex_unlock(&keeper->lock);
        look(keeper);
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

void keeper_start(struct keeper *keeper, const struct stream_settings *settings)
{
    keeper->settings = *settings;
    keeper->started = pthread_create(&keeper->thread, NULL, run, keeper) == 0;
    if (!keeper->started) {
        log_error(keeper->bus->log, "cannot start the thread that keeps the streams");
    }
}

void keeper_stop(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->woken);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->started) {
        pthread_join(keeper->thread, NULL);
        keeper->started = false;
    }
}

void keeper_free(struct keeper **keeper)
{
    if (*keeper == NULL) {
        return;
    }
    pthread_cond_destroy(&(*keeper)->woken);
    pthread_mutex_destroy(&(*keeper)->lock);
    free(*keeper);
    *keeper = NULL;
}
