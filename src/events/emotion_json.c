// SPDX-License-Identifier: Apache-2.0
// Emotion events from and to JSON. Runs for every event, on the loop's thread and on the worker's;
// what the app sends and what the stream holds go through the same checks.
#include "events/emotion_json.h"

#include "events/line_writer.h"
#include "events/members.h"
#include "events/plain_json.h"
#include "platform/ids.h"
#include "platform/json.h"

#include <string.h>

static const struct member_reason reasons[] = {
    {"", "must be a JSON object"},
    {"eventId", "eventId must be a UUID"},
    {"userId", "userId must be a UUID"},
    {"timestamp", "timestamp must be an RFC 3339 timestamp with a zone"},
    {"emotionEvent", "emotionEvent must be an object"},
    {"emotionEvent.type",
     "emotionEvent.type must be a string of 1 to 64 bytes without control characters"},
    {"emotionEvent.metrics", "emotionEvent.metrics must be an object"},
    {"emotionEvent.metrics.positivity", "emotionEvent.metrics.positivity must be between 0 and 1"},
    {"emotionEvent.metrics.intensity", "emotionEvent.metrics.intensity must be between 0 and 1"},
    {"emotionEvent.metrics.stress_level",
     "emotionEvent.metrics.stress_level must be between 0 and 1"},
};

static void read_metric(const json_t *metrics, const char *path, struct faults *faults, metric *ret)
{
    const json_t *value = member_required(metrics, path, faults);
    if (value == NULL) {
        return;
    }
    if (!json_is_number(value)) {
        faults_add(faults, path, "must be a number");
    } else if (!metric_from_double(json_number_value(value), ret)) {
        faults_add(faults, path, "must be between 0 and 1");
    }
}

static void read_type(const json_t *emotion, struct faults *faults, char type[EMOTION_TYPE_MAX + 1])
{
    static const char path[] = "emotionEvent.type";
    const json_t *value = member_required(emotion, path, faults);
    if (value == NULL) {
        return;
    }
    if (!json_is_string(value)) {
        faults_add(faults, path, "must be a string");
        return;
    }
    size_t length = json_string_length(value);
    emotion_check_type(json_string_value(value), length, faults);
    if (length <= EMOTION_TYPE_MAX) {
        memcpy(type, json_string_value(value), length + 1);
    }
}

static void read_emotion(const json_t *object, struct faults *faults, struct emotion_event *event)
{
    const json_t *emotion;
    const json_t *metrics;
    if (!member_object(object, "emotionEvent", faults, &emotion)) {
        return;
    }
    read_type(emotion, faults, event->type);
    if (!member_object(emotion, "emotionEvent.metrics", faults, &metrics)) {
        return;
    }
    read_metric(metrics, "emotionEvent.metrics.positivity", faults, &event->positivity);
    read_metric(metrics, "emotionEvent.metrics.intensity", faults, &event->intensity);
    read_metric(metrics, "emotionEvent.metrics.stress_level", faults, &event->stress_level);
}

// Everything but the event's id; `window` is NULL when the time is not judged.
static void read_event(const json_t *object, const struct event_window *window,
                       struct faults *faults, struct emotion_event *event)
{
    member_uuid(object, "userId", faults, &event->user_id);
    if (member_timestamp(object, "timestamp", faults, &event->occurred_at) && window != NULL) {
        event_check_time(event->occurred_at, window, "timestamp", faults);
    }
    read_emotion(object, faults, event);
}

// ---- plain events, which need no tree

static void read_plain_metrics(struct plain_json *json, struct emotion_event *event)
{
    static const struct plain_name names[] = {
        PLAIN_NAME("positivity"), PLAIN_NAME("intensity"), PLAIN_NAME("stress_level"), {NULL, 0}};
    metric *const values[] = {&event->positivity, &event->intensity, &event->stress_level};
    unsigned seen = 0;
    plain_open(json);
    for (int member; (member = plain_member(json, names, &seen)) >= 0;) {
        struct plain_text number = plain_number(json);
        plain_require(json, metric_from_decimal(number.data, number.length, values[member]));
    }
    plain_require(json, seen == 7);
}

static void read_plain_type(struct plain_json *json, char type[EMOTION_TYPE_MAX + 1])
{
    struct plain_text text = plain_string(json);
    plain_require(json, text.length > 0 && text.length <= EMOTION_TYPE_MAX);
    if (!json->stopped) {
        memcpy(type, text.data, text.length);
        type[text.length] = '\0';
    }
}

static void read_plain_emotion(struct plain_json *json, struct emotion_event *event)
{
    static const struct plain_name names[] = {PLAIN_NAME("type"), PLAIN_NAME("metrics"), {NULL, 0}};
    unsigned seen = 0;
    plain_open(json);
    for (int member; (member = plain_member(json, names, &seen)) >= 0;) {
        if (member == 0) {
            read_plain_type(json, event->type);
        } else {
            read_plain_metrics(json, event);
        }
    }
    plain_require(json, seen == 3);
}

