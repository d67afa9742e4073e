// SPDX-License-Identifier: Apache-2.0
// Model files, and the two bodies between the risk model's service and its callers. The check of a
// model is all that stands between a file and XGBoost, which trusts it.
#include "fuzz.h"

#include "platform/model/model_check.h"
#include "platform/model/prediction_json.h"

#include <math.h>
#include <string.h>

static void try_model(const json_t *json)
{
    char version[MODEL_VERSION_MAX + 1] = "";
    char error[MODEL_ERROR_SIZE] = "";
    if (model_check(json, version, error)) {
        EXPECT(strlen(version) > 0 && error[0] == '\0');
    } else {
        EXPECT(error[0] != '\0');
    }
}

static void try_features(const json_t *json)
{
    struct features features;
    struct faults faults = {0};
    if (features_from_json(json, &features, &faults)) {
        struct features again;
        json_t *written = features_to_json(&features);
        EXPECT(features_from_json(written, &again, &faults) && faults.count == 0);
        for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
            EXPECT(isnan(features.value[feature]) == isnan(again.value[feature]));
        }
        json_release(&written);
    } else {
        EXPECT(faults.count > 0);
    }
}

static void try_prediction(const json_t *json)
{
    struct prediction prediction;
    if (prediction_from_json(json, &prediction)) {
        EXPECT(prediction.score >= 0 && prediction.score <= RISK_SCORE_ONE);
        EXPECT(prediction.score_without_emotions >= 0 &&
               prediction.score_without_emotions <= RISK_SCORE_ONE);
        EXPECT(strlen(prediction.model_version) > 0);
        for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
            EXPECT(isfinite(prediction.contributions.value[feature]));
        }
        struct reasons reasons = decision_reasons(&prediction.contributions);
        EXPECT(reasons.count <= FEATURE_COUNT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[JSON_ERROR_SIZE];
    json_t *json = json_read_object((const char *)data, size, error);
    if (json != NULL) {
        try_model(json);
        try_features(json);
        try_prediction(json);
    }
    json_release(&json);
    return 0;
}
