// SPDX-License-Identifier: Apache-2.0
// Transactions from and to JSON. The amount goes from the text of its number straight to cents and
// is never a double; what the bank sends and what the stream holds go through the same checks.
#include "events/transaction_json.h"

#include "events/line_writer.h"
#include "events/members.h"
#include "events/plain_json.h"
#include "platform/json.h"

#include <string.h>

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

// ---- plain transactions, which need no tree

// The members of a transaction that plain JSON had, as bits.
enum { USER = 1, AMOUNT = 2, TIME = 4, ID = 8 };

static void read_plain_amount(struct plain_json *json, money_cents *ret)
{
    const struct plain_text number = plain_number(json);
    struct faults faults;
    faults_clear(&faults);
    *ret = transaction_amount(number.data, number.length, &faults);
    plain_require(json, faults.count == 0);
}

// What was read of a transaction whose JSON is plain and whose members, in any order, are good
// whatever the time; 0 when jansson has to look at it.
static unsigned read_plain(const char *text, size_t length, struct transaction_event *event)
{
    static const struct plain_name names[] = {PLAIN_NAME("userId"),     PLAIN_NAME("amount"),
                                              PLAIN_NAME("occurredAt"), PLAIN_NAME("eventId"),
                                              PLAIN_NAME("traceId"),    {NULL, 0}};
    struct plain_json json = plain_json_of(text, length);
    unsigned seen = 0;
    plain_open(&json);
    for (int member; (member = plain_member(&json, names, &seen)) >= 0;) {
        switch (1U << member) {
        case USER:
            plain_uuid(&json, &event->user_id);
            break;
        case AMOUNT:
            read_plain_amount(&json, &event->amount);
            break;
        case TIME:
            plain_timestamp(&json, &event->occurred_at);
            break;
        case ID:
            plain_uuid(&json, &event->event_id);
            break;
        default:
            plain_string(&json);
        }
    }
    return plain_is_done(&json) ? seen : 0;
}

// A plain request names a user, an amount and maybe a time that is good.
static bool read_plain_request(const char *json, size_t length, const struct event_window *window,
                               struct transaction_event *event)
{
    const unsigned seen = read_plain(json, length, event);
    return (seen & ~(unsigned)TIME) == (USER | AMOUNT) &&
           event_is_timely(event->occurred_at, window);
}

// ---- all transactions

static enum event_read read_any(const char *json, size_t length, const struct event_window *window,
                                struct transaction_event *event, struct faults *faults, char *error)
{
    __attribute__((cleanup(release_source))) struct source source = {json, length, NULL};
    enum event_read read = members_open(json, length, &source.object, faults, error);
    if (read != EVENT_GOOD) {
        return read;
    }
    size_t faults_before = faults->count;
    read_event(&source, faults, event);
    if (member_optional(source.object, "occurredAt") != NULL &&
        member_timestamp(source.object, "occurredAt", faults, &event->occurred_at)) {
        event_check_time(event->occurred_at, window, "occurredAt", faults);
    }
    return faults->count > faults_before ? EVENT_FAULTY : EVENT_GOOD;
}

enum event_read transaction_from_request(const char *json, size_t length,
                                         const struct event_window *window,
                                         struct transaction_event *ret, struct faults *faults,
                                         char *error)
{
    const struct transaction_event begun = {.event_id = ret->event_id, .occurred_at = window->now};
    struct transaction_event event = begun;
    if (!read_plain_request(json, length, window, &event)) {
        event = begun;
        enum event_read read = read_any(json, length, window, &event, faults, error);
        if (read != EVENT_GOOD) {
            return read;
        }
    }
    *ret = event;
    return EVENT_GOOD;
}

size_t transaction_to_line(const struct transaction_event *event, const char *trace_id,
                           char line[static TRANSACTION_LINE_MAX])
{
    struct line_writer writer = {line};
    LINE_ADD(&writer, "{\"eventId\":\"");
    line_add_uuid(&writer, &event->event_id);
    LINE_ADD(&writer, "\",\"userId\":\"");
    line_add_uuid(&writer, &event->user_id);
    LINE_ADD(&writer, "\",\"amount\":");
    money_format(event->amount, writer.at);
    writer.at += strlen(writer.at);
    LINE_ADD(&writer, ",\"occurredAt\":\"");
    line_add_timestamp(&writer, event->occurred_at);
    LINE_ADD(&writer, "\",\"traceId\":");
    line_add_quoted(&writer, trace_id, EVENT_TRACE_MAX);
    LINE_ADD(&writer, "}");
    *writer.at = '\0';
    return (size_t)(writer.at - line);
}

bool transaction_from_line(const char *line, size_t length, struct transaction_event *ret,
                           const char **ret_reason)
{
    struct transaction_event event = {0};
    unsigned seen = read_plain(line, length, &event);
    if ((seen & (USER | AMOUNT | TIME | ID)) == (USER | AMOUNT | TIME | ID)) {
        *ret = event;
        return true;
    }
    __attribute__((cleanup(release_source))) struct source source = {line, length, NULL};
    char error[JSON_ERROR_SIZE];
    struct faults faults = {0};
    event = (struct transaction_event){0};
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
