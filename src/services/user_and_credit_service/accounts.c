// SPDX-License-Identifier: Apache-2.0
// Who a person is to the system: registration, login and profile.
#include "services/user_and_credit_service/credentials.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"

#include "platform/auth/password.h"
#include "platform/auth/token.h"
#include "platform/clock.h"
#include "platform/http/limits.h"
#include "platform/ids.h"
#include "platform/json.h"

#include <stdlib.h>
#include <string.h>

// ---- registration

struct registration {
    struct credentials credentials;
    char user_id[UUID_TEXT_SIZE];
    char password_hash[PASSWORD_HASH_SIZE];
    timestamp created_at;
    timestamp updated_at;
};

static enum db_status read_instants(struct db *db, const struct db_statement *statement,
                                    const struct db_parameter *parameters, size_t count,
                                    struct registration *registration, size_t *ret_rows)
{
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, statement, parameters, count, &row);
    *ret_rows = status == DB_OK ? db_rows(row) : 0;
    if (*ret_rows > 0) {
        registration->created_at = db_timestamp(row, 0, 0);
        registration->updated_at = db_timestamp(row, 0, 1);
    }
    return status;
}

// The id is ours alone: when its row is there already, an earlier run of this work put it there.
static enum db_status insert_person(struct db *db, void *arg)
{
    struct registration *registration = arg;
    struct db_parameter user[] = {db_text_parameter(registration->user_id),
                                  db_text_parameter(registration->credentials.email),
                                  db_text_parameter(registration->password_hash)};
    size_t rows = 0;
    enum db_status status = read_instants(db, &sql_user_by_id, user, 1, registration, &rows);
    if (status != DB_OK || rows > 0) {
        return status;
    }
    status = read_instants(db, &sql_insert_user, user, 3, registration, &rows);
    if (status == DB_OK && registration->credentials.emotional_data) {
        status = db_run_later(db, &sql_grant_consent, user, 1);
    }
    return status;
}

static void answer_registered(struct http_exchange *exchange,
                              const struct registration *registration)
{
    http_answer_json(exchange, 201,
                     json_pack("{s:s, s:s, s:{s:b}, s:o, s:o}", "id", registration->user_id,
                               "email", registration->credentials.email, "consents",
                               "emotional_data", registration->credentials.emotional_data,
                               "created_at", json_timestamp(registration->created_at), "updated_at",
                               json_timestamp(registration->updated_at)));
}

static struct login_attempt attempt_of(struct http_exchange *exchange, const struct desk *desk,
                                       const char *account)
{
    struct login_attempt attempt = {
        .limits = &desk->service->logins,
        .cache = desk->login_counts,
        .account = account,
    };
    http_limits_client(exchange, attempt.address);
    return attempt;
}

static void store_registration(struct http_exchange *exchange, struct desk *desk,
                               struct registration *registration)
{
    const struct credentials *credentials = &registration->credentials;
    if (!password_hash(credentials->password, credentials->password_length,
                       registration->password_hash)) {
        http_answer_unavailable(exchange, "too busy to register anybody, try again", 1000);
        return;
    }
    struct uuid id = ids_new();
    uuid_format(&id, registration->user_id);
    enum db_status status = desk_transaction(desk, insert_person, registration);
    if (status == DB_OK) {
        log_info(desk->log, "person registered", LOG_TEXT("user_id", registration->user_id));
        answer_registered(exchange, registration);
    } else if (status == DB_CONFLICT) {
        http_answer_problem(exchange, 409, "the email is taken");
    } else {
        desk_answer_failure(desk, exchange, status);
    }
}

void register_person(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    __attribute__((cleanup(json_release))) json_t *body = http_read_object(exchange);
    if (body == NULL) {
        return;
    }
    struct registration registration = {0};
    struct faults faults = {0};
    credentials_for_registration(body, &registration.credentials, &faults);
    if (faults.count > 0) {
        http_answer_faults(exchange, &faults);
        return;
    }
    const struct login_attempt attempt = attempt_of(exchange, context, NULL);
    if (registration_begin(&attempt, exchange)) {
        store_registration(exchange, context, &registration);
    }
}

// ---- login

