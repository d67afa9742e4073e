// SPDX-License-Identifier: Apache-2.0
// The few things that every handler of this service does alike.
#include "services/user_and_credit_service/desk.h"

#include "platform/clock.h"
#include "platform/memory.h"
#include "services/user_and_credit_service/statements.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_UPS 6
#define LOOK_UP_AFTER_MS 250
#define POLICY_READ_EVERY_MS 1000

struct desk *desk_open(struct user_credit *service, const char *name)
{
    const struct service_environment *environment = service->environment;
    struct desk *desk = memory_zeroed(1, sizeof *desk);
    char error[DB_ERROR_SIZE];
    desk->service = service;
    desk->log = environment->log;
    desk->db = db_open(environment->database_url, name, desk->log, error);
    if (desk->db == NULL) {
        log_error(desk->log, "the database URL cannot be used", LOG_TEXT("why", error));
        abort(); /* the outbox read the same URL at start */
    }
    db_plan_once(desk->db);
    desk->decisions = decision_cache_open(&service->decision_rules,
                                          config_text(environment->config, SETTING_REDIS_URL),
                                          environment->cache_health, desk->db);
    desk->login_counts =
        cache_new(config_text(environment->config, SETTING_REDIS_URL), environment->cache_health);
    return desk;
}

void desk_close(struct desk *desk)
{
    cache_free(&desk->login_counts);
    decision_cache_close(&desk->decisions);
    db_close(&desk->db);
    free(desk);
}

static void pause_ms(long milliseconds)
{
    struct timespec pause = {.tv_nsec = milliseconds * 1000000};
    nanosleep(&pause, NULL);
}

static bool may_be_in_doubt(enum db_status status)
{
    return status == DB_UNKNOWN || status == DB_AWAY || status == DB_CONFLICT;
}

enum db_status desk_transaction(struct desk *desk, db_work *work, void *arg)
{
    enum db_status status = db_transaction(desk->db, work, arg);
    if (status != DB_UNKNOWN) {
        return status;
    }
    // A conflict may be with the lost transaction itself, which the server is about to end.
    for (int i = 0; i < LOOK_UPS && may_be_in_doubt(status); i++) {
        pause_ms(LOOK_UP_AFTER_MS);
        status = db_transaction(desk->db, work, arg);
    }
    return status;
}

struct policy desk_policy(struct desk *desk)
{
    struct user_credit *service = desk->service;
    int64_t now_ms = clock_monotonic_ms();
    char error[POLICY_ERROR_SIZE];
    if (now_ms - atomic_load(&service->policy_read_ms) >= POLICY_READ_EVERY_MS) {
        atomic_store(&service->policy_read_ms, now_ms);
        if (!policy_file_refresh(service->policy, error) && error[0] != '\0') {
            log_error(desk->log, "new credit policy refused, the old one stays",
                      LOG_TEXT("why", error));
        }
    }
    return policy_file_current(service->policy);
}

void desk_answer_failure(struct desk *desk, struct http_exchange *exchange, enum db_status status)
{
    if (db_may_pass(status)) {
        http_answer_unavailable(exchange, "the database is away, try again", 1000);
        return;
    }
    log_error(desk->log, "database refused a request",
              LOG_TEXT("request_id", http_request_id(exchange)),
              LOG_TEXT("why", db_error(desk->db)));
    http_answer_problem(exchange, 500, NULL);
}

void desk_answer_no_account(struct http_exchange *exchange)
{
    http_answer_header(exchange, "WWW-Authenticate",
                       "Bearer realm=\"ecs\", error=\"invalid_token\","
                       " error_description=\"the account of the token is gone\"");
    http_answer_problem(exchange, 401, "The account of the access token is gone.");
}

struct db_result *desk_find(struct desk *desk, struct http_exchange *exchange,
                            const struct db_statement *statement,
                            const struct db_parameter *parameters, size_t count)
{
    struct db_result *rows = NULL;
    enum db_status status = db_run(desk->db, statement, parameters, count, &rows);
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
        return NULL;
    }
    if (db_rows(rows) == 0) {
        desk_answer_no_account(exchange);
        db_result_free(&rows);
    }
    return rows;
}

bool desk_path_id(struct http_exchange *exchange, const char *name, char id[static UUID_TEXT_SIZE])
{
    const char *in_path = http_path_part(exchange, name);
    struct uuid parsed;
    const bool is_id = uuid_parse(in_path, strlen(in_path), &parsed);
    if (is_id) {
        uuid_format(&parsed, id);
    }
    return is_id;
}

void desk_answer_unknown(struct desk *desk, struct http_exchange *exchange, const char *detail)
{
    char id[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), id);
    struct db_parameter person[] = {db_text_parameter(id)};
    struct db_result *account = desk_find(desk, exchange, &sql_user_by_id, person, 1);
    if (account != NULL) {
        http_answer_problem(exchange, 404, detail);
        db_result_free(&account);
    }
}
