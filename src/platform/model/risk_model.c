// SPDX-License-Identifier: Apache-2.0
// The risk model on XGBoost's C interface. One booster serves at a time, under a mutex: a
// prediction takes a tenth of a millisecond. A new file is read, checked and tried beside it, and
// swapped in only when all of that went well.
#include "platform/model/risk_model.h"

#include "platform/json.h"
#include "platform/memory.h"
#include "platform/model/model_check.h"
#include "platform/watched_file.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

#define MODEL_BYTES_MAX (32u << 20)
#define ROWS 2 /* the person as known, and as if nothing emotional were known */
#define CONTRIBUTION_COLUMNS                                                                       \
    (FEATURE_COUNT + 1) /* the last is the bias, the same for everybody                            \
                         */

struct risk_model {
    pthread_mutex_t file_lock; /* guards `file` and `refused`; taken before `lock` */
    struct watched_file file;
    char refused[MODEL_ERROR_SIZE]; /* why the file as it is now does not serve; "" when it does */
    pthread_mutex_t lock;           /* guards all below, and every use of the booster */
    BoosterHandle booster;
    char version[MODEL_VERSION_MAX + 1];
};

static const char score_config[] =
    "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
    "\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}";
static const char contribution_config[] =
    "{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
    "\"strict_shape\":false}";

static void ignore_message(const char *message)
{
    (void)message;
}

// XGBoost keeps its logger for each thread; what it has to say comes back as errors anyway.
static void silence(void)
{
    XGBRegisterLogCallback(ignore_message);
}

static void to_row(const struct features *features, float row[static FEATURE_COUNT])
{
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        row[feature] = (float)features->value[feature];
    }
}

static bool predict_scores(BoosterHandle booster, const float *rows, struct prediction *ret)
{
    char array[128];
    snprintf(array, sizeof array,
             "{\"data\":[%" PRIuPTR ",true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}",
             (uintptr_t)rows, ROWS, FEATURE_COUNT);
    const bst_ulong *shape = NULL;
    bst_ulong dimensions = 0;
    const float *scores = NULL;
    return XGBoosterPredictFromDense(booster, array, score_config, NULL, &shape, &dimensions,
                                     &scores) == 0 &&
           dimensions == 1 && shape[0] == ROWS && risk_score_from_double(scores[0], &ret->score) &&
           risk_score_from_double(scores[1], &ret->score_without_emotions);
}

// Rounded to millionths, as the score is.
static bool copy_contributions(const float *columns, struct contributions *ret)
{
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        if (!isfinite(columns[feature])) {
            return false;
        }
        ret->value[feature] = round(columns[feature] * 1e6) / 1e6;
    }
    return true;
}

static bool predict_contributions(BoosterHandle booster, const float *row,
                                  struct contributions *ret)
{
    DMatrixHandle matrix = NULL;
    if (XGDMatrixCreateFromMat(row, 1, FEATURE_COUNT, NAN, &matrix) != 0) {
        return false;
    }
    const bst_ulong *shape = NULL;
    bst_ulong dimensions = 0;
    const float *columns = NULL;
    bool good = XGBoosterPredictFromDMatrix(booster, matrix, contribution_config, &shape,
                                            &dimensions, &columns) == 0 &&
                dimensions == 2 && shape[0] == 1 && shape[1] == CONTRIBUTION_COLUMNS &&
                copy_contributions(columns, ret);
    XGDMatrixFree(matrix);
    return good;
}

static bool predict(BoosterHandle booster, const struct features *features, struct prediction *ret)
{
    float rows[ROWS * FEATURE_COUNT];
    struct features without = features_without_emotions(features);
    to_row(features, rows);
    to_row(&without, rows + FEATURE_COUNT);
    return predict_scores(booster, rows, ret) &&
           predict_contributions(booster, rows, &ret->contributions);
}

// A person in the middle, and one of whom nothing is known.
static bool try_model(BoosterHandle booster)
{
    struct features known = {.value = {20, 55, 0.5, 3}};
    struct features unknown = {.value = {NAN, NAN, NAN, NAN}};
    struct prediction prediction;
    return predict(booster, &known, &prediction) && predict(booster, &unknown, &prediction);
}

