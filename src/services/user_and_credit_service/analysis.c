// SPDX-License-Identifier: Apache-2.0
// A credit analysis: what was decided lately is answered again; else the person's features are
// scored by the risk model, and the policy turns the score into a decision and an offer.
#include "services/user_and_credit_service/decision.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"

#include "platform/clock.h"
#include "platform/json.h"

#include <math.h>
#include <stdio.h>

#define INSTANT_SIZE 40 /* an instant as PostgreSQL writes it */
#define MODEL_RETRY_MS 1000
#define POLICY_READ_EVERY_MS 1000

enum outcome { DECIDED_NOW, DECIDED_BEFORE, NO_ACCOUNT, MODEL_AWAY };

struct analysis {
    struct desk *desk;
    char person[UUID_TEXT_SIZE];
    timestamp now; /* by PostgreSQL's clock, once the person is locked */
    char now_text[INSTANT_SIZE];
    char fresh_after[INSTANT_SIZE]; /* what was decided later is answered again */
    struct decision_grounds grounds;
    struct credit_decision decision;
    struct uuid decided; /* by an earlier run of the transaction whose commit is in doubt */
    enum outcome outcome;
    int64_t retry_ms;
};

// ---- the person

// *ret_known: there is such an account.
static enum db_status read_person(struct db *db, struct analysis *analysis, bool *ret_known)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)analysis->desk->service->decision_seconds);
    struct db_parameter parameters[] = {db_text_parameter(analysis->person),
                                        db_text_parameter(seconds)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_person_to_analyse, parameters, 2, &row);
    *ret_known = status == DB_OK && db_rows(row) > 0;
    if (*ret_known) {
        analysis->now = db_timestamp(row, 0, 0);
        snprintf(analysis->now_text, INSTANT_SIZE, "%s", db_text(row, 0, 0));
        analysis->grounds.emotional_consent = db_flag(row, 0, 1);
        snprintf(analysis->fresh_after, INSTANT_SIZE, "%s", db_text(row, 0, 2));
    }
    return status;
}

static enum db_status find_fresh_decision(struct db *db, struct analysis *analysis, bool *ret_found)
{
    struct decision_window window = {
        .after = analysis->fresh_after,
        .until = analysis->now_text,
        .emotional_consent = analysis->grounds.emotional_consent,
    };
    credit_decision_release(&analysis->decision);
    return credit_decision_find(db, analysis->person, &window, &analysis->decision, ret_found);
}

// A decision of this very call was committed, though the answer to its commit was lost.
static void answer_again(struct analysis *analysis)
{
    const struct credit_decision *decision = &analysis->decision;
    bool made_by_us = uuid_equal(&decision->id, &analysis->decided);
    analysis->outcome = made_by_us ? DECIDED_NOW : DECIDED_BEFORE;
    int64_t age = (analysis->now - decision->made_at) / MICROSECONDS_A_SECOND;
    json_t *answer = credit_decision_json(analysis->person, decision, true);
    decision_cache_fill(analysis->desk->decisions, analysis->person, answer,
                        analysis->desk->service->decision_seconds - age);
    json_decref(answer);
}

static enum db_status read_features(struct db *db, struct analysis *analysis)
{
    struct db_parameter parameters[] = {
        db_text_parameter(analysis->person),
        db_text_parameter(analysis->now_text),
        db_text_parameter(analysis->desk->service->stress_threshold),
        db_text_parameter(analysis->grounds.emotional_consent ? "true" : "false"),
    };
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_features, parameters, 4, &row);
    for (enum feature feature = 0; status == DB_OK && feature < FEATURE_COUNT; feature++) {
        analysis->grounds.features.value[feature] = db_real(row, 0, (int)feature);
    }
    return status;
}

// ---- the model

static bool is_score(risk_score score)
{
    return score >= 0 && score <= RISK_SCORE_ONE;
}

static bool is_usable(const struct prediction *prediction)
{
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        if (!isfinite(prediction->contributions.value[feature])) {
            return false;
        }
    }
    return is_score(prediction->score) && is_score(prediction->score_without_emotions) &&
           prediction->model_version[0] != '\0';
}

