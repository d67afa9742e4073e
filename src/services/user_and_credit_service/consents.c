// SPDX-License-Identifier: Apache-2.0
// The consent to use emotional data: shown with its history, given and withdrawn. A withdrawal
// leaves nothing emotional behind.
#include "services/user_and_credit_service/deletions.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"
#include "services/user_and_credit_service/withdrawal.h"

#include "platform/json.h"

#define RETRY_MS 1000

struct consent_request {
    struct desk *desk;
    char user_id[UUID_TEXT_SIZE];
    struct db_parameter person; /* the id as a parameter */
    bool change;                /* or only show */
    bool granted;               /* what it changes to */
    bool in_doubt;              /* the cache may still hold the person's last analysis */
    bool more;                  /* so many emotions that some go after the commit */
    json_t *answer;             /* NULL: there is no such account */
};

static void append_moment(json_t *history, bool granted, timestamp at)
{
    json_array_append_new(history,
                          json_pack("{s:b, s:o}", "granted", granted, "at", json_timestamp(at)));
}

static enum db_status read_history(struct db *db, struct consent_request *request)
{
    __attribute__((cleanup(db_result_free))) struct db_result *periods = NULL;
    enum db_status status = db_run(db, &sql_consent_history, &request->person, 1, &periods);
    if (status != DB_OK) {
        return status;
    }
    json_t *history = json_array();
    bool granted = false;
    for (size_t row = 0; row < db_rows(periods); row++) {
        granted = db_null(periods, row, 1);
        append_moment(history, true, db_timestamp(periods, row, 0));
        if (!granted) {
            append_moment(history, false, db_timestamp(periods, row, 1));
        }
    }
    request->answer = json_pack("{s:s, s:b, s:o}", "purpose", "emotional_data", "granted", granted,
                                "history", history);
    return DB_OK;
}

static enum db_status withdraw(struct db *db, struct consent_request *request)
{
    enum db_status status = withdrawal_begin(db, request->user_id, &request->more);
    return status == DB_OK && request->more
               ? deletion_begin(db, request->user_id, DELETION_OF_EMOTIONS)
               : status;
}

// A new consent begins when nothing is left from under the one before.
static enum db_status grant(struct db *db, struct consent_request *request)
{
    enum db_status status = withdrawal_clear(db, request->user_id, &request->more);
    if (status == DB_OK && request->more) {
        return deletion_begin(db, request->user_id, DELETION_OF_EMOTIONS);
    }
    if (status == DB_OK) {
        status = deletion_end(db, request->user_id, DELETION_OF_EMOTIONS);
    }
    return status == DB_OK ? db_run_later(db, &sql_grant_consent, &request->person, 1) : status;
}

static enum db_status apply_change(struct db *db, struct consent_request *request)
{
    enum db_status status =
        decision_cache_forget(request->desk->decisions, request->user_id, &request->in_doubt);
    if (status != DB_OK) {
        return status;
    }
    return request->granted ? grant(db, request) : withdraw(db, request);
}

static enum db_status serve_consent(struct db *db, void *arg)
{
    struct consent_request *request = arg;
    enum db_status status = DB_OK;
    json_release(&request->answer); // of an earlier run of the transaction
    request->more = false;
    if (request->change) {
        status = db_run_later(db, &sql_lock_person, &request->person, 1);
    }
    __attribute__((cleanup(db_result_free))) struct db_result *account = NULL;
    if (status == DB_OK) {
        status = db_run(db, &sql_user_by_id, &request->person, 1, &account);
    }
    if (status != DB_OK || db_rows(account) == 0) {
        return status;
    }
    if (request->change) {
        status = apply_change(db, request);
    }
    return status == DB_OK ? read_history(db, request) : status;
}

static void log_change(const struct consent_request *request)
{
    log_info(request->desk->log, "consent set", LOG_TEXT("user_id", request->user_id),
             LOG_TEXT("purpose", "emotional_data"),
             LOG_TEXT("granted", request->granted ? "true" : "false"));
}

static bool is_held_up(const struct consent_request *request)
{
    return request->more && request->granted;
}

static enum db_status run_request(struct consent_request *request)
{
    enum db_status status = desk_transaction(request->desk, serve_consent, request);
    if (request->in_doubt) {
        decision_cache_settle();
    }
    if (status == DB_OK && request->answer != NULL && request->change && !is_held_up(request)) {
        log_change(request);
    }
    if (request->more) {
        deletions_wake(request->desk->service->deletions);
    }
    return status;
}

static void answer_request(struct http_exchange *exchange, struct consent_request *request)
{
    uuid_format(http_person(exchange), request->user_id);
    request->person = db_text_parameter(request->user_id);
    enum db_status status = run_request(request);
    if (status != DB_OK) {
        desk_answer_failure(request->desk, exchange, status);
    } else if (request->answer == NULL) {
        desk_answer_no_account(exchange);
    } else if (is_held_up(request)) {
        http_answer_unavailable(exchange,
                                "what was stored under the consent before is still being deleted, "
                                "try again",
                                RETRY_MS);
    } else {
        http_answer_json(exchange, 200, json_incref(request->answer));
    }
    json_release(&request->answer);
}

void show_consent(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct consent_request request = {.desk = context};
    answer_request(exchange, &request);
}

void change_consent(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    __attribute__((cleanup(json_release))) json_t *body = http_read_object(exchange);
    if (body == NULL) {
        return;
    }
    const json_t *granted = json_object_get(body, "granted");
    if (!json_is_boolean(granted)) {
        struct faults faults = {0};
        faults_add(&faults, "granted", "must be true or false");
        http_answer_faults(exchange, &faults);
        return;
    }
    struct consent_request request = {
        .desk = context, .change = true, .granted = json_is_true(granted)};
    answer_request(exchange, &request);
}
