// SPDX-License-Identifier: Apache-2.0
// The trained risk model (XGBoost): scores and what each feature added to them.
#pragma once

#include "domain/decision.h"
#include "domain/features.h"
#include "domain/policy.h"

#include <stdbool.h>

#define MODEL_VERSION_MAX 64
#define MODEL_ERROR_SIZE 256

struct risk_model;

struct prediction {
    risk_score score;
    risk_score score_without_emotions;
    struct contributions contributions;
    char model_version[MODEL_VERSION_MAX + 1];
};

// Loads a model file and tries it on a known person. NULL with one line in `error` when the file is
// missing, broken, has other features, or answers nonsense.
struct risk_model *risk_model_load(const char *path, char error[static MODEL_ERROR_SIZE]);
void risk_model_free(struct risk_model **model);

// Loads the file anew when it changed since; a bad one is refused and the old one keeps serving:
// false then, and as long as the file stays bad, with one line in `error`. Cheap when unchanged.
bool risk_model_refresh(struct risk_model *model, char error[static MODEL_ERROR_SIZE]);

// Scores one person. False when the model fails. Safe from every thread.
bool risk_model_predict(struct risk_model *model, const struct features *features,
                        struct prediction *ret);

// The version that serves now, copied into `version`.
void risk_model_version(struct risk_model *model, char version[static MODEL_VERSION_MAX + 1]);
