// SPDX-License-Identifier: Apache-2.0
// The feature vector of one person, as the risk model takes it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum feature {
    FEATURE_TRANSACTION_COUNT_30D,
    FEATURE_AVG_TRANSACTION_VALUE_30D,
    FEATURE_AVG_POSITIVITY_7D,
    FEATURE_STRESS_EVENTS_30D,
    FEATURE_COUNT,
};

struct features {
    double value[FEATURE_COUNT]; /* NaN when missing; never a made-up value */
};

// The name in `POST /v1/predict` and in decisions; static text.
const char *feature_name(enum feature feature);

// True for the features that come from emotions.
bool feature_is_emotional(enum feature feature);

// The same person as if nothing emotional were known: those features missing.
struct features features_without_emotions(const struct features *features);
