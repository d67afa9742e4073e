// SPDX-License-Identifier: Apache-2.0
// Reasons of a decision. The words say "few" or "high" because the trained model is monotone in
// every feature: a feature raises the risk only from the side that its words name.
#include "domain/decision.h"

#include <math.h>
#include <stdio.h>

struct wording {
    const char *code;
    const char *raised;
    const char *lowered;
};

static const struct wording known[FEATURE_COUNT] = {
    [FEATURE_TRANSACTION_COUNT_30D] = {"LOW_TRANSACTION_COUNT_30D",
                                       "Few transactions in the last 30 days raised the risk.",
                                       "Many transactions in the last 30 days lowered the risk."},
    [FEATURE_AVG_TRANSACTION_VALUE_30D] =
        {"LOW_AVG_TRANSACTION_VALUE_30D",
         "Low average transaction amounts in the last 30 days raised the risk.",
         "High average transaction amounts in the last 30 days lowered the risk."},
    [FEATURE_AVG_POSITIVITY_7D] = {"LOW_POSITIVITY_7D",
                                   "Low positivity in the last 7 days raised the risk.",
                                   "High positivity in the last 7 days lowered the risk."},
    [FEATURE_STRESS_EVENTS_30D] =
        {"HIGH_STRESS_EVENTS_30D",
         "Frequent moments of high stress in the last 30 days raised the risk.",
         "Few moments of high stress in the last 30 days lowered the risk."},
};

static const struct wording unknown[FEATURE_COUNT] = {
    [FEATURE_TRANSACTION_COUNT_30D] = {"NO_TRANSACTION_HISTORY",
                                       "Having no transaction history raised the risk.",
                                       "Having no transaction history lowered the risk."},
    [FEATURE_AVG_TRANSACTION_VALUE_30D] =
        {"NO_TRANSACTION_VALUES_30D",
         "Having no transaction amounts from the last 30 days raised the risk.",
         "Having no transaction amounts from the last 30 days lowered the risk."},
    [FEATURE_AVG_POSITIVITY_7D] =
        {"NO_EMOTIONAL_HISTORY_7D",
         "Having no emotional history from the last 7 days raised the risk.",
         "Having no emotional history from the last 7 days lowered the risk."},
    [FEATURE_STRESS_EVENTS_30D] =
        {"NO_EMOTIONAL_HISTORY_30D",
         "Having no emotional history from the last 30 days raised the risk.",
         "Having no emotional history from the last 30 days lowered the risk."},
};

static const struct wording *wording_of(enum feature feature, bool missing)
{
    return missing ? &unknown[feature] : &known[feature];
}

struct reasons decision_reasons(const struct contributions *contributions)
{
    const double *value = contributions->value;
    struct reasons reasons = {0};
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        if (!(value[feature] > 0)) {
            continue;
        }
        size_t place = reasons.count++;
        while (place > 0 && value[reasons.items[place - 1]] < value[feature]) {
            reasons.items[place] = reasons.items[place - 1];
            place--;
        }
        reasons.items[place] = feature;
    }
    return reasons;
}

const char *reason_code(enum feature feature, bool missing)
{
    return wording_of(feature, missing)->code;
}

const char *reason_words(enum feature feature, bool missing, bool raised)
{
    const struct wording *wording = wording_of(feature, missing);
    return raised ? wording->raised : wording->lowered;
}

const char *effect_words(enum feature feature, bool missing, double contribution)
{
    if (isnan(contribution)) {
        return "What this did to the risk was not recorded.";
    }
    if (contribution > 0 || contribution < 0) {
        return reason_words(feature, missing, contribution > 0);
    }
    return "This had no effect on the risk.";
}

// A denial that no feature explains comes from the model's own base rate.
static const char overall_risk[] = "The overall risk is above what the credit policy allows.";

void decision_reason_text(const struct reasons *reasons, const struct features *features,
                          char text[static REASON_TEXT_SIZE])
{
    size_t length =
        (size_t)snprintf(text, REASON_TEXT_SIZE, "We cannot offer credit right now.%s%s",
                         reasons->count == 0 ? " " : "", reasons->count == 0 ? overall_risk : "");
    for (size_t i = 0; i < reasons->count; i++) {
        enum feature feature = reasons->items[i];
        bool missing = isnan(features->value[feature]);
        length += (size_t)snprintf(text + length, REASON_TEXT_SIZE - length, " %s",
                                   reason_words(feature, missing, true));
    }
}
