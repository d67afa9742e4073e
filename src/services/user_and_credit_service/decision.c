// SPDX-License-Identifier: Apache-2.0
// Decisions between the rules of the domain, the rows of PostgreSQL and the JSON of the answer.
#include "services/user_and_credit_service/decision.h"

#include "platform/db/array.h"
#include "platform/ids.h"
#include "platform/model/prediction_json.h"
#include "services/user_and_credit_service/statements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- making

static void explain_denial(const struct decision_grounds *grounds, struct credit_decision *decision)
{
    const struct features *features = &grounds->features;
    struct reasons reasons = decision_reasons(&grounds->prediction.contributions);
    for (size_t i = 0; i < reasons.count; i++) {
        enum feature feature = reasons.items[i];
        bool missing = isnan(features->value[feature]);
        json_array_append_new(decision->reason_codes, json_string(reason_code(feature, missing)));
    }
    decision_reason_text(&reasons, features, decision->reason);
}

static void word_offer(const struct terms *terms, const struct policy *policy, timestamp now,
                       struct credit_offer *offer)
{
    offer->id = ids_new();
    offer->limit = terms->limit;
    offer->rate = terms->rate;
    snprintf(offer->type, sizeof offer->type, "%s", credit_type_name(terms->type));
    offer->expires_at = now + policy->offer_days * MICROSECONDS_A_DAY;
}

void credit_decision_make(const struct decision_grounds *grounds, const struct policy *policy,
                          timestamp now, struct credit_decision *ret)
{
    const struct prediction *prediction = &grounds->prediction;
    struct terms terms = policy_terms(policy, prediction->score);
    *ret = (struct credit_decision){
        .id = ids_new(),
        .made_at = now,
        .approved = terms.approved,
        .score = prediction->score,
        .reason_codes = json_array(),
        .has_offer = terms.approved,
    };
    snprintf(ret->model_version, sizeof ret->model_version, "%s", prediction->model_version);
    snprintf(ret->policy_version, sizeof ret->policy_version, "%s", policy->version);
    if (terms.approved) {
        word_offer(&terms, policy, now, &ret->offer);
    } else {
        explain_denial(grounds, ret);
    }
}

void credit_decision_release(struct credit_decision *decision)
{
    json_release(&decision->reason_codes);
}

// ---- storing

static char *features_text(const struct features *features)
{
    json_t *object = json_object();
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        double value = features->value[feature];
        json_object_set_new(object, feature_name(feature),
                            isnan(value) ? json_null() : json_real(value));
    }
    size_t length = 0;
    char *text = json_text(object, &length);
    json_decref(object);
    return text;
}

static char *contributions_text(const struct contributions *contributions)
{
    json_t *object = json_object();
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        json_object_set_new(object, feature_name(feature),
                            json_real(contributions->value[feature]));
    }
    size_t length = 0;
    char *text = json_text(object, &length);
    json_decref(object);
    return text;
}

#define SCORE_TEXT_SIZE 16

static void format_score(risk_score score, char text[static SCORE_TEXT_SIZE])
{
    snprintf(text, SCORE_TEXT_SIZE, "%d.%06d", score / RISK_SCORE_ONE, score % RISK_SCORE_ONE);
}

static void add_codes(struct db_array *array, const json_t *codes)
{
    db_array_init(array, DB_TEXTS);
    for (size_t i = 0; i < json_array_size(codes); i++) {
        const json_t *code = json_array_get(codes, i);
        db_array_add_text(array, json_string_value(code), json_string_length(code));
    }
}

static struct db_parameter flag(bool value)
{
    return db_text_parameter(value ? "true" : "false");
}

