// SPDX-License-Identifier: Apache-2.0
// The pieces of the platform that the chosen services need, opened once and closed last.
#include "commands/process_internal.h"

#include "commands/with_bus.h"
#include "platform/db/db.h"
#include "services/erased_people.h"

#include <stdio.h>
#include <string.h>

// What all chosen services need together; calling the risk model elsewhere takes the internal key.
static unsigned needs_of(const struct process_plan *plan)
{
    unsigned needs = 0;
    for (size_t i = 0; i < plan->count; i++) {
        needs |= plan->chosen[i] ? plan->services[i]->needs : 0;
    }
    if ((needs & NEEDS_RISK) != 0 && (needs & NEEDS_MODEL) == 0) {
        needs |= NEEDS_INTERNAL_KEY;
    }
    return needs;
}

static bool require_settings(const struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    const struct {
        unsigned need;
        enum setting setting;
    } required[] = {
        {NEEDS_TOKEN_KEY, SETTING_SECRET_KEY},
        {NEEDS_INTERNAL_KEY, SETTING_INTERNAL_SERVICE_API_KEY},
        {NEEDS_BUS, process_broker_setting(process)},
    };
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if ((process->needs & required[i].need) != 0 &&
            !config_require(process->config, required[i].setting, error)) {
            return false;
        }
    }
    return !process->plan.everything ||
           config_require(process->config, SETTING_DATABASE_URL, error);
}

// Every chosen service's own database URL must be there and readable before anything starts.
static bool check_database_urls(const struct process *process,
                                char error[static PROCESS_ERROR_SIZE])
{
    for (size_t i = 0; i < process->plan.count; i++) {
        const struct service *service = process->plan.services[i];
        if (!process->plan.chosen[i] || (service->needs & NEEDS_DATABASE) == 0) {
            continue;
        }
        bool own = config_is_set(process->config, service->database);
        enum setting setting = own ? service->database : SETTING_DATABASE_URL;
        char why[DB_ERROR_SIZE];
        if (!config_require(process->config, setting, error)) {
            return false;
        }
        struct db *db = db_open(config_text(process->config, setting), "check", process->log, why);
        if (db == NULL) {
            snprintf(error, PROCESS_ERROR_SIZE, "%s: %s", config_name(setting), why);
            return false;
        }
        db_close(&db);
    }
    return true;
}

static void open_log(struct process *process)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    const char *level = config_text(process->config, SETTING_LOG_LEVEL);
    const char *name = "ecs";
    size_t least = LOG_INFO;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        least = strcmp(levels[i], level) == 0 ? i : least;
    }
    for (size_t i = 0; i < process->plan.count && !process->plan.everything; i++) {
        name = process->plan.chosen[i] ? process->plan.services[i]->name : name;
    }
    bool json = strcmp(config_text(process->config, SETTING_LOG_FORMAT), "json") == 0;
    process->log = log_open(name, (enum log_level)least, json ? LOG_AS_JSON : LOG_AS_TEXT);
}

// Services that check tokens and have the broker; the gateway leaves it to those behind it.
static bool hears_of_erased_people(const struct process_plan *plan)
{
    const unsigned both = NEEDS_TOKEN_KEY | NEEDS_BUS;
    bool hears = false;
    for (size_t i = 0; i < plan->count; i++) {
        hears |= plan->chosen[i] && (plan->services[i]->needs & both) == both;
    }
    return hears;
}

static bool open_bus(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    if ((process->needs & NEEDS_BUS) == 0) {
        return true;
    }
    const struct config *config = process->config;
    const enum setting url = process_broker_setting(process);
    char why[BUS_ERROR_SIZE];
    process->streams = (struct stream_settings){
        .replicas = config_number(config, SETTING_STREAM_REPLICAS),
        .max_age_hours = config_number(config, SETTING_STREAM_MAX_AGE_HOURS),
        .max_bytes = config_number(config, SETTING_STREAM_MAX_BYTES),
        .ack_wait_ms = config_number(config, SETTING_ACK_WAIT_MS),
    };
    process->bus = bus_open(
        &(struct bus_options){
            .url = config_text(config, url),
            .name = "ecs",
            .tls = bus_tls_of(config),
            .log = process->log,
            .metrics = process->metrics,
        },
        why);
    if (process->bus == NULL) {
        snprintf(error, PROCESS_ERROR_SIZE, "%s: %s", config_name(url), why);
        return false;
    }
    bus_keep_streams(process->bus, &process->streams);
    if (hears_of_erased_people(&process->plan)) {
        process->erased_people = erased_people_listen(process->bus, process->revocations);
    }
    return true;
}

