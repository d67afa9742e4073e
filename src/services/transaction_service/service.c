// SPDX-License-Identifier: Apache-2.0
// POST /v1/transactions: one transaction in, one line of the stream `transactions` out, 202 once
// durable. A client's Idempotency-Key decides the event's id, so a retry is the same event.
#include "services/transaction_service/service.h"

#include "events/line_writer.h"
#include "events/transaction_json.h"
#include "platform/bus/streams.h"
#include "platform/ids.h"
#include "platform/json.h"
#include "services/ingestion.h"

#include <string.h>

#define RECEIPT_MAX 256   /* bytes */
#define MAX_AGE_DAYS 3650 /* no account statement reaches further back */

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    (void)error;
    return intake_new(environment, SUBJECT_TRANSACTIONS, SETTING_SECRET_KEY);
}

static void stop(void *state)
{
    struct intake *intake = state;
    intake_free(&intake);
}

static void *loop_open(void *state, const struct service_loop *on)
{
    return ingestion_new(state, on);
}

// A repeat has the first one's amount, and its time unless we gave it; the person is in the id.
static bool is_first_or_repeat(struct ingestion *ingestion, const struct transaction_event *event,
                               bool has_own_time, struct faults *faults)
{
    int64_t content[] = {event->amount, has_own_time ? event->occurred_at : 0};
    return ingestion_key_agrees(ingestion, KEY_OF_EVENT, &event->event_id, content, sizeof content,
                                faults);
}

static void prepare_receipt(struct http_exchange *exchange, const struct transaction_event *event)
{
    char body[RECEIPT_MAX];
    struct line_writer writer = {body};
    LINE_ADD(&writer, "{\"status\":\"event received\",\"userId\":\"");
    line_add_uuid(&writer, &event->user_id);
    LINE_ADD(&writer, "\",\"eventId\":\"");
    line_add_uuid(&writer, &event->event_id);
    LINE_ADD(&writer, "\"}");
    http_answer_bytes(exchange, 202, "application/json", body, (size_t)(writer.at - body));
}

static void receive_transaction(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct ingestion *ingestion = context;
    struct event_window window = ingestion_window(ingestion, MAX_AGE_DAYS);
    struct span body = http_body(exchange);
    struct transaction_event event = {0};
    struct faults faults;
    char json_error[JSON_ERROR_SIZE];

    faults_clear(&faults);
    enum event_read read =
        transaction_from_request(body.data, body.length, &window, &event, &faults, json_error);
    const char *key = read != EVENT_NOT_JSON ? ingestion_key(exchange, &faults) : NULL;
    read = read == EVENT_GOOD && faults.count > 0 ? EVENT_FAULTY : read;
    if (read != EVENT_GOOD) {
        ingestion_refuse(exchange, read, &faults, json_error);
        return;
    }
    if (!uuid_equal(&event.user_id, http_person(exchange))) {
        http_answer_problem(exchange, 403, "userId must be the person of the token");
        http_finish(exchange);
        return;
    }
    event.event_id =
        key != NULL ? ids_from_key(&event.user_id, key, strlen(key)) : ids_new_at(window.now);
    bool has_own_time = event.occurred_at != window.now;
    if (key != NULL && !is_first_or_repeat(ingestion, &event, has_own_time, &faults)) {
        ingestion_refuse(exchange, EVENT_FAULTY, &faults, json_error);
        return;
    }
    char line[TRANSACTION_LINE_MAX];
    size_t length = transaction_to_line(&event, http_trace(exchange)->trace_id, line);
    prepare_receipt(exchange, &event);
    ingestion_accept(ingestion, exchange, line, length);
}

static const struct route routes[] = {
    {HTTP_POST, "/v1/transactions", AUTH_PERSON, RUN_ON_LOOP, receive_transaction,
     .has_body = true},
};

const struct service transaction_service = {
    .name = "transaction-service",
    .needs = NEEDS_BUS | NEEDS_LOOP_BUS | NEEDS_TOKEN_KEY,
    .listen = SETTING_TRANSACTION_SERVICE_LISTEN,
    .url = SETTING_TRANSACTION_SERVICE_URL,
    .database = SETTING_COUNT,
    .broker = SETTING_TRANSACTION_SERVICE_NATS_URL,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .start = start,
    .stop = stop,
    .loop_open = loop_open,
    .loop_close = ingestion_close,
};
