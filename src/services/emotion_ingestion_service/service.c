// SPDX-License-Identifier: Apache-2.0
// POST /v1/emotions/stream: one event in, or a batch of them, one line of the stream `emotions` out
// for each, 202 once durable.
#include "services/emotion_ingestion_service/service.h"

#include "events/line_writer.h"
#include "platform/bus/streams.h"
#include "platform/json.h"
#include "platform/memory.h"
#include "services/emotion_ingestion_service/batch.h"
#include "services/emotion_ingestion_service/event_key.h"
#include "services/ingestion.h"

#include <stdlib.h>

#define RECEIPT_MAX 256 /* bytes */

struct emotion_ingestion {
    struct intake *intake;
    int64_t retention_days;
};

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    (void)error;
    struct emotion_ingestion *service = memory_zeroed(1, sizeof *service);
    service->intake = intake_new(environment, SUBJECT_EMOTIONS, SETTING_INTERNAL_SERVICE_API_KEY);
    service->retention_days = config_number(environment->config, SETTING_EMOTION_RETENTION_DAYS);
    return service;
}

static void stop(void *state)
{
    struct emotion_ingestion *service = state;
    intake_free(&service->intake);
    free(service);
}

static void *loop_open(void *state, const struct service_loop *on)
{
    struct emotion_ingestion *service = state;
    return ingestion_new(service->intake, on);
}

static void prepare_receipt(struct http_exchange *exchange, const struct emotion_event *event,
                            const char *trace_id)
{
    char body[RECEIPT_MAX];
    struct line_writer writer = {body};
    LINE_ADD(&writer, "{\"status\":\"event received\",\"eventId\":\"");
    line_add_uuid(&writer, &event->event_id);
    LINE_ADD(&writer, "\",\"traceId\":");
    line_add_quoted(&writer, trace_id, EVENT_TRACE_MAX);
    LINE_ADD(&writer, "}");
    http_answer_bytes(exchange, 202, "application/json", body, (size_t)(writer.at - body));
}

// A sender without an id of its own for the event may name it by a key: a retry is the same event,
// and another event under that key is a mistake.
static bool choose_event_id(struct ingestion *ingestion, const char *key,
                            struct emotion_event *event, struct faults *faults)
{
    return key == NULL || !event->id_is_new ||
           event_key_name(ingestion, KEY_OF_EVENT, key, event, faults);
}

static void receive_emotion(struct http_exchange *exchange, void *state, void *context)
{
    const struct emotion_ingestion *service = state;
    struct ingestion *ingestion = context;
    struct event_window window = ingestion_window(ingestion, service->retention_days);
    struct span body = http_body(exchange);
    struct emotion_event event;
    struct faults faults;
    char json_error[JSON_ERROR_SIZE];

    faults_clear(&faults);
    enum event_read read =
        emotion_from_request(body.data, body.length, &window, &event, &faults, json_error);
    const char *key = read != EVENT_NOT_JSON ? ingestion_key(exchange, &faults) : NULL;
    if (read == EVENT_GOOD &&
        (faults.count > 0 || !choose_event_id(ingestion, key, &event, &faults))) {
        read = EVENT_FAULTY;
    }
    if (read != EVENT_GOOD) {
        ingestion_refuse(exchange, read, &faults, json_error);
        return;
    }
    const char *trace_id = http_trace(exchange)->trace_id;
    char line[EMOTION_LINE_MAX];
    size_t length = emotion_to_line(&event, trace_id, line);
    prepare_receipt(exchange, &event, trace_id);
    ingestion_accept(ingestion, exchange, line, length);
}

static void receive_batch(struct http_exchange *exchange, void *state, void *context)
{
    const struct emotion_ingestion *service = state;
    struct ingestion *ingestion = context;
    struct event_window window = ingestion_window(ingestion, service->retention_days);
    struct faults faults = {0};
    const char *key = ingestion_key(exchange, &faults);
    if (faults.count > 0) {
        http_answer_faults(exchange, &faults);
        http_finish(exchange);
        return;
    }
    batch_receive(exchange, ingestion, &window, key);
}

static const struct route routes[] = {
    {HTTP_POST, "/v1/emotions/stream", AUTH_INTERNAL_KEY, RUN_ON_LOOP, receive_emotion,
     .batch = receive_batch, .has_body = true},
};

const struct service emotion_ingestion_service = {
    .name = "emotion-ingestion-service",
    .needs = NEEDS_BUS | NEEDS_LOOP_BUS | NEEDS_INTERNAL_KEY,
    .listen = SETTING_EMOTION_SERVICE_LISTEN,
    .url = SETTING_EMOTION_SERVICE_URL,
    .database = SETTING_COUNT,
    .broker = SETTING_EMOTION_SERVICE_NATS_URL,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .start = start,
    .stop = stop,
    .loop_open = loop_open,
    .loop_close = ingestion_close,
};
