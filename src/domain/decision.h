// SPDX-License-Identifier: Apache-2.0
// Why a decision came out as it did: adverse action reasons from the model's contributions, in
// codes for machines and in plain words for the person.
#pragma once

#include "domain/features.h"
#include "domain/policy.h"

#include <stddef.h>

// What one feature did to the score, in the model's log-odds: above zero raises the risk.
struct contributions {
    double value[FEATURE_COUNT];
};

// The features that raised the risk, strongest first, at most FEATURE_COUNT.
struct reasons {
    size_t count;
    enum feature items[FEATURE_COUNT];
};

#define REASON_TEXT_SIZE 512

// Picks the reasons of a denial (Regulation B, 12 CFR 1002.9(b)(2): the principal reasons).
struct reasons decision_reasons(const struct contributions *contributions);

// The code of a reason, such as HIGH_STRESS_EVENTS_30D; static text. `missing` picks the code for
// "not enough history" when the feature was absent.
const char *reason_code(enum feature feature, bool missing);

// One sentence for the person on what a feature did, such as "Few transactions in the last 30 days
// raised the risk."; static text.
const char *reason_words(enum feature feature, bool missing, bool raised);

// One sentence on what a feature did, also where it did nothing, or where that was not recorded
// (the contribution is NaN); static text.
const char *effect_words(enum feature feature, bool missing, double contribution);

// The sentence of a denial: the strongest reasons in plain words.
void decision_reason_text(const struct reasons *reasons, const struct features *features,
                          char text[static REASON_TEXT_SIZE]);
