// SPDX-License-Identifier: Apache-2.0
// A person contests a decision: somebody of the bank will look at it, and say so in its row.
#include "services/user_and_credit_service/review.h"

#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"

#include "domain/review.h"

#include <string.h>

// ---- looking up

enum review_column { STATEMENT, REQUESTED_AT, STATUS, EXPLANATION, RESOLVED_AT, OFFER_ID };

static const char *text_or_null(const struct db_result *row, int column)
{
    return db_null(row, 0, column) ? NULL : db_text(row, 0, column);
}

static json_t *instant_or_null(const struct db_result *row, int column)
{
    return db_null(row, 0, column) ? json_null() : json_timestamp(db_timestamp(row, 0, column));
}

static json_t *review_json(const char *decision_id, const struct db_result *row)
{
    return json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:o, s:s?}", "decision_id", decision_id, "status",
                     db_text(row, 0, STATUS), "statement", text_or_null(row, STATEMENT),
                     "requested_at", instant_or_null(row, REQUESTED_AT), "explanation",
                     text_or_null(row, EXPLANATION), "resolved_at",
                     instant_or_null(row, RESOLVED_AT), "offer_id", text_or_null(row, OFFER_ID));
}

enum db_status review_find(struct db *db, const char *person, const char *decision_id, json_t **ret)
{
    struct db_parameter key[] = {db_text_parameter(person), db_text_parameter(decision_id)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_review, key, 2, &row);
    *ret = status == DB_OK && db_rows(row) > 0 ? review_json(decision_id, row) : NULL;
    return status;
}

// ---- asking for one

struct review_request {
    char person[UUID_TEXT_SIZE];
    char decision_id[UUID_TEXT_SIZE];
    const char *statement; /* NULL: the person says nothing about it */
    json_t *review;        /* NULL: there is no such decision */
};

static enum db_status request_in_transaction(struct db *db, void *arg)
{
    struct review_request *request = arg;
    struct db_parameter parameters[] = {
        db_text_parameter(request->person),
        db_text_parameter(request->decision_id),
        db_text_parameter(request->statement),
    };
    json_release(&request->review);
    enum db_status status = db_run_later(db, &sql_lock_person, parameters, 1);
    if (status == DB_OK) {
        status = db_run_later(db, &sql_request_review, parameters, 3);
    }
    return status == DB_OK
               ? review_find(db, request->person, request->decision_id, &request->review)
               : status;
}

// Reads the body, which may be missing. False when it is wrong: that is answered then.
static bool read_statement(struct http_exchange *exchange, json_t **ret_body,
                           const char **ret_statement)
{
    *ret_body = NULL;
    *ret_statement = NULL;
    if (http_body(exchange).length == 0) {
        return true;
    }
    *ret_body = http_read_object(exchange);
    if (*ret_body == NULL) {
        return false;
    }
    const json_t *statement = json_object_get(*ret_body, "statement");
    struct faults faults = {0};
    if (json_is_string(statement)) {
        *ret_statement = json_string_value(statement);
        review_check_statement(*ret_statement, &faults);
    } else if (statement != NULL && !json_is_null(statement)) {
        faults_add(&faults, "statement", "must be a string");
    }
    if (faults.count > 0) {
        http_answer_faults(exchange, &faults);
    }
    return faults.count == 0;
}

// What the reviewer reads, or has read, is what the person said first.
static bool says_something_else(const struct review_request *request)
{
    const char *first = json_string_value(json_object_get(request->review, "statement"));
    return request->statement != NULL && (first == NULL || strcmp(request->statement, first) != 0);
}

static void answer_review(struct http_exchange *exchange, struct desk *desk,
                          const struct review_request *request)
{
    if (says_something_else(request)) {
        http_answer_problem(exchange, 409,
                            "the review was asked for before, and its statement cannot change");
        return;
    }
    const bool resolved = !json_is_null(json_object_get(request->review, "resolved_at"));
    log_info(desk->log, resolved ? "review looked at" : "review asked for",
             LOG_TEXT("decision_id", request->decision_id), LOG_TEXT("user_id", request->person));
    http_answer_json(exchange, resolved ? 200 : 202, json_incref(request->review));
}

void request_review(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    struct review_request request = {.review = NULL};
    __attribute__((cleanup(json_release))) json_t *body = NULL;
    if (!read_statement(exchange, &body, &request.statement)) {
        return;
    }
    enum db_status status = DB_OK;
    if (desk_path_id(exchange, "decision_id", request.decision_id)) {
        uuid_format(http_person(exchange), request.person);
        status = desk_transaction(desk, request_in_transaction, &request);
    }
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
    } else if (request.review == NULL) {
        desk_answer_unknown(desk, exchange, "there is no such decision");
    } else {
        answer_review(exchange, desk, &request);
    }
    json_release(&request.review);
}