static BoosterHandle booster_from(const struct buffer *content)
{
    BoosterHandle booster = NULL;
    if (XGBoosterCreate(NULL, 0, &booster) != 0) {
        return NULL;
    }
    if (XGBoosterSetParam(booster, "nthread", "1") != 0 ||
        XGBoosterSetParam(booster, "verbosity", "0") != 0 ||
        XGBoosterLoadModelFromBuffer(booster, content->data, content->length) != 0 ||
        !try_model(booster)) {
        XGBoosterFree(booster);
        return NULL;
    }
    return booster;
}

static BoosterHandle parse_model(const struct buffer *content,
                                 char version[static MODEL_VERSION_MAX + 1],
                                 char error[static MODEL_ERROR_SIZE])
{
    char reason[JSON_ERROR_SIZE];
    json_t *json = json_read_object(content->data, content->length, reason);
    if (json == NULL) {
        snprintf(error, MODEL_ERROR_SIZE, "%.200s", reason);
        return NULL;
    }
    bool sound = model_check(json, version, error);
    json_decref(json);
    if (!sound) {
        return NULL;
    }
    silence();
    BoosterHandle booster = booster_from(content);
    if (booster == NULL) {
        snprintf(error, MODEL_ERROR_SIZE, "XGBoost cannot read it, or it answers nonsense");
    }
    return booster;
}

static void swap_in(struct risk_model *model, BoosterHandle booster, const char *version)
{
    pthread_mutex_lock(&model->lock);
    BoosterHandle old = model->booster;
    model->booster = booster;
    snprintf(model->version, sizeof model->version, "%s", version);
    pthread_mutex_unlock(&model->lock);
    if (old != NULL) {
        XGBoosterFree(old);
    }
}

// With file_lock held.
static bool read_model(struct risk_model *model)
{
    struct buffer content = {.maximum = MODEL_BYTES_MAX};
    char version[MODEL_VERSION_MAX + 1];
    char reason[MODEL_ERROR_SIZE] = "it is empty";
    if (!watched_file_read(&model->file, &content, model->refused)) {
        buffer_free(&content);
        return false;
    }
    BoosterHandle booster = content.length > 0 ? parse_model(&content, version, reason) : NULL;
    buffer_free(&content);
    if (booster == NULL) {
        snprintf(model->refused, MODEL_ERROR_SIZE, "%.100s: %.150s", model->file.path, reason);
        return false;
    }
    swap_in(model, booster, version);
    model->refused[0] = '\0';
    model->file.good = true;
    return true;
}

struct risk_model *risk_model_load(const char *path, char error[static MODEL_ERROR_SIZE])
{
    struct risk_model *model = memory_zeroed(1, sizeof *model);
    pthread_mutex_init(&model->file_lock, NULL);
    pthread_mutex_init(&model->lock, NULL);
    watched_file_init(&model->file, path);
    if (!read_model(model)) {
        snprintf(error, MODEL_ERROR_SIZE, "%s", model->refused);
        risk_model_free(&model);
    }
    return model;
}

void risk_model_free(struct risk_model **model)
{
    if (*model == NULL) {
        return;
    }
    if ((*model)->booster != NULL) {
        XGBoosterFree((*model)->booster);
    }
    watched_file_release(&(*model)->file);
    pthread_mutex_destroy(&(*model)->file_lock);
    pthread_mutex_destroy(&(*model)->lock);
    free(*model);
    *model = NULL;
}

bool risk_model_refresh(struct risk_model *model, char error[static MODEL_ERROR_SIZE])
{
    pthread_mutex_lock(&model->file_lock);
    bool good = watched_file_changed(&model->file) ? read_model(model) : model->file.good;
    snprintf(error, MODEL_ERROR_SIZE, "%s", model->refused);
    pthread_mutex_unlock(&model->file_lock);
    return good;
}

bool risk_model_predict(struct risk_model *model, const struct features *features,
                        struct prediction *ret)
{
    struct prediction prediction;
    silence();
    pthread_mutex_lock(&model->lock);
    bool good = predict(model->booster, features, &prediction);
    memcpy(prediction.model_version, model->version, sizeof prediction.model_version);
    pthread_mutex_unlock(&model->lock);
    if (good) {
        *ret = prediction;
    }
    return good;
}

void risk_model_version(struct risk_model *model, char version[static MODEL_VERSION_MAX + 1])
{
    pthread_mutex_lock(&model->lock);
    memcpy(version, model->version, sizeof model->version);
    pthread_mutex_unlock(&model->lock);
}
