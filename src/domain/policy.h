// SPDX-License-Identifier: Apache-2.0
// The credit policy: from a risk score to approval, limit, interest and type, in whole numbers.
#pragma once

#include "domain/faults.h"
#include "domain/money.h"

#include <stdbool.h>
#include <stdint.h>

#define POLICY_VERSION_MAX 64

// A risk score in millionths: 0 is no risk, 1,000,000 certain default. The model's answer is
// rounded to it once, so that money never meets a binary float.
typedef int32_t risk_score;
#define RISK_SCORE_ONE 1000000

// An interest rate in hundredths of a percent a year: 575 is 5.75 %.
typedef int32_t interest_rate;

enum credit_type { LONG_TERM_PERSONAL_LOAN, SHORT_TERM_PERSONAL_LOAN };

struct policy {
    char version[POLICY_VERSION_MAX + 1];
    risk_score deny_above;       /* deny when the score is greater */
    money_cents base_limit;      /* limit = (1 - score) * base_limit, ... */
    money_cents minimum_limit;   /* ... but at least this */
    interest_rate base_rate;     /* rate = base_rate + score * rate_per_risk */
    interest_rate rate_per_risk; /* at a score of 1 */
    risk_score long_term_up_to;  /* long-term loan when the score is at most this */
    int32_t offer_days;          /* how long an offer stands */
};

struct terms {
    bool approved; /* the rest is set only when true */
    money_cents limit;
    interest_rate rate;
    enum credit_type type;
};

// Rounds a model's score to the nearest millionth. False when it is NaN or outside 0..1.
bool risk_score_from_double(double score, risk_score *ret);

// Whether the policy makes sense: every bound ordered and in range. Faults name its JSON fields.
void policy_check(const struct policy *policy, struct faults *faults);

// The terms for a score; amounts rounded half up to the cent, rates to the hundredth.
struct terms policy_terms(const struct policy *policy, risk_score score);

// LONG_TERM_PERSONAL_LOAN or SHORT_TERM_PERSONAL_LOAN; static text.
const char *credit_type_name(enum credit_type type);
