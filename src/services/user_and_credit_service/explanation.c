// SPDX-License-Identifier: Apache-2.0
// One decision in full, from what was recorded with it: what it rests on, what each feature did to
// the score in plain words, and what the emotions changed.
#include "services/user_and_credit_service/decision.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/review.h"

#include "domain/decision.h"
#include "platform/json.h"

#include <math.h>
#include <string.h>

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *score_json(risk_score score)
{
    return json_real((double)score / RISK_SCORE_ONE);
}

// ---- the features

static json_t *feature_json(const struct decision_grounds *grounds, enum feature feature)
{
    double value = grounds->features.value[feature];
    double contribution = grounds->prediction.contributions.value[feature];
    return json_pack("{s:s, s:o, s:o, s:b, s:s}", "feature", feature_name(feature), "value",
                     number_or_null(value), "contribution", number_or_null(contribution),
                     "emotional", feature_is_emotional(feature), "explanation",
                     effect_words(feature, isnan(value), contribution));
}

static json_t *features_json(const struct decision_grounds *grounds)
{
    json_t *features = json_array();
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        json_array_append_new(features, feature_json(grounds, feature));
    }
    return features;
}

// ---- what the emotions changed

static const char *emotions_in_words(const struct decision_grounds *grounds)
{
    const struct prediction *prediction = &grounds->prediction;
    if (!grounds->emotional_consent) {
        return "Emotional data was not used: there was no consent to it.";
    }
    if (prediction->score == prediction->score_without_emotions) {
        return "Emotional data did not change the risk score.";
    }
    return prediction->score > prediction->score_without_emotions
               ? "Emotional data raised the risk score."
               : "Emotional data lowered the risk score.";
}

// What the policy of the decision says of the score without emotions; null when another policy
// holds by now.
static json_t *approved_without_emotions(const struct recorded_decision *recorded,
                                         const struct policy *policy)
{
    if (strcmp(policy->version, recorded->decision.policy_version) != 0) {
        return json_null();
    }
    return json_boolean(
        policy_terms(policy, recorded->grounds.prediction.score_without_emotions).approved);
}

static json_t *emotions_json(const struct recorded_decision *recorded, const struct policy *policy)
{
    const struct decision_grounds *grounds = &recorded->grounds;
    const struct prediction *prediction = &grounds->prediction;
    return json_pack("{s:b, s:o, s:o, s:o, s:s}", "consent", grounds->emotional_consent,
                     "ml_risk_score_without_emotions",
                     score_json(prediction->score_without_emotions), "ml_risk_score_change",
                     score_json(prediction->score - prediction->score_without_emotions),
                     "approved_without_emotions", approved_without_emotions(recorded, policy),
                     "explanation", emotions_in_words(grounds));
}

// ---- the answer

// The answer of the analysis, what led to it, and the review that was asked for.
static json_t *explanation_json(const char *person, const struct recorded_decision *recorded,
                                const struct policy *policy, json_t *review)
{
    json_t *answer = credit_decision_json(person, &recorded->decision, false);
    json_object_del(answer, "cached");
    json_object_set_new(answer, "decided_at", json_timestamp(recorded->decision.made_at));
    json_object_set_new(answer, "features", features_json(&recorded->grounds));
    json_object_set_new(answer, "emotions", emotions_json(recorded, policy));
    json_object_set(answer, "review", review != NULL ? review : json_null());
    return answer;
}

void explain_decision(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    char person[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), person);
    char decision_id[UUID_TEXT_SIZE];
    struct recorded_decision recorded = {.known = false};
    __attribute__((cleanup(json_release))) json_t *review = NULL;
    enum db_status status = DB_OK;
    if (desk_path_id(exchange, "decision_id", decision_id)) {
        status = credit_decision_find(desk->db, person, decision_id, &recorded);
    }
    if (status == DB_OK && recorded.known) {
        status = review_find(desk->db, person, decision_id, &review);
    }
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
    } else if (!recorded.known) {
        desk_answer_unknown(desk, exchange, "there is no such decision");
    } else {
        const struct policy policy = desk_policy(desk);
        http_answer_json(exchange, 200, explanation_json(person, &recorded, &policy, review));
    }
    credit_decision_release(&recorded.decision);
}
