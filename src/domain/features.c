// SPDX-License-Identifier: Apache-2.0
// The features' names and which of them are emotional: the one place that knows.
#include "domain/features.h"

#include <math.h>

const char *feature_name(enum feature feature)
{
    static const char *const names[FEATURE_COUNT] = {
        [FEATURE_TRANSACTION_COUNT_30D] = "transaction_count_30d",
        [FEATURE_AVG_TRANSACTION_VALUE_30D] = "avg_transaction_value_30d",
        [FEATURE_AVG_POSITIVITY_7D] = "avg_positivity_7d",
        [FEATURE_STRESS_EVENTS_30D] = "stress_events_30d",
    };
    return names[feature];
}

bool feature_is_emotional(enum feature feature)
{
    return feature == FEATURE_AVG_POSITIVITY_7D || feature == FEATURE_STRESS_EVENTS_30D;
}

struct features features_without_emotions(const struct features *features)
{
    struct features without = *features;
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        if (feature_is_emotional(feature)) {
            without.value[feature] = NAN;
        }
    }
    return without;
}
