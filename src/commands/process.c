// SPDX-License-Identifier: Apache-2.0
// The life of a serving process: the order in which it begins, and the opposite order in which it
// ends.
#include "commands/process_internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_LOOK_MS 10
#define GIVE_MEMORY_BACK_MS 60000

bool process_has(const struct process *process, const struct service *service)
{
    for (size_t i = 0; i < process->plan.count; i++) {
        if (process->plan.services[i] == service) {
            return process->plan.chosen[i];
        }
    }
    return false;
}

const char *process_database_url(const struct process *process, const struct service *service)
{
    bool own =
        service->database != SETTING_COUNT && config_is_set(process->config, service->database);
    return config_text(process->config, own ? service->database : SETTING_DATABASE_URL);
}

enum setting process_broker_setting(const struct process *process)
{
    for (size_t i = 0; i < process->plan.count && !process->plan.everything; i++) {
        const struct service *service = process->plan.services[i];
        if (process->plan.chosen[i] && (service->needs & NEEDS_BUS) != 0) {
            const bool own = config_is_set(process->config, service->broker);
            return own ? service->broker : SETTING_NATS_URL;
        }
    }
    return SETTING_NATS_URL;
}

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    loop_run(lane->on.loop);
    return NULL;
}

static bool give_memory_back(void *arg)
{
    (void)arg;
    memory_give_back();
    return false;
}

static void start_lane(struct process *process, size_t number)
{
    struct lane *lane = &process->lanes[number];
    if (pthread_create(&lane->thread, NULL, run_lane, lane) != 0) {
        abort(); /* no thread at start: nothing would work */
    }
    char name[16] = "http";
    if (number > 0) {
        snprintf(name, sizeof name, "http-%zu", number + 1);
    }
    pthread_setname_np(lane->thread, name);
}

static void start_threads(struct process *process)
{
    process->memory = ticker_new("memory", GIVE_MEMORY_BACK_MS, give_memory_back, NULL);
    ticker_start_later(process->memory);
    process_start_consumers(process);
    health_start(process->health);
    for (size_t i = 0; i < process->lane_count; i++) {
        start_lane(process, i);
    }
}

static void tear_down(struct process **process)
{
    ticker_free(&(*process)->memory);
    process_unmount_services(*process);
    process_close_platform(*process);
    free(*process);
    *process = NULL;
}

// ---- the beginning

struct reaching {
    struct process *process;
    bool good;
    char error[PROCESS_ERROR_SIZE];
};

static void *reach_database(void *arg)
{
    struct reaching *reaching = arg;
    reaching->good = process_reach_database(reaching->process, reaching->error);
    return NULL;
}

// Both at once: each takes as long as all the rest of a start.
static bool open_model_and_database(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    struct reaching reaching = {.process = process};
    pthread_t thread;
    if (pthread_create(&thread, NULL, reach_database, &reaching) != 0) {
        abort(); /* no thread at start: nothing would work */
    }
    const bool model = process_open_model(process, error);
    pthread_join(thread, NULL);
    if (model && !reaching.good) {
        memcpy(error, reaching.error, PROCESS_ERROR_SIZE);
    }
    return model && reaching.good;
}

struct process *process_start(const struct process_plan *plan,
                              char error[static PROCESS_ERROR_SIZE])
{
    struct process *process = memory_zeroed(1, sizeof *process);
    process->plan = *plan;
    if (!process_open_platform(process, error) || !open_model_and_database(process, error) ||
        !process_mount_services(process, error) || !process_listen(process, error)) {
        tear_down(&process);
        return NULL;
    }
    process_add_checks(process);
    start_threads(process);
    log_info(process->log, "serving", LOG_NUMBER("services", process->mounted_count),
             LOG_NUMBER("loops", process->lane_count));
    return process;
}

// ---- the end

static void look_drained(void *arg)
{
    struct lane *lane = arg;
    if (process_is_drained(lane) || clock_monotonic_ms() >= lane->process->drain_deadline_ms) {
        loop_timer_free(&lane->drain_timer);
        loop_stop(lane->on.loop);
    }
}

static void drain_lane(void *arg)
{
    struct lane *lane = arg;
    process_drain(lane);
    lane->drain_timer = loop_timer_start(lane->on.loop, 0, DRAIN_LOOK_MS, look_drained, lane);
}

// The first lane gives the others what waits for a connection, and only then is it their turn.
static void begin_drain(void *arg)
{
    struct process *process = arg;
    drain_lane(&process->lanes[0]);
    for (size_t i = 1; i < process->lane_count; i++) {
        loop_post(process->lanes[i].on.loop, drain_lane, &process->lanes[i]);
    }
}

void process_stop(struct process **process)
{
    struct process *stopping = *process;
    log_info(stopping->log, "stopping");
    const int64_t seconds = config_number(stopping->config, SETTING_SHUTDOWN_SECONDS);
    stopping->drain_deadline_ms = clock_monotonic_ms() + seconds * 1000;
    process_stop_consumers(stopping);
    loop_post(stopping->lanes[0].on.loop, begin_drain, stopping);
    for (size_t i = 0; i < stopping->lane_count; i++) {
        pthread_join(stopping->lanes[i].thread, NULL);
    }
    health_stop(stopping->health);
    log_info(stopping->log, "stopped");
    tear_down(process);
}
