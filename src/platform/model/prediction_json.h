// SPDX-License-Identifier: Apache-2.0
// Features as JSON, and the two bodies of POST /v1/predict, each written by one side and read by
// the other: the features of a person, and what the model says of them.
#pragma once

#include "domain/faults.h"
#include "platform/json.h"
#include "platform/model/risk_model.h"

#include <stdbool.h>

// The features by name, null where missing. A new reference.
json_t *features_to_json(const struct features *features);

// The number of a feature in an object of them by name; NaN where it is null or missing.
double feature_number(const json_t *numbers, enum feature feature);

// Reads them; a fault for each one that is absent or outside its range. Other members are ignored.
// False when there is a fault.
bool features_from_json(const json_t *body, struct features *ret, struct faults *faults);

// The answer. A new reference.
json_t *prediction_to_json(const struct prediction *prediction, const struct features *features);

// Reads an answer strictly: both scores between 0 and 1, a version, a finite contribution for each
// feature by its name. False otherwise; *ret is set only on success.
bool prediction_from_json(const json_t *answer, struct prediction *ret);
