// SPDX-License-Identifier: Apache-2.0
// What a process depends on, asked once a second on the health thread. One check also mends: the
// schema is brought up to date when the database was away at start.
#include "commands/process_internal.h"

#include "platform/db/db.h"
#include "platform/db/migrations.h"
#include "platform/http/client.h"
#include "platform/http/url.h"
#include "platform/memory.h"
#include "platform/policy_file.h"
#include "services/api_gateway_ecs/service.h"
#include "services/user_and_credit_service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_TIMEOUT_MS 1000
#define PROBE_ANSWER_MAX 4096

// A service that is asked over HTTP.
struct probe {
    struct http_client *client;
    char url[512];
};

struct process_checks {
    struct process *process;
    struct db *database; /* as the first service that needs one */
    bool migrated;
    struct policy_file *policy; /* looked at beside the service that decides by it */
    char policy_refused[POLICY_ERROR_SIZE];
    char model_version[MODEL_VERSION_MAX + 1]; /* the last one told of */
    struct probe probes[PROCESS_SERVICES_MAX];
    size_t probe_count;
};

// ---- the database and its schema

static bool check_database(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    if (db_ping(checks->database) != DB_OK) {
        snprintf(why, HEALTH_WHY_SIZE, "%s", db_error(checks->database));
        return false;
    }
    return true;
}

static void report_migration(void *arg, const char *file)
{
    struct process *process = arg;
    log_info(process->log, "applying migration", LOG_TEXT("file", file));
}

static enum db_status migrate(struct process *process, char *why, size_t size)
{
    const struct config *config = process->config;
    char error[DB_ERROR_SIZE];
    struct db *db =
        db_open(config_text(config, SETTING_DATABASE_URL), "ecs migrate", process->log, error);
    if (db == NULL) {
        snprintf(why, size, "DATABASE_URL: %s", error);
        return DB_BROKEN;
    }
    struct migrations_result result;
    enum db_status status = migrations_run(db, config_text(config, SETTING_MIGRATIONS_PATH),
                                           report_migration, process, &result);
    if (status != DB_OK) {
        snprintf(why, size, "migration %s: %s", result.failed, db_error(db));
    }
    db_close(&db);
    return status;
}

static const struct service *first_with_database(const struct process *process)
{
    for (size_t i = 0; i < process->plan.count; i++) {
        if (process->plan.chosen[i] && (process->plan.services[i]->needs & NEEDS_DATABASE) != 0) {
            return process->plan.services[i];
        }
    }
    return NULL;
}

static void open_database(struct process *process)
{
    const struct service *service = first_with_database(process);
    char error[DB_ERROR_SIZE];
    if (service != NULL) {
        process->checks->database =
            db_open(process_database_url(process, service), "ecs health", process->log, error);
    }
}

static void *connect_for_checks(void *arg)
{
    db_ping(arg); // a failure is the checks' to tell
    return NULL;
}

bool process_reach_database(struct process *process, char error[static PROCESS_ERROR_SIZE])
{
    process->checks = memory_zeroed(1, sizeof *process->checks);
    process->checks->process = process;
    open_database(process);
    if (!process->plan.everything) {
        return true;
    }
    pthread_t connecting;
    if (pthread_create(&connecting, NULL, connect_for_checks, process->checks->database) != 0) {
        abort(); /* no thread at start: nothing would work */
    }
    enum db_status status = migrate(process, error, PROCESS_ERROR_SIZE);
    pthread_join(connecting, NULL);
    process->checks->migrated = status == DB_OK;
    // What passes by itself is tried again with each look at the schema.
    return status == DB_OK || db_may_pass(status);
}

static bool check_schema(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    if (!checks->migrated) {
        checks->migrated = migrate(checks->process, why, HEALTH_WHY_SIZE) == DB_OK;
    }
    return checks->migrated;
}

// ---- the broker and its streams

static bool check_bus(void *arg, char why[static HEALTH_WHY_SIZE])
{
    const struct process *process = ((struct process_checks *)arg)->process;
    for (size_t i = 0; i < process->lane_count; i++) {
        if (!bus_is_up(process->lanes[i].on.bus)) {
            snprintf(why, HEALTH_WHY_SIZE, "not connected");
            return false;
        }
    }
    return true;
}

static bool check_streams(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    if (bus_sequence_went_back(checks->process->bus)) {
        snprintf(why, HEALTH_WHY_SIZE, "a stream lost messages that it had acknowledged");
        return false;
    }
    if (!bus_streams_ready(checks->process->bus)) {
        snprintf(why, HEALTH_WHY_SIZE, "streams or consumers are missing");
        return false;
    }
    return true;
}

