// SPDX-License-Identifier: Apache-2.0
// The credit policy in whole numbers: what a sensible policy is, and the terms it gives a score.
#include "domain/policy.h"

#include <string.h>

#define BASE_LIMIT_MAX INT64_C(100000000000) /* 1,000,000,000.00; a million times it fits int64 */
#define RATE_MAX 99999                       /* 999.99 %, numeric(5,2) */
#define OFFER_DAYS_MAX 365

bool risk_score_from_double(double score, risk_score *ret)
{
    if (!(score >= 0 && score <= 1)) { /* written so that NaN is refused too */
        return false;
    }
    double millionths = score * RISK_SCORE_ONE;
    risk_score below = (risk_score)millionths;
    *ret = millionths - below >= 0.5 ? below + 1 : below;
    return true;
}

static void require(bool holds, const char *field, const char *message, struct faults *faults)
{
    if (!holds) {
        faults_add(faults, field, message);
    }
}

static bool between(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

void policy_check(const struct policy *policy, struct faults *faults)
{
    require(
        between((int64_t)strnlen(policy->version, sizeof policy->version), 1, POLICY_VERSION_MAX),
        "version", "must be 1 to 64 bytes", faults);
    require(between(policy->deny_above, 0, RISK_SCORE_ONE), "deny_above", "must be between 0 and 1",
            faults);
    require(between(policy->base_limit, 1, BASE_LIMIT_MAX), "base_limit",
            "must be between 0.01 and 1000000000.00", faults);
    require(between(policy->minimum_limit, 1, policy->base_limit), "minimum_limit",
            "must be between 0.01 and base_limit", faults);
    require(between(policy->base_rate, 0, RATE_MAX), "base_rate", "must be between 0 and 999.99",
            faults);
    require(policy->rate_per_risk >= 0 &&
                (int64_t)policy->base_rate + policy->rate_per_risk <= RATE_MAX,
            "rate_per_risk", "must be at least 0, and with base_rate at most 999.99", faults);
    require(between(policy->long_term_up_to, 0, policy->deny_above), "long_term_up_to",
            "must be between 0 and deny_above", faults);
    require(between(policy->offer_days, 1, OFFER_DAYS_MAX), "offer_days",
            "must be between 1 and 365", faults);
}

// part * whole / RISK_SCORE_ONE, half up; none is negative.
static int64_t share_of(risk_score part, int64_t whole)
{
    return (part * whole + RISK_SCORE_ONE / 2) / RISK_SCORE_ONE;
}

struct terms policy_terms(const struct policy *policy, risk_score score)
{
    if (score > policy->deny_above) {
        return (struct terms){.approved = false};
    }
    money_cents limit = share_of(RISK_SCORE_ONE - score, policy->base_limit);
    return (struct terms){
        .approved = true,
        .limit = limit > policy->minimum_limit ? limit : policy->minimum_limit,
        .rate = policy->base_rate + (interest_rate)share_of(score, policy->rate_per_risk),
        .type =
            score <= policy->long_term_up_to ? LONG_TERM_PERSONAL_LOAN : SHORT_TERM_PERSONAL_LOAN,
    };
}

const char *credit_type_name(enum credit_type type)
{
    return type == LONG_TERM_PERSONAL_LOAN ? "LONG_TERM_PERSONAL_LOAN" : "SHORT_TERM_PERSONAL_LOAN";
}