// False when the model may not be asked now or gives no usable answer.
static bool ask_model(struct analysis *analysis)
{
    struct user_credit *service = analysis->desk->service;
    struct prediction *prediction = &analysis->grounds.prediction;
    const struct risk_client *risk = &service->environment->risk;
    if (!breaker_allows(service->breaker, clock_monotonic_ms(), &analysis->retry_ms)) {
        return false;
    }
    if (risk->predict(risk->arg, &analysis->grounds.features, prediction) &&
        is_usable(prediction)) {
        if (breaker_succeeded(service->breaker)) {
            log_info(analysis->desk->log, "risk model answers again, breaker closed");
        }
        return true;
    }
    if (breaker_failed(service->breaker, clock_monotonic_ms())) {
        log_warning(analysis->desk->log, "risk model fails, breaker opened");
    }
    analysis->retry_ms = MODEL_RETRY_MS;
    return false;
}

// ---- the decision

static struct policy current_policy(struct desk *desk)
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

static enum db_status decide(struct db *db, struct analysis *analysis)
{
    struct policy policy = current_policy(analysis->desk);
    credit_decision_make(&analysis->grounds, &policy, analysis->now, &analysis->decision);
    analysis->decided = analysis->decision.id;
    analysis->outcome = DECIDED_NOW;
    return credit_decision_store(db, analysis->person, &analysis->decision, &analysis->grounds);
}

// Everything under the person's lock, the model's answer too (bounded by its own deadline): of
// fifty analyses asked at once one asks the model, and the others find what it led to. A decision
// is cached when it is asked for again, never before it is committed.
static enum db_status analyse(struct db *db, void *arg)
{
    struct analysis *analysis = arg;
    struct db_parameter person[] = {db_text_parameter(analysis->person)};
    bool known = false;
    bool found = false;
    enum db_status status = db_run_later(db, &sql_lock_person, person, 1);
    if (status == DB_OK) {
        status = read_person(db, analysis, &known);
    }
    if (status != DB_OK || !known) {
        analysis->outcome = NO_ACCOUNT;
        return status;
    }
    status = find_fresh_decision(db, analysis, &found);
    if (status != DB_OK) {
        return status;
    }
    if (found) {
        answer_again(analysis);
        return DB_OK;
    }
    status = read_features(db, analysis);
    if (status != DB_OK) {
        return status;
    }
    if (!ask_model(analysis)) {
        analysis->outcome = MODEL_AWAY;
        return DB_OK;
    }
    return decide(db, analysis);
}

// ---- the answer

static void log_decision(const struct analysis *analysis)
{
    char id[UUID_TEXT_SIZE];
    uuid_format(&analysis->decision.id, id);
    log_info(analysis->desk->log, "credit decided", LOG_TEXT("decision_id", id),
             LOG_TEXT("user_id", analysis->person),
             LOG_TEXT("approved", analysis->decision.approved ? "true" : "false"),
             LOG_TEXT("model_version", analysis->decision.model_version),
             LOG_TEXT("trace_id", analysis->grounds.trace_id));
}

static void answer_outcome(struct http_exchange *exchange, const struct analysis *analysis)
{
    switch (analysis->outcome) {
    case NO_ACCOUNT:
        desk_answer_no_account(exchange);
        return;
    case MODEL_AWAY:
        http_answer_unavailable(exchange, "the risk model is away, try again", analysis->retry_ms);
        return;
    case DECIDED_NOW:
        log_decision(analysis);
        break;
    case DECIDED_BEFORE:
        break;
    }
    bool cached = analysis->outcome == DECIDED_BEFORE;
    http_answer_json(exchange, 200,
                     credit_decision_json(analysis->person, &analysis->decision, cached));
}

void analyse_credit(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    struct analysis analysis = {.desk = desk, .grounds.trace_id = http_trace(exchange)->trace_id};
    uuid_format(http_person(exchange), analysis.person);
    enum db_status status = desk_transaction(desk, analyse, &analysis);
    if (status == DB_OK) {
        answer_outcome(exchange, &analysis);
    } else {
        desk_answer_failure(desk, exchange, status);
    }
    credit_decision_release(&analysis.decision);
}
