// SPDX-License-Identifier: Apache-2.0
// Writing and reading the bodies of POST /v1/predict. A missing feature is NaN here and null there.
#include "platform/model/prediction_json.h"

#include "platform/model/model_check.h"

#include <math.h>
#include <string.h>

#define COUNT_MAX 1e15 /* far above any person, far below what a float cannot hold */

struct range {
    double maximum; /* from 0 */
    const char *message;
};

static const struct range ranges[FEATURE_COUNT] = {
    [FEATURE_TRANSACTION_COUNT_30D] = {COUNT_MAX, "must be a number from 0 to 1e15, or null"},
    [FEATURE_AVG_TRANSACTION_VALUE_30D] = {COUNT_MAX, "must be a number from 0 to 1e15, or null"},
    [FEATURE_AVG_POSITIVITY_7D] = {1, "must be a number between 0 and 1, or null"},
    [FEATURE_STRESS_EVENTS_30D] = {COUNT_MAX, "must be a number from 0 to 1e15, or null"},
};

static json_t *number_or_null(double value)
{
    if (isnan(value)) {
        return json_null();
    }
    if (value == floor(value) && fabs(value) <= COUNT_MAX) {
        return json_integer((json_int_t)value);
    }
    return json_real(value);
}

json_t *features_to_json(const struct features *features)
{
    json_t *body = json_object();
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        json_object_set_new(body, feature_name(feature), number_or_null(features->value[feature]));
    }
    return body;
}

double feature_number(const json_t *numbers, enum feature feature)
{
    const json_t *number = json_object_get(numbers, feature_name(feature));
    return json_is_number(number) ? json_number_value(number) : (double)NAN;
}

bool features_from_json(const json_t *body, struct features *ret, struct faults *faults)
{
    size_t before = faults->count;
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        const json_t *member = json_object_get(body, feature_name(feature));
        double value = json_is_null(member) ? NAN : json_number_value(member);
        if (member == NULL) {
            faults_add(faults, feature_name(feature), "is required (null when unknown)");
        } else if (!json_is_null(member) &&
                   (!json_is_number(member) || value < 0 || value > ranges[feature].maximum)) {
            faults_add(faults, feature_name(feature), ranges[feature].message);
        }
        ret->value[feature] = value;
    }
    return faults->count == before;
}

static json_t *score_to_json(risk_score score)
{
    return json_real((double)score / RISK_SCORE_ONE);
}

json_t *prediction_to_json(const struct prediction *prediction, const struct features *features)
{
    json_t *contributions = json_array();
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        json_t *item = json_object();
        json_object_set_new(item, "feature", json_string(feature_name(feature)));
        json_object_set_new(item, "value", number_or_null(features->value[feature]));
        json_object_set_new(item, "contribution",
                            json_real(prediction->contributions.value[feature]));
        json_array_append_new(contributions, item);
    }
    json_t *answer = json_object();
    json_object_set_new(answer, "risk_score", score_to_json(prediction->score));
    json_object_set_new(answer, "model_version", json_string(prediction->model_version));
    json_object_set_new(answer, "contributions", contributions);
    json_object_set_new(answer, "risk_score_without_emotions",
                        score_to_json(prediction->score_without_emotions));
    return answer;
}

static bool read_score(const json_t *answer, const char *name, risk_score *ret)
{
    const json_t *score = json_object_get(answer, name);
    return json_is_number(score) && risk_score_from_double(json_number_value(score), ret);
}

static bool read_contribution(const json_t *contributions, enum feature feature, double *ret)
{
    size_t i = 0;
    const json_t *item = NULL;
    size_t found = 0;
    json_array_foreach(contributions, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "feature"));
        const json_t *contribution = json_object_get(item, "contribution");
        if (name != NULL && strcmp(name, feature_name(feature)) == 0 &&
            json_is_number(contribution)) {
            *ret = json_number_value(contribution);
            found++;
        }
    }
    return found == 1 && isfinite(*ret);
}

bool prediction_from_json(const json_t *answer, struct prediction *ret)
{
    struct prediction prediction = {0};
    const json_t *contributions = json_object_get(answer, "contributions");
    bool good =
        json_array_size(contributions) == FEATURE_COUNT &&
        read_score(answer, "risk_score", &prediction.score) &&
        read_score(answer, "risk_score_without_emotions", &prediction.score_without_emotions) &&
        model_version_read(json_object_get(answer, "model_version"), prediction.model_version);
    for (enum feature feature = 0; good && feature < FEATURE_COUNT; feature++) {
        good = read_contribution(contributions, feature, &prediction.contributions.value[feature]);
    }
    if (good) {
        *ret = prediction;
    }
    return good;
}