// Everything of an event whose JSON is plain and which is good whatever the time; its members may
// stand in any order. False when jansson has to look at it.
static bool read_plain(const char *text, size_t length, struct emotion_event *event,
                       bool *ret_has_id)
{
    enum { USER, TIME, EMOTION, ID, TRACE };
    static const struct plain_name names[] = {PLAIN_NAME("userId"),       PLAIN_NAME("timestamp"),
                                              PLAIN_NAME("emotionEvent"), PLAIN_NAME("eventId"),
                                              PLAIN_NAME("traceId"),      {NULL, 0}};
    struct plain_json json = plain_json_of(text, length);
    unsigned seen = 0;
    plain_open(&json);
    for (int member; (member = plain_member(&json, names, &seen)) >= 0;) {
        switch (member) {
        case USER:
            plain_uuid(&json, &event->user_id);
            break;
        case TIME:
            plain_timestamp(&json, &event->occurred_at);
            break;
        case EMOTION:
            read_plain_emotion(&json, event);
            break;
        case ID:
            plain_uuid(&json, &event->event_id);
            break;
        default:
            plain_string(&json);
        }
    }
    const unsigned needed = 1U << USER | 1U << TIME | 1U << EMOTION;
    *ret_has_id = (seen & 1U << ID) != 0;
    return plain_is_done(&json) && (seen & needed) == needed;
}

// ---- all events

static enum event_read read_any(const char *json, size_t length, const struct event_window *window,
                                struct emotion_event *event, bool *ret_has_id,
                                struct faults *faults, char *error)
{
    __attribute__((cleanup(json_release))) json_t *object = NULL;
    enum event_read read = members_open(json, length, &object, faults, error);
    if (read != EVENT_GOOD) {
        return read;
    }
    size_t faults_before = faults->count;
    *ret_has_id = member_optional(object, "eventId") != NULL;
    if (*ret_has_id) {
        member_uuid(object, "eventId", faults, &event->event_id);
    }
    read_event(object, window, faults, event);
    return faults->count > faults_before ? EVENT_FAULTY : EVENT_GOOD;
}

enum event_read emotion_from_request(const char *json, size_t length,
                                     const struct event_window *window, struct emotion_event *ret,
                                     struct faults *faults, char *error)
{
    struct emotion_event event;
    bool has_id = false;
    if (!read_plain(json, length, &event, &has_id) || !event_is_timely(event.occurred_at, window)) {
        enum event_read read = read_any(json, length, window, &event, &has_id, faults, error);
        if (read != EVENT_GOOD) {
            return read;
        }
    }
    event.id_is_new = !has_id;
    if (event.id_is_new) {
        event.event_id = ids_new_at(window->now);
    }
    *ret = event;
    return EVENT_GOOD;
}

// Adds the shortest decimal of the billionths.
static void add_metric(struct line_writer *writer, metric value)
{
    *writer->at++ = (char)('0' + value / METRIC_ONE);
    int64_t rest = value % METRIC_ONE;
    if (rest > 0) {
        *writer->at++ = '.';
    }
    while (rest > 0) {
        rest *= 10;
        *writer->at++ = (char)('0' + rest / METRIC_ONE);
        rest %= METRIC_ONE;
    }
}

size_t emotion_to_line(const struct emotion_event *event, const char *trace_id,
                       char line[static EMOTION_LINE_MAX])
{
    struct line_writer writer = {line};
    LINE_ADD(&writer, "{\"eventId\":\"");
    line_add_uuid(&writer, &event->event_id);
    LINE_ADD(&writer, "\",\"userId\":\"");
    line_add_uuid(&writer, &event->user_id);
    LINE_ADD(&writer, "\",\"timestamp\":\"");
    line_add_timestamp(&writer, event->occurred_at);
    LINE_ADD(&writer, "\",\"emotionEvent\":{\"type\":");
    line_add_quoted(&writer, event->type, EMOTION_TYPE_MAX);
    LINE_ADD(&writer, ",\"metrics\":{\"positivity\":");
    add_metric(&writer, event->positivity);
    LINE_ADD(&writer, ",\"intensity\":");
    add_metric(&writer, event->intensity);
    LINE_ADD(&writer, ",\"stress_level\":");
    add_metric(&writer, event->stress_level);
    LINE_ADD(&writer, "}},\"traceId\":");
    line_add_quoted(&writer, trace_id, EVENT_TRACE_MAX);
    LINE_ADD(&writer, "}");
    *writer.at = '\0';
    return (size_t)(writer.at - line);
}

bool emotion_from_line(const char *line, size_t length, struct emotion_event *ret,
                       const char **ret_reason)
{
    struct emotion_event event;
    bool has_id = false;
    event.id_is_new = false;
    if (read_plain(line, length, &event, &has_id) && has_id) {
        *ret = event;
        return true;
    }
    __attribute__((cleanup(json_release))) json_t *object = NULL;
    char error[JSON_ERROR_SIZE];
    struct faults faults = {0};
    enum event_read read = members_open(line, length, &object, &faults, error);
    if (read == EVENT_NOT_JSON) {
        *ret_reason = "not JSON";
        return false;
    }
    if (read == EVENT_GOOD) {
        member_uuid(object, "eventId", &faults, &event.event_id);
        read_event(object, NULL, &faults, &event);
    }
    if (faults.count > 0) {
        *ret_reason = member_reason(reasons, &faults);
        return false;
    }
    *ret = event;
    return true;
}