static void answer_token(struct http_exchange *exchange, const struct desk *desk,
                         const struct uuid *person)
{
    const struct config *config = desk->service->environment->config;
    int64_t seconds = config_number(config, SETTING_TOKEN_SECONDS);
    const char *secret = config_text(config, SETTING_SECRET_KEY);
    struct token_key key = {.secret = secret, .length = strlen(secret)};
    char *token = token_issue(&key, person, clock_now(), seconds);
    http_answer_json(exchange, 200,
                     json_pack("{s:s, s:s, s:I}", "access_token", token, "token_type", "bearer",
                               "expires_in", (json_int_t)seconds));
    free(token);
}

enum login_column { LOGIN_ID, LOGIN_HASH, LOGIN_EMAIL };

static void check_login(struct http_exchange *exchange, struct desk *desk,
                        const struct credentials *credentials)
{
    struct db_parameter email[] = {db_text_parameter(credentials->email)};
    __attribute__((cleanup(db_result_free))) struct db_result *account = NULL;
    enum db_status status = db_run(desk->db, &sql_login_by_email, email, 1, &account);
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
        return;
    }
    // One row in any case: whoever logs in is counted by the email as the database compares it.
    const struct login_attempt attempt =
        attempt_of(exchange, desk, db_text(account, 0, LOGIN_EMAIL));
    if (!login_attempt_begin(&attempt, exchange)) {
        return;
    }
    const char *hash = db_null(account, 0, LOGIN_HASH) ? NULL : db_text(account, 0, LOGIN_HASH);
    if (!password_verify(credentials->password, credentials->password_length, hash)) {
        http_answer_header(exchange, "WWW-Authenticate", "Bearer");
        http_answer_problem(exchange, 401, "email or password is wrong");
        return;
    }
    login_attempt_succeeded(&attempt);
    struct uuid person = db_uuid(account, 0, LOGIN_ID);
    answer_token(exchange, desk, &person);
}

void login_person(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    __attribute__((cleanup(json_release))) json_t *body = http_read_object(exchange);
    if (body == NULL) {
        return;
    }
    struct credentials credentials;
    struct faults faults = {0};
    credentials_for_login(body, &credentials, &faults);
    if (faults.count > 0) {
        http_answer_faults(exchange, &faults);
        return;
    }
    check_login(exchange, context, &credentials);
}

// ---- profile

enum profile_column {
    EMAIL,
    CREATED_AT,
    UPDATED_AT,
    CONSENT,
    CREDIT_LIMIT,
    CREDIT_RATE,
    CREDIT_TYPE,
    CREDIT_SINCE,
    DECISION_ID,
    DECISION_APPROVED,
    DECISION_SCORE,
    DECISION_REASON,
    DECISION_AT,
};

static json_t *current_credit(const struct db_result *row)
{
    if (db_null(row, 0, CREDIT_LIMIT)) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:s, s:o}", "limit", json_money(db_number(row, 0, CREDIT_LIMIT)),
                     "rate", json_money(db_number(row, 0, CREDIT_RATE)), "type",
                     db_text(row, 0, CREDIT_TYPE), "since",
                     json_timestamp(db_timestamp(row, 0, CREDIT_SINCE)));
}

static json_t *last_decision(const struct db_result *row)
{
    if (db_null(row, 0, DECISION_ID)) {
        return json_null();
    }
    const char *reason = db_null(row, 0, DECISION_REASON) ? NULL : db_text(row, 0, DECISION_REASON);
    double score = (double)db_number(row, 0, DECISION_SCORE) / RISK_SCORE_ONE;
    return json_pack("{s:s, s:b, s:f, s:s?, s:o}", "decision_id", db_text(row, 0, DECISION_ID),
                     "approved", db_flag(row, 0, DECISION_APPROVED), "ml_risk_score", score,
                     "reason", reason, "decided_at",
                     json_timestamp(db_timestamp(row, 0, DECISION_AT)));
}

void show_profile(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    char id[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), id);
    struct db_parameter person[] = {db_text_parameter(id)};
    __attribute__((cleanup(db_result_free))) struct db_result *row =
        desk_find(desk, exchange, &sql_profile, person, 1);
    if (row == NULL) {
        return;
    }
    http_answer_json(exchange, 200,
                     json_pack("{s:s, s:s, s:{s:b}, s:o, s:o, s:o, s:o}", "id", id, "email",
                               db_text(row, 0, EMAIL), "consents", "emotional_data",
                               db_flag(row, 0, CONSENT), "current_credit", current_credit(row),
                               "last_decision", last_decision(row), "created_at",
                               json_timestamp(db_timestamp(row, 0, CREATED_AT)), "updated_at",
                               json_timestamp(db_timestamp(row, 0, UPDATED_AT))));
}
