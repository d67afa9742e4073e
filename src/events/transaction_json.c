// SPDX-License-Identifier: Apache-2.0
// Transactions from and to JSON. The amount goes from the text of its number straight to cents and
// is never a double; what the bank sends and what the stream holds go through the same checks.
#include "events/transaction_json.h"

#include "events/members.h"
#include "platform/json.h"

#include <stdio.h>
#include <string.h>

#define TRACE_QUOTED_SIZE (2 * EVENT_TRACE_MAX + 3)

static const struct member_reason reasons[] = {
    {"", "must be a JSON object"},
    {"eventId", "eventId must be a UUID"},
    {"userId", "userId must be a UUID"},
    {"amount", "amount must be a number above 0 and at most 99999999.99 with at most 2 decimals"},
    {"occurredAt", "occurredAt must be an RFC 3339 timestamp with a zone"},
};

// An event's JSON, as text and as what was read of it.
struct source {
    const char *text;
    size_t length;
    json_t *object;
};

static void release_source(struct source *source)
{
    json_decref(source->object);
}

// User and amount: what a request and a line must both have.
static void read_event(const struct source *source, struct faults *faults,
                       struct transaction_event *event)
{
    member_uuid(source->object, "userId", faults, &event->user_id);
    if (member_required(source->object, "amount", faults) == NULL) {
        return;
    }
    const char *number;
    size_t number_length;
    if (json_number_text(source->text, source->length, "amount", &number, &number_length)) {
        event->amount = transaction_amount(number, number_length, faults);
    } else {
        faults_add(faults, "amount", "must be a number");
    }
}

enum event_read transaction_from_request(const char *json, size_t length,
                                         const struct event_window *window,
                                         struct transaction_event *ret, struct faults *faults,
                                         char *error)
{
    __attribute__((cleanup(release_source))) struct source source = {json, length, NULL};
    enum event_read read = members_open(json, length, &source.object, faults, error);
    if (read != EVENT_GOOD) {
        return read;
    }
    size_t faults_before = faults->count;
    struct transaction_event event = {.event_id = ret->event_id, .occurred_at = window->now};
    read_event(&source, faults, &event);
    if (member_optional(source.object, "occurredAt") != NULL &&
        member_timestamp(source.object, "occurredAt", faults, &event.occurred_at)) {
        event_check_time(event.occurred_at, window, "occurredAt", faults);
    }
    if (faults->count > faults_before) {
        return EVENT_FAULTY;
    }
    *ret = event;
    return EVENT_GOOD;
}

size_t transaction_to_line(const struct transaction_event *event, const char *trace_id,
                           char line[static TRANSACTION_LINE_MAX])
{
    char event_id[UUID_TEXT_SIZE], user_id[UUID_TEXT_SIZE], at[TIMESTAMP_TEXT_SIZE];
    char amount[MONEY_TEXT_SIZE], trace[TRACE_QUOTED_SIZE];
    uuid_format(&event->event_id, event_id);
    uuid_format(&event->user_id, user_id);
    money_format(event->amount, amount);
    timestamp_format(event->occurred_at, at);
    json_quote(trace_id, strnlen(trace_id, EVENT_TRACE_MAX), trace, sizeof trace);
    int length = snprintf(line, TRANSACTION_LINE_MAX,
                          "{\"eventId\":\"%s\",\"userId\":\"%s\",\"amount\":%s,"
                          "\"occurredAt\":\"%s\",\"traceId\":%s}",
                          event_id, user_id, amount, at, trace);
    return (size_t)length;
}

bool transaction_from_line(const char *line, size_t length, struct transaction_event *ret,
                           const char **ret_reason)
{
    __attribute__((cleanup(release_source))) struct source source = {line, length, NULL};
    char error[JSON_ERROR_SIZE];
    struct faults faults = {0};
    struct transaction_event event = {0};
    enum event_read read = members_open(line, length, &source.object, &faults, error);
    if (read == EVENT_NOT_JSON) {
        *ret_reason = "not JSON";
        return false;
    }
    if (read == EVENT_GOOD) {
        member_uuid(source.object, "eventId", &faults, &event.event_id);
        read_event(&source, &faults, &event);
        member_timestamp(source.object, "occurredAt", &faults, &event.occurred_at);
    }
    if (faults.count > 0) {
        *ret_reason = member_reason(reasons, &faults);
        return false;
    }
    *ret = event;
    return true;
}