static enum db_status insert_decision(struct db *db, const char *person,
                                      const struct credit_decision *decision,
                                      const struct decision_grounds *grounds)
{
    char id[UUID_TEXT_SIZE];
    char made_at[TIMESTAMP_TEXT_SIZE];
    char score[SCORE_TEXT_SIZE];
    char score_without_emotions[SCORE_TEXT_SIZE];
    uuid_format(&decision->id, id);
    timestamp_format(decision->made_at, made_at);
    format_score(decision->score, score);
    format_score(grounds->prediction.score_without_emotions, score_without_emotions);
    char *features = features_text(&grounds->features);
    char *contributions = contributions_text(&grounds->prediction.contributions);
    struct db_array reason_codes;
    add_codes(&reason_codes, decision->reason_codes);
    struct db_parameter row[] = {
        db_text_parameter(id),
        db_text_parameter(person),
        db_text_parameter(made_at),
        flag(decision->approved),
        db_text_parameter(score),
        db_text_parameter(score_without_emotions),
        db_text_parameter(features),
        db_text_parameter(contributions),
        db_array_parameter(&reason_codes),
        decision->approved ? DB_NULL : db_text_parameter(decision->reason),
        flag(grounds->emotional_consent),
        db_text_parameter(decision->model_version),
        db_text_parameter(decision->policy_version),
        db_text_parameter(grounds->trace_id),
    };
    enum db_status status = db_run_later(db, &sql_insert_decision, row, sizeof row / sizeof *row);
    db_array_free(&reason_codes);
    free(contributions);
    free(features);
    return status;
}

static enum db_status insert_offer(struct db *db, const char *person,
                                   const struct credit_decision *decision)
{
    const struct credit_offer *offer = &decision->offer;
    char id[UUID_TEXT_SIZE];
    char decision_id[UUID_TEXT_SIZE];
    char limit[MONEY_TEXT_SIZE];
    char rate[MONEY_TEXT_SIZE];
    char created_at[TIMESTAMP_TEXT_SIZE];
    char expires_at[TIMESTAMP_TEXT_SIZE];
    uuid_format(&offer->id, id);
    uuid_format(&decision->id, decision_id);
    money_format(offer->limit, limit);
    money_format(offer->rate, rate);
    timestamp_format(decision->made_at, created_at);
    timestamp_format(offer->expires_at, expires_at);
    struct db_parameter row[] = {
        db_text_parameter(id),          db_text_parameter(person),
        db_text_parameter(decision_id), db_text_parameter(limit),
        db_text_parameter(rate),        db_text_parameter(offer->type),
        db_text_parameter(created_at),  db_text_parameter(expires_at),
    };
    return db_run_later(db, &sql_insert_offer, row, sizeof row / sizeof *row);
}

enum db_status credit_decision_store(struct db *db, const char *person,
                                     const struct credit_decision *decision,
                                     const struct decision_grounds *grounds)
{
    enum db_status status = insert_decision(db, person, decision, grounds);
    if (status == DB_OK) {
        struct db_parameter parameters[] = {
            db_text_parameter(person),
            db_text_parameter(decision->has_offer ? "true" : "false"),
        };
        status = db_run_later(db, &sql_supersede_open_offer, parameters, 2);
    }
    if (status == DB_OK && decision->has_offer) {
        status = insert_offer(db, person, decision);
    }
    return status;
}

// ---- finding

// The columns of a decision with its offer, wherever they begin in a row.
enum decision_column {
    ID,
    MADE_AT,
    APPROVED,
    SCORE,
    REASON,
    REASON_CODES,
    MODEL_VERSION,
    POLICY_VERSION,
    OFFER_ID,
    OFFER_LIMIT,
    OFFER_RATE,
    OFFER_TYPE,
    OFFER_EXPIRES_AT,
    DECISION_COLUMN_COUNT,
};

enum applicant_column {
    NOW,
    EMOTIONAL_CONSENT,
    FIRST_FEATURE,
    DECIDED_LATELY = FIRST_FEATURE + FEATURE_COUNT,
};

enum recorded_column {
    RECORDED_CONSENT = DECISION_COLUMN_COUNT,
    SCORE_WITHOUT_EMOTIONS,
    FEATURES,
    CONTRIBUTIONS,
};

static void read_offer(const struct db_result *row, int first, struct credit_offer *ret)
{
    ret->id = db_uuid(row, 0, first + OFFER_ID);
    ret->limit = db_number(row, 0, first + OFFER_LIMIT);
    ret->rate = (interest_rate)db_number(row, 0, first + OFFER_RATE);
    snprintf(ret->type, sizeof ret->type, "%s", db_text(row, 0, first + OFFER_TYPE));
    ret->expires_at = db_timestamp(row, 0, first + OFFER_EXPIRES_AT);
}