static bool check_room(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    const char *full = bus_full_stream(checks->process->bus);
    if (full != NULL) {
        snprintf(why, HEALTH_WHY_SIZE, "the stream %s is full", full);
        return false;
    }
    return true;
}

// ---- the cache, the model, other services

static bool check_cache(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    if (!cache_is_up(checks->process->cache_health)) {
        snprintf(why, HEALTH_WHY_SIZE, "not answering");
        return false;
    }
    return true;
}

static void tell_of_model(struct process_checks *checks)
{
    char version[MODEL_VERSION_MAX + 1];
    risk_model_version(checks->process->model, version);
    if (strcmp(version, checks->model_version) != 0) {
        memcpy(checks->model_version, version, sizeof version);
        log_info(checks->process->log, "risk model serves", LOG_TEXT("model_version", version));
    }
}

// Picks a new file up, too.
static bool check_model(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    const bool good = risk_model_refresh(checks->process->model, why);
    tell_of_model(checks);
    return good;
}

static bool check_policy(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct process_checks *checks = arg;
    char error[POLICY_ERROR_SIZE];
    bool good = policy_file_refresh(checks->policy, error);
    if (error[0] != '\0') {
        snprintf(checks->policy_refused, POLICY_ERROR_SIZE, "%s", error);
    }
    if (!good) {
        snprintf(why, HEALTH_WHY_SIZE, "%s", checks->policy_refused);
    }
    return good;
}

static bool check_service(void *arg, char why[static HEALTH_WHY_SIZE])
{
    struct probe *probe = arg;
    struct http_result result =
        http_client_call(probe->client, &(struct http_call){
                                            .method = HTTP_GET,
                                            .url = probe->url,
                                            .timeout_ms = PROBE_TIMEOUT_MS,
                                            .maximum_answer = PROBE_ANSWER_MAX,
                                        });
    if (result.status != 200) {
        snprintf(why, HEALTH_WHY_SIZE, "%s", result.status == 0 ? "does not answer" : "not well");
        return false;
    }
    return true;
}

static void add_probe(struct process *process, const struct service *service, bool required)
{
    struct process_checks *checks = process->checks;
    struct probe *probe = &checks->probes[checks->probe_count++];
    probe->client = http_client_new();
    char *base = url_base(config_text(process->config, service->url));
    snprintf(probe->url, sizeof probe->url, "%s/healthz", base);
    free(base);
    health_add(process->health, service->name, required, check_service, probe);
}

// The services that those in this process call over HTTP. Without the model's service only analyses
// fail, so it does not decide about readiness.
static void add_probes(struct process *process)
{
    for (size_t i = 0; i < process->plan.count; i++) {
        const struct service *service = process->plan.services[i];
        const struct service *caller =
            service->internal ? &user_and_credit_service : &api_gateway_ecs;
        if (service->url != SETTING_COUNT && !process_has(process, service) &&
            process_has(process, caller)) {
            add_probe(process, service, !service->internal);
        }
    }
}

// ---- which of them

static void add_database_checks(struct process *process)
{
    if (process->checks->database == NULL) {
        return;
    }
    health_add(process->health, "postgresql", true, check_database, process->checks);
    if (process->plan.everything) {
        health_add(process->health, "schema", true, check_schema, process->checks);
    }
}

// The old policy holds while a new one is refused, so it does not decide about readiness.
static void add_policy_check(struct process *process)
{
    struct process_checks *checks = process->checks;
    const char *path = config_text(process->config, SETTING_POLICY_PATH);
    checks->policy = policy_file_load(path, checks->policy_refused);
    if (checks->policy != NULL) {
        health_add(process->health, "policy", false, check_policy, checks);
    }
}

void process_add_checks(struct process *process)
{
    add_database_checks(process);
    if (process->bus != NULL) {
        health_add(process->health, "nats", true, check_bus, process->checks);
        health_add(process->health, "streams", true, check_streams, process->checks);
        // Everything else goes on, and another process would find the stream as full.
        health_add(process->health, "room", false, check_room, process->checks);
    }
    if (process->cache_health != NULL) {
        health_add(process->health, "redis", false, check_cache, process->checks);
    }
    if (process->model != NULL) {
        health_add(process->health, "risk-model", false, check_model, process->checks);
    }
    if ((process->needs & NEEDS_RISK) != 0) {
        add_policy_check(process);
    }
    add_probes(process);
}

void process_free_checks(struct process *process)
{
    struct process_checks *checks = process->checks;
    if (checks == NULL) {
        return;
    }
    db_close(&checks->database);
    policy_file_free(&checks->policy);
    for (size_t i = 0; i < checks->probe_count; i++) {
        http_client_free(&checks->probes[i].client);
    }
    free(checks);
    process->checks = NULL;
}
