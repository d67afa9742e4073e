// SPDX-License-Identifier: Apache-2.0
// Whether the JSON of a model is one that we can serve. XGBoost trusts the indexes inside a model
// file; a wrong one would read beyond its memory, so all of them are checked before it sees any.
#pragma once

#include "platform/json.h"
#include "platform/model/risk_model.h"

#include <stdbool.h>

// Checks the model's kind (trees, logistic, our features in our order) and that every tree is a
// tree. False with one line in `error`; otherwise `version` is the model's own.
bool model_check(const json_t *model, char version[static MODEL_VERSION_MAX + 1],
                 char error[static MODEL_ERROR_SIZE]);

// Reads a model's version: 1 to MODEL_VERSION_MAX visible ASCII characters. False otherwise.
bool model_version_read(const json_t *value, char version[static MODEL_VERSION_MAX + 1]);