static void read_decision(const struct db_result *row, int first, struct credit_decision *ret)
{
    const char *codes = db_text(row, 0, first + REASON_CODES);
    *ret = (struct credit_decision){
        .id = db_uuid(row, 0, first + ID),
        .made_at = db_timestamp(row, 0, first + MADE_AT),
        .approved = db_flag(row, 0, first + APPROVED),
        .score = (risk_score)db_number(row, 0, first + SCORE),
        .reason_codes = json_loads(codes, 0, NULL),
        .has_offer = !db_null(row, 0, first + OFFER_ID),
    };
    snprintf(ret->reason, sizeof ret->reason, "%s", db_text(row, 0, first + REASON));
    snprintf(ret->model_version, sizeof ret->model_version, "%s",
             db_text(row, 0, first + MODEL_VERSION));
    snprintf(ret->policy_version, sizeof ret->policy_version, "%s",
             db_text(row, 0, first + POLICY_VERSION));
    if (ret->has_offer) {
        read_offer(row, first, &ret->offer);
    }
}

static void read_applicant(const struct db_result *row, struct applicant *ret)
{
    *ret = (struct applicant){
        .known = true,
        .emotional_consent = db_flag(row, 0, EMOTIONAL_CONSENT),
        .decided_lately = !db_null(row, 0, DECIDED_LATELY),
        .now = db_timestamp(row, 0, NOW),
    };
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        ret->features.value[feature] = db_real(row, 0, FIRST_FEATURE + (int)feature);
    }
}

enum db_status applicant_find(struct db *db, const struct applicant_query *query,
                              struct applicant *ret, struct credit_decision *ret_decision)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)query->seconds);
    struct db_parameter parameters[] = {
        db_text_parameter(query->person),
        db_text_parameter(seconds),
        db_text_parameter(query->stress_threshold),
    };
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_applicant, parameters, 3, &row);
    *ret = (struct applicant){.known = false};
    if (status == DB_OK && db_rows(row) > 0) {
        read_applicant(row, ret);
    }
    if (ret->decided_lately) {
        read_decision(row, DECIDED_LATELY, ret_decision);
    }
    return status;
}

// A number for each feature, NaN for what is null or was not recorded.
static void read_numbers(const char *text, double number[static FEATURE_COUNT])
{
    json_t *object = json_loads(text, 0, NULL);
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        number[feature] = feature_number(object, feature);
    }
    json_decref(object);
}

static void read_grounds(const struct db_result *row, const struct credit_decision *decision,
                         struct decision_grounds *ret)
{
    *ret = (struct decision_grounds){
        .emotional_consent = db_flag(row, 0, RECORDED_CONSENT),
        .prediction.score = decision->score,
        .prediction.score_without_emotions = (risk_score)db_number(row, 0, SCORE_WITHOUT_EMOTIONS),
    };
    read_numbers(db_text(row, 0, FEATURES), ret->features.value);
    read_numbers(db_text(row, 0, CONTRIBUTIONS), ret->prediction.contributions.value);
}

enum db_status credit_decision_find(struct db *db, const char *person, const char *id,
                                    struct recorded_decision *ret)
{
    struct db_parameter key[] = {db_text_parameter(person), db_text_parameter(id)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, &sql_decision, key, 2, &row);
    *ret = (struct recorded_decision){.known = status == DB_OK && db_rows(row) > 0};
    if (ret->known) {
        read_decision(row, 0, &ret->decision);
        read_grounds(row, &ret->decision, &ret->grounds);
    }
    return status;
}

// ---- telling

static json_t *offer_json(const struct credit_decision *decision)
{
    const struct credit_offer *offer = &decision->offer;
    if (!decision->has_offer) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:s, s:o}", "offer_id", json_uuid(&offer->id), "credit_limit",
                     json_money(offer->limit), "interest_rate", json_money(offer->rate),
                     "credit_type", offer->type, "expires_at", json_timestamp(offer->expires_at));
}

json_t *credit_decision_json(const char *person, const struct credit_decision *decision,
                             bool cached)
{
    const char *reason = decision->approved ? NULL : decision->reason;
    double score = (double)decision->score / RISK_SCORE_ONE;
    return json_pack("{s:s, s:b, s:f, s:o, s:s?, s:o, s:O, s:s, s:s, s:b}", "user_id", person,
                     "approved", decision->approved, "ml_risk_score", score, "offer",
                     offer_json(decision), "reason", reason, "decision_id",
                     json_uuid(&decision->id), "reason_codes", decision->reason_codes,
                     "model_version", decision->model_version, "policy_version",
                     decision->policy_version, "cached", cached);
}
