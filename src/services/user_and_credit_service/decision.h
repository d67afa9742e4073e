// SPDX-License-Identifier: Apache-2.0
// A credit decision with its offer: made from a prediction and the policy, kept in PostgreSQL,
// found again, and told as JSON. What is told follows from the rows alone.
#pragma once

#include "domain/features.h"
#include "domain/policy.h"
#include "platform/db/db.h"
#include "platform/json.h"
#include "platform/model/risk_model.h"

#include <stdbool.h>

#define CREDIT_TYPE_SIZE 32

struct credit_offer {
    struct uuid id;
    money_cents limit;
    interest_rate rate;
    char type[CREDIT_TYPE_SIZE];
    timestamp expires_at;
};

struct credit_decision {
    struct uuid id;
    timestamp made_at;
    bool approved;
    risk_score score;
    json_t *reason_codes; /* owned: credit_decision_release */
    char reason[REASON_TEXT_SIZE];
    char model_version[MODEL_VERSION_MAX + 1];
    char policy_version[POLICY_VERSION_MAX + 1];
    bool has_offer;
    struct credit_offer offer;
};

// What a decision rests on, recorded with it.
struct decision_grounds {
    struct features features;
    bool emotional_consent;
    struct prediction prediction;
    const char *trace_id;
};

// Decides: applies the policy to the score, names the reasons of a denial, words an offer.
void credit_decision_make(const struct decision_grounds *grounds, const struct policy *policy,
                          timestamp now, struct credit_decision *ret);

// Frees what a decision holds.
void credit_decision_release(struct credit_decision *decision);

// Records the decision; its offer takes the place of the one that is open.
enum db_status credit_decision_store(struct db *db, const char *person,
                                     const struct credit_decision *decision,
                                     const struct decision_grounds *grounds);

// A person who asks for a decision, and when.
struct applicant {
    bool known; /* there is such an account */
    bool emotional_consent;
    bool decided_lately;      /* at most so many seconds ago, under the consent that is there now */
    timestamp now;            /* by PostgreSQL's clock */
    struct features features; /* as of now, for a new decision; of no use when decided lately */
};

// What applicant_find is asked for.
struct applicant_query {
    const char *person;
    int64_t seconds;              /* how long ago `lately` is */
    const char *stress_threshold; /* billionths, from where on an event is one of stress */
};

// Looks a person up; *ret_decision is set when there is one of late, and the caller's to release.
enum db_status applicant_find(struct db *db, const struct applicant_query *query,
                              struct applicant *ret, struct credit_decision *ret_decision);

// A decision as it was recorded.
struct recorded_decision {
    bool known; /* there is such a decision, and it is this person's */
    struct credit_decision decision;
    struct decision_grounds grounds; /* without the model's version and the trace */
};

// Looks one decision up by its id. The decision is the caller's to release.
enum db_status credit_decision_find(struct db *db, const char *person, const char *id,
                                    struct recorded_decision *ret);

// The answer to a person who asked for an analysis. The caller releases it.
json_t *credit_decision_json(const char *person, const struct credit_decision *decision,
                             bool cached);