static bool open_cache(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    if ((process->needs & NEEDS_CACHE) == 0) {
        return true;
    }
    if (!cache_url_valid(config_text(process->config, SETTING_REDIS_URL))) {
        snprintf(error, PROCESS_ERROR_SIZE,
                 "REDIS_URL must be redis://[:password@]host:port[/database]");
        return false;
    }
    process->cache_health = cache_health_new(process->log);
    return true;
}

bool process_open_model(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    const struct config *config = process->config;
    if ((process->needs & NEEDS_MODEL) != 0) {
        char why[MODEL_ERROR_SIZE];
        process->model = risk_model_load(config_text(config, SETTING_MODEL_PATH), why);
        if (process->model == NULL) {
            snprintf(error, PROCESS_ERROR_SIZE, "MODEL_PATH: %s", why);
            return false;
        }
        process->risk = risk_client_local(process->model);
        return true;
    }
    if ((process->needs & NEEDS_RISK) == 0) {
        return true;
    }
    process->risk_remote = risk_remote_new(config_text(config, SETTING_CREDIT_ANALYSIS_SERVICE_URL),
                                           config_text(config, SETTING_INTERNAL_SERVICE_API_KEY),
                                           config_number(config, SETTING_MODEL_TIMEOUT_MS));
    process->risk = risk_client_remote(process->risk_remote);
    return true;
}

#define LIMIT_SLOTS 65536 /* addresses, and people, counted at a time */

static struct rate_limit *limit_per_minute(const struct process *process, enum setting setting)
{
    return rate_limit_new(config_number(process->config, setting), 60, LIMIT_SLOTS);
}

static bool open_limits(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    process->trusted = proxies_new(config_text(process->config, SETTING_TRUSTED_PROXIES));
    if (process->trusted == NULL) {
        snprintf(error, PROCESS_ERROR_SIZE,
                 "TRUSTED_PROXIES must be addresses and networks, separated by commas");
        return false;
    }
    process->limits = (struct http_limits){
        .address = limit_per_minute(process, SETTING_RATE_LIMIT_ADDRESS_PER_MINUTE),
        .person = limit_per_minute(process, SETTING_RATE_LIMIT_PERSON_PER_MINUTE),
    };
    return true;
}

// Where nothing is served but metrics one loop is enough.
static size_t lanes_wanted(const struct process *process)
{
    const int64_t set = config_number(process->config, SETTING_HTTP_LOOPS);
    for (size_t i = 0; i < process->plan.count; i++) {
        if (process->plan.chosen[i] && process->plan.services[i]->listen != SETTING_COUNT) {
            return set > 0 ? (size_t)set : loops_for_processors();
        }
    }
    return 1;
}

static void open_lanes(struct process *process)
{
    const size_t wanted = lanes_wanted(process);
    while (process->lane_count < wanted) {
        struct lane *lane = &process->lanes[process->lane_count];
        lane->process = process;
        lane->on.loop = loop_new();
        const bool own = process->lane_count > 0 && (process->needs & NEEDS_LOOP_BUS) != 0;
        lane->on.bus = own ? bus_branch(process->bus) : process->bus;
        process->lane_count++;
    }
}

static void close_lanes(struct process *process)
{
    while (process->lane_count > 0) {
        struct lane *lane = &process->lanes[--process->lane_count];
        if (lane->on.bus != process->bus) {
            bus_close(&lane->on.bus);
        }
        loop_free(&lane->on.loop);
    }
}

bool process_open_platform(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    process->config = config_load(error);
    if (process->config == NULL) {
        return false;
    }
    open_log(process);
    process->needs = needs_of(&process->plan);
    process->metrics = metrics_new();
    process->revocations = revocations_new();
    process->health = health_new(process->log, process->metrics);
    if (!open_limits(process, error) || !require_settings(process, error) ||
        !check_database_urls(process, error) || !open_bus(process, error) ||
        !open_cache(process, error)) {
        return false;
    }
    open_lanes(process);
    return true;
}

void process_close_platform(struct process *process)
{
    health_free(&process->health);
    process_free_checks(process);
    risk_remote_free(&process->risk_remote);
    risk_model_free(&process->model);
    cache_health_free(&process->cache_health);
    rate_limit_free(&process->limits.address);
    rate_limit_free(&process->limits.person);
    proxies_free(&process->trusted);
    bus_listener_close(&process->erased_people);
    close_lanes(process);
    bus_close(&process->bus);
    revocations_free(&process->revocations);
    metrics_free(&process->metrics);
    log_close(&process->log);
    config_free(&process->config);
}
