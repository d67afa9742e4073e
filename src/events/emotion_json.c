// SPDX-License-Identifier: Apache-2.0
// Emotion events from and to JSON. Runs for every event, on the loop's thread and on the worker's;
// what the app sends and what the stream holds go through the same checks.
#include "events/emotion_json.h"

#include "events/members.h"
#include "platform/ids.h"
#include "platform/json.h"

#include <stdio.h>
#include <string.h>

#define METRIC_DIGITS 9
#define METRIC_TEXT_SIZE (2 + METRIC_DIGITS + 1) /* 0.123456789 and the final NUL */
#define QUOTED_SIZE(bytes) (2 * (bytes) + 3)     /* each byte escaped by one more, quotes, NUL */

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

enum event_read emotion_from_request(const char *json, size_t length,
                                     const struct event_window *window, struct emotion_event *ret,
                                     struct faults *faults, char *error)
{
    __attribute__((cleanup(json_release))) json_t *object = NULL;
    enum event_read read = members_open(json, length, &object, faults, error);
    if (read != EVENT_GOOD) {
        return read;
    }
    size_t faults_before = faults->count;
    struct emotion_event event = {0};
    bool has_id = member_optional(object, "eventId") != NULL;
    if (has_id) {
        member_uuid(object, "eventId", faults, &event.event_id);
    }
    read_event(object, window, faults, &event);
    if (faults->count > faults_before) {
        return EVENT_FAULTY;
    }
    if (!has_id) {
        event.event_id = ids_new();
        event.id_is_new = true;
    }
    *ret = event;
    return EVENT_GOOD;
}

// The shortest decimal of the billionths; `% 10` shows the compiler that they fit the text.
static void metric_format(metric value, char text[static METRIC_TEXT_SIZE])
{
    int length =
        snprintf(text, METRIC_TEXT_SIZE, "%d.%09d", value / METRIC_ONE % 10, value % METRIC_ONE);
    while (text[length - 1] == '0') {
        length--;
    }
    text[text[length - 1] == '.' ? length - 1 : length] = '\0';
}

size_t emotion_to_line(const struct emotion_event *event, const char *trace_id,
                       char line[static EMOTION_LINE_MAX])
{
    char event_id[UUID_TEXT_SIZE], user_id[UUID_TEXT_SIZE], at[TIMESTAMP_TEXT_SIZE];
    char positivity[METRIC_TEXT_SIZE], intensity[METRIC_TEXT_SIZE], stress[METRIC_TEXT_SIZE];
    char type[QUOTED_SIZE(EMOTION_TYPE_MAX)], trace[QUOTED_SIZE(EVENT_TRACE_MAX)];
    uuid_format(&event->event_id, event_id);
    uuid_format(&event->user_id, user_id);
    timestamp_format(event->occurred_at, at);
    metric_format(event->positivity, positivity);
    metric_format(event->intensity, intensity);
    metric_format(event->stress_level, stress);
    json_quote(event->type, strnlen(event->type, EMOTION_TYPE_MAX), type, sizeof type);
    json_quote(trace_id, strnlen(trace_id, EVENT_TRACE_MAX), trace, sizeof trace);
    int length = snprintf(line, EMOTION_LINE_MAX,
                          "{\"eventId\":\"%s\",\"userId\":\"%s\",\"timestamp\":\"%s\","
                          "\"emotionEvent\":{\"type\":%s,\"metrics\":{\"positivity\":%s,"
                          "\"intensity\":%s,\"stress_level\":%s}},\"traceId\":%s}",
                          event_id, user_id, at, type, positivity, intensity, stress, trace);
    return (size_t)length;
}

bool emotion_from_line(const char *line, size_t length, struct emotion_event *ret,
                       const char **ret_reason)
{
    __attribute__((cleanup(json_release))) json_t *object = NULL;
    char error[JSON_ERROR_SIZE];
    struct faults faults = {0};
    struct emotion_event event = {0};
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
