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

#define MODEL_RETRY_MS 1000

enum outcome { DECIDED_NOW, DECIDED_BEFORE, NO_ACCOUNT, MODEL_AWAY };

struct analysis {
    struct desk *desk;
    const struct http_exchange *exchange;
    char person[UUID_TEXT_SIZE];
    struct applicant applicant; /* as of when the person was locked */
    struct decision_grounds grounds;
    struct credit_decision decision;
    struct uuid decided; /* by an earlier run of the transaction whose commit is in doubt */
    enum outcome outcome;
    int64_t retry_ms;
};

// ---- the person

// Locks the person before they are looked up.
static enum db_status find_person(struct db *db, struct analysis *analysis)
{
    const struct user_credit *service = analysis->desk->service;
    const struct applicant_query query = {
        .person = analysis->person,
        .seconds = service->decision_seconds,
        .stress_threshold = service->stress_threshold,
    };
    struct db_parameter person[] = {db_text_parameter(analysis->person)};
    credit_decision_release(&analysis->decision); // of an earlier run of the transaction
    enum db_status status = db_run_later(db, &sql_lock_person, person, 1);
    if (status == DB_OK) {
        status = applicant_find(db, &query, &analysis->applicant, &analysis->decision);
    }
    return status;
}

// A decision of this very call was committed, though the answer to its commit was lost.
static void answer_again(struct analysis *analysis)
{
    const struct credit_decision *decision = &analysis->decision;
    bool made_by_us = uuid_equal(&decision->id, &analysis->decided);
    analysis->outcome = made_by_us ? DECIDED_NOW : DECIDED_BEFORE;
    int64_t age = (analysis->applicant.now - decision->made_at) / MICROSECONDS_A_SECOND;
    json_t *answer = credit_decision_json(analysis->person, decision, true);
    decision_cache_fill(analysis->desk->decisions, analysis->person, answer,
                        analysis->desk->service->decision_seconds - age);
    json_decref(answer);
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
    if (risk->predict(risk->arg, analysis->exchange, &analysis->grounds.features, prediction) &&
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

static enum db_status decide(struct db *db, struct analysis *analysis)
{
    struct policy policy = desk_policy(analysis->desk);
    credit_decision_make(&analysis->grounds, &policy, analysis->applicant.now, &analysis->decision);
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
    enum db_status status = find_person(db, analysis);
    if (status != DB_OK || !analysis->applicant.known) {
        analysis->outcome = NO_ACCOUNT;
        return status;
    }
    if (analysis->applicant.decided_lately) {
        answer_again(analysis);
        return DB_OK;
    }
    analysis->grounds.emotional_consent = analysis->applicant.emotional_consent;
    analysis->grounds.features = analysis->applicant.features;
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
    struct analysis analysis = {
        .desk = desk, .exchange = exchange, .grounds.trace_id = http_trace(exchange)->trace_id};
    uuid_format(http_person(exchange), analysis.person);
    enum db_status status = desk_transaction(desk, analyse, &analysis);
    if (status == DB_OK) {
        answer_outcome(exchange, &analysis);
    } else {
        desk_answer_failure(desk, exchange, status);
    }
    credit_decision_release(&analysis.decision);
}
