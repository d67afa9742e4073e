// SPDX-License-Identifier: Apache-2.0
// POST /v1/predict: features in, score and contributions out. A prediction takes a tenth of a
// millisecond and waits for nothing but another loop's, so it runs on the loop.
#include "services/credit_analysis_service/service.h"

#include "platform/json.h"
#include "platform/memory.h"
#include "platform/model/prediction_json.h"

#include <stdlib.h>

#define RETRY_MS 1000

struct credit_analysis {
    struct risk_model *model;
    struct counter *predicted;
    struct counter *failed;
};

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    (void)error;
    static const char help[] = "Predictions asked over HTTP, by outcome.";
    struct credit_analysis *service = memory_zeroed(1, sizeof *service);
    service->model = environment->model;
    service->predicted = metrics_counter(environment->metrics, "ecs_predictions_total",
                                         "outcome=\"answered\"", help);
    service->failed =
        metrics_counter(environment->metrics, "ecs_predictions_total", "outcome=\"failed\"", help);
    return service;
}

static void stop(void *state)
{
    free(state);
}

// False when the request was refused, and answered so.
static bool read_features(struct http_exchange *exchange, struct features *ret)
{
    struct faults faults = {0};
    __attribute__((cleanup(json_release))) json_t *object = http_read_object(exchange);
    if (object == NULL) {
        return false;
    }
    if (!features_from_json(object, ret, &faults)) {
        http_answer_faults(exchange, &faults);
        return false;
    }
    return true;
}

static void predict(struct http_exchange *exchange, void *state, void *context)
{
    (void)context;
    struct credit_analysis *service = state;
    struct features features;
    struct prediction prediction;
    if (!read_features(exchange, &features)) {
        http_finish(exchange);
        return;
    }
    if (risk_model_predict(service->model, &features, &prediction)) {
        counter_add(service->predicted, 1);
        http_answer_json(exchange, 200, prediction_to_json(&prediction, &features));
    } else {
        counter_add(service->failed, 1);
        http_answer_unavailable(exchange, "The risk model gives no answer.", RETRY_MS);
    }
    http_finish(exchange);
}

static const struct route routes[] = {
    {HTTP_POST, "/v1/predict", AUTH_INTERNAL_KEY, RUN_ON_LOOP, predict, .has_body = true},
};

const struct service credit_analysis_service = {
    .name = "credit-analysis-service",
    .needs = NEEDS_MODEL | NEEDS_INTERNAL_KEY,
    .listen = SETTING_CREDIT_ANALYSIS_SERVICE_LISTEN,
    .url = SETTING_CREDIT_ANALYSIS_SERVICE_URL,
    .internal = true,
    .database = SETTING_COUNT,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .start = start,
    .stop = stop,
};
