// SPDX-License-Identifier: Apache-2.0
// Tests of events/emotion_json.c: every fault of a request, and lines there and back.
#include "events/emotion_json.h"

#include "platform/json.h"
#include "platform/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1769904000000000) /* 2026-02-01T00:00:00Z */

static const struct event_window window = {
    .now = NOW,
    .max_ahead = 300 * MICROSECONDS_A_SECOND,
    .max_age = 35 * MICROSECONDS_A_DAY,
};

#define USER "\"userId\":\"0191e7a4-5c3b-7def-8123-456789abcdef\""
#define ID "\"eventId\":\"0191e7a4-0000-7def-8123-456789abcdef\""
#define TIME "\"timestamp\":\"2026-01-31T23:59:59.5Z\""
#define METRICS "\"metrics\":{\"positivity\":0.85,\"intensity\":1,\"stress_level\":0}"
#define EMOTION "\"emotionEvent\":{\"type\":\"joy\"," METRICS "}"
#define GOOD "{" USER "," TIME "," EMOTION "}"
#define WITH_METRICS(metrics)                                                                      \
    "{" USER "," TIME ",\"emotionEvent\":{\"type\":\"joy\",\"metrics\":" metrics "}}"
#define WITH_TYPE(type) "{" USER "," TIME ",\"emotionEvent\":{\"type\":" type "," METRICS "}}"

static enum event_read read_request(const char *json, struct emotion_event *ret,
                                    struct faults *faults)
{
    char error[JSON_ERROR_SIZE] = "";
    size_t length = strlen(json);
    char *exact = memory_copy(json, length);
    exact[length] = '}'; /* no NUL behind it */
    enum event_read read = emotion_from_request(exact, length, &window, ret, faults, error);
    free(exact);
    assert_int_equal(read == EVENT_NOT_JSON, error[0] != '\0');
    return read;
}

static void expect_fault(const char *json, const char *field, const char *message)
{
    struct emotion_event event = {.occurred_at = 42};
    struct faults faults = {0};
    assert_int_equal(read_request(json, &event, &faults), EVENT_FAULTY);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, field);
    assert_string_equal(faults.items[0].message, message);
    assert_int_equal(event.occurred_at, 42);
}

static void test_a_good_request_becomes_an_event(void **state)
{
    (void)state;
    struct emotion_event event;
    struct faults faults = {0};
    char text[UUID_TEXT_SIZE];
    assert_int_equal(read_request("{" ID "," USER "," TIME "," EMOTION ",\"extra\":{\"a\":[]}}",
                                  &event, &faults),
                     EVENT_GOOD);
    assert_int_equal(faults.count, 0);
    uuid_format(&event.event_id, text);
    assert_string_equal(text, "0191e7a4-0000-7def-8123-456789abcdef");
    uuid_format(&event.user_id, text);
    assert_string_equal(text, "0191e7a4-5c3b-7def-8123-456789abcdef");
    assert_int_equal(event.occurred_at, NOW - MICROSECONDS_A_SECOND / 2);
    assert_string_equal(event.type, "joy");
    assert_int_equal(event.positivity, 850000000);
    assert_int_equal(event.intensity, METRIC_ONE);
    assert_int_equal(event.stress_level, 0);
}

static void test_an_event_without_id_gets_a_new_one(void **state)
{
    (void)state;
    struct emotion_event first, second;
    struct faults faults = {0};
    assert_int_equal(read_request(GOOD, &first, &faults), EVENT_GOOD);
    assert_int_equal(read_request(GOOD, &second, &faults), EVENT_GOOD);
    assert_int_equal(first.event_id.bytes[6] >> 4, 7);
    assert_false(uuid_equal(&first.event_id, &second.event_id));
}

static void test_every_missing_field_is_listed(void **state)
{
    (void)state;
    struct emotion_event event;
    struct faults faults = {0};
    assert_int_equal(read_request("{\"emotionEvent\":{\"metrics\":{}}}", &event, &faults),
                     EVENT_FAULTY);
    const char *fields[] = {"userId",
                            "timestamp",
                            "emotionEvent.type",
                            "emotionEvent.metrics.positivity",
                            "emotionEvent.metrics.intensity",
                            "emotionEvent.metrics.stress_level"};
    assert_int_equal(faults.count, 6);
    for (size_t i = 0; i < faults.count; i++) {
        assert_string_equal(faults.items[i].field, fields[i]);
        assert_string_equal(faults.items[i].message, "is required");
    }
    expect_fault("{" USER "," TIME "}", "emotionEvent", "is required");
    expect_fault("{" USER "," TIME ",\"emotionEvent\":{\"type\":\"joy\"}}", "emotionEvent.metrics",
                 "is required");
}

static void test_ids_must_be_uuids(void **state)
{
    (void)state;
    expect_fault("{\"userId\":\"me\"," TIME "," EMOTION "}", "userId", "must be a UUID");
    expect_fault("{\"userId\":7," TIME "," EMOTION "}", "userId", "must be a UUID");
    expect_fault("{\"userId\":null," TIME "," EMOTION "}", "userId", "must be a UUID");
    expect_fault("{\"eventId\":\"\"," USER "," TIME "," EMOTION "}", "eventId", "must be a UUID");
    expect_fault("{\"eventId\":null," USER "," TIME "," EMOTION "}", "eventId", "must be a UUID");
}

static void test_the_time_must_be_an_instant_near_now(void **state)
{
    (void)state;
    const char *no_instant = "must be an RFC 3339 timestamp with a zone";
    expect_fault("{" USER ",\"timestamp\":\"2026-01-31T23:59:59\"," EMOTION "}", "timestamp",
                 no_instant);
    expect_fault("{" USER ",\"timestamp\":1769904000," EMOTION "}", "timestamp", no_instant);
    expect_fault("{" USER ",\"timestamp\":null," EMOTION "}", "timestamp", no_instant);
    expect_fault("{" USER ",\"timestamp\":\"2026-02-01T01:00:00Z\"," EMOTION "}", "timestamp",
                 "must not be in the future");
    expect_fault("{" USER ",\"timestamp\":\"0001-01-01T00:00:00Z\"," EMOTION "}", "timestamp",
                 "must not be older than events are kept");
}

static void test_the_type_must_be_a_short_text(void **state)
{
    (void)state;
    const char *bounds = "must be 1 to 64 bytes without control characters";
    expect_fault(WITH_TYPE("7"), "emotionEvent.type", "must be a string");
    expect_fault(WITH_TYPE("null"), "emotionEvent.type", "must be a string");
    expect_fault(WITH_TYPE("\"\""), "emotionEvent.type", bounds);
    expect_fault(WITH_TYPE("\"a\\nb\""), "emotionEvent.type", bounds);
    expect_fault(WITH_TYPE("\"1234567890123456789012345678901234567890123456789012345678901234"
                           "5\""),
                 "emotionEvent.type", bounds);
}

static void test_objects_must_be_objects(void **state)
{
    (void)state;
    const char *message = "must be an object";
    expect_fault("{" USER "," TIME ",\"emotionEvent\":\"joy\"}", "emotionEvent", message);
    expect_fault("{" USER "," TIME ",\"emotionEvent\":null}", "emotionEvent", message);
    expect_fault(WITH_METRICS("[1,1,1]"), "emotionEvent.metrics", message);
    expect_fault(WITH_METRICS("null"), "emotionEvent.metrics", message);
    expect_fault("[]", "", "must be a JSON object");
    expect_fault("null", "", "must be a JSON object");
}

static void test_metrics_must_be_numbers_from_0_to_1(void **state)
{
    (void)state;
    const char *values[][2] = {
        {"\"0.5\"", "must be a number"},
        {"true", "must be a number"},
        {"null", "must be a number"},
        {"[]", "must be a number"},
        {"1.0000000001", "must be between 0 and 1"},
        {"-0.0000000001", "must be between 0 and 1"},
        {"2", "must be between 0 and 1"},
        {"9007199254740993", "must be between 0 and 1"},
    };
    const char *fields[] = {"positivity", "intensity", "stress_level"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t bad = 0; bad < 3; bad++) {
            char json[512], field[64];
            snprintf(field, sizeof field, "emotionEvent.metrics.%s", fields[bad]);
            snprintf(json, sizeof json,
                     WITH_METRICS("{\"positivity\":%s,\"intensity\":%s,\"stress_level\":%s}"),
                     bad == 0 ? values[i][0] : "0", bad == 1 ? values[i][0] : "0.5",
                     bad == 2 ? values[i][0] : "-0");
            expect_fault(json, field, values[i][1]);
        }
    }
}

static void test_what_is_not_json_says_why(void **state)
{
    (void)state;
    struct emotion_event event;
    struct faults faults = {0};
    assert_int_equal(read_request("", &event, &faults), EVENT_NOT_JSON);
    assert_int_equal(read_request("{" USER, &event, &faults), EVENT_NOT_JSON);
    assert_int_equal(read_request("{" USER "," USER "," TIME "," EMOTION "}", &event, &faults),
                     EVENT_NOT_JSON);
    assert_int_equal(
        read_request(WITH_METRICS("{\"positivity\":1e999,\"intensity\":0,\"stress_level\":0}"),
                     &event, &faults),
        EVENT_NOT_JSON);
    assert_int_equal(faults.count, 0);
}

static struct emotion_event sample(void)
{
    struct emotion_event event = {
        .event_id = {{1}},
        .user_id = {{2}},
        .occurred_at = NOW,
        .type = "joy",
        .positivity = 850000000,
        .intensity = 0,
        .stress_level = METRIC_ONE,
    };
    return event;
}

static void test_a_line_has_the_fields_of_the_stream_in_order(void **state)
{
    (void)state;
    struct emotion_event event = sample();
    char line[EMOTION_LINE_MAX];
    size_t length = emotion_to_line(&event, "4bf92f3577b34da6a3ce929d0e0e4736", line);
    assert_int_equal(length, strlen(line));
    assert_string_equal(line, "{\"eventId\":\"01000000-0000-0000-0000-000000000000\","
                              "\"userId\":\"02000000-0000-0000-0000-000000000000\","
                              "\"timestamp\":\"2026-02-01T00:00:00.000000Z\","
                              "\"emotionEvent\":{\"type\":\"joy\",\"metrics\":{\"positivity\":0.85,"
                              "\"intensity\":0,\"stress_level\":1}},"
                              "\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}");
}

static void expect_same_after_line(const struct emotion_event *event)
{
    char line[EMOTION_LINE_MAX];
    const char *reason = NULL;
    struct emotion_event back = {0};
    size_t length = emotion_to_line(event, "trace", line);
    assert_true(length < sizeof line);
    assert_true(emotion_from_line(line, length, &back, &reason));
    assert_true(uuid_equal(&back.event_id, &event->event_id));
    assert_true(uuid_equal(&back.user_id, &event->user_id));
    assert_int_equal(back.occurred_at, event->occurred_at);
    assert_string_equal(back.type, event->type);
    assert_int_equal(back.positivity, event->positivity);
    assert_int_equal(back.intensity, event->intensity);
    assert_int_equal(back.stress_level, event->stress_level);
}

static void test_every_metric_survives_its_line(void **state)
{
    (void)state;
    struct emotion_event event = sample();
    for (metric value = 0; value < METRIC_ONE - 12345678; value += 12345678) {
        event.positivity = value;
        event.intensity = METRIC_ONE - value;
        event.stress_level = value / 1000 * 1000;
        expect_same_after_line(&event);
    }
    event.positivity = 1;
    event.intensity = 999999999;
    event.stress_level = 100000000;
    expect_same_after_line(&event);
}

static void test_the_longest_line_fits_and_is_json(void **state)
{
    (void)state;
    struct emotion_event event = sample();
    event.positivity = event.intensity = event.stress_level = 123456789;
    memset(event.type, '"', EMOTION_TYPE_MAX);
    expect_same_after_line(&event);
    memset(event.type, '\\', EMOTION_TYPE_MAX);
    expect_same_after_line(&event);
    memset(event.type, '/', EMOTION_TYPE_MAX);
    expect_same_after_line(&event);
    for (size_t i = 0; i < EMOTION_TYPE_MAX; i += 4) {
        memcpy(event.type + i, "\xf0\x9f\x98\x80", 4);
    }
    expect_same_after_line(&event);
    char trace[200];
    memset(trace, '"', sizeof trace - 1);
    trace[sizeof trace - 1] = '\0';
    char line[EMOTION_LINE_MAX], error[JSON_ERROR_SIZE];
    memset(event.type, '"', EMOTION_TYPE_MAX);
    size_t length = emotion_to_line(&event, trace, line);
    assert_true(length < EMOTION_LINE_MAX);
    json_t *object = json_read_object(line, length, error);
    assert_int_equal(json_string_length(json_object_get(object, "traceId")), EVENT_TRACE_MAX);
    json_release(&object);
}

static void test_lines_of_other_writers_are_read_too(void **state)
{
    (void)state;
    const char line[] = " {\"v\":2,\"traceId\":null," ID "," USER
                        ",\"timestamp\":\"1999-12-31t23:59:60+01:00\",\"emotionEvent\":{\"type\":"
                        "\"\\u006aoy\",\"source\":\"watch\",\"metrics\":{\"positivity\":"
                        "0.85000000000000000001,\"intensity\":1e-1,\"stress_level\":1.0,\"x\":9}}}";
    struct emotion_event event;
    const char *reason = NULL;
    assert_true(emotion_from_line(line, strlen(line), &event, &reason));
    assert_string_equal(event.type, "joy");
    assert_int_equal(event.positivity, 850000000);
    assert_int_equal(event.intensity, 100000000);
    assert_int_equal(event.stress_level, METRIC_ONE);
}

static void test_a_bad_line_has_a_reason_for_each_field(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"[]", "must be a JSON object"},
        {GOOD, "eventId must be a UUID"},
        {"{" ID "," TIME "," EMOTION "}", "userId must be a UUID"},
        {"{" ID "," USER "," EMOTION "}", "timestamp must be an RFC 3339 timestamp with a zone"},
        {"{" ID "," USER "," TIME "}", "emotionEvent must be an object"},
        {"{" ID "," USER "," TIME ",\"emotionEvent\":{" METRICS "}}",
         "emotionEvent.type must be a string of 1 to 64 bytes without control characters"},
        {"{" ID "," USER "," TIME ",\"emotionEvent\":{\"type\":\"joy\"}}",
         "emotionEvent.metrics must be an object"},
        {"{" ID "," USER "," TIME ",\"emotionEvent\":{\"type\":\"joy\",\"metrics\":{}}}",
         "emotionEvent.metrics.positivity must be between 0 and 1"},
        {"{" ID "," USER "," TIME
         ",\"emotionEvent\":{\"type\":\"joy\",\"metrics\":{\"positivity\":0}}}",
         "emotionEvent.metrics.intensity must be between 0 and 1"},
        {"{" ID "," USER "," TIME
         ",\"emotionEvent\":{\"type\":\"joy\",\"metrics\":{\"positivity\":0,\"intensity\":0,"
         "\"stress_level\":7}}}",
         "emotionEvent.metrics.stress_level must be between 0 and 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emotion_event event = {.occurred_at = 42};
        const char *reason = NULL;
        assert_false(emotion_from_line(rows[i][0], strlen(rows[i][0]), &event, &reason));
        assert_string_equal(reason, rows[i][1]);
        assert_int_equal(event.occurred_at, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_request_becomes_an_event),
        cmocka_unit_test(test_an_event_without_id_gets_a_new_one),
        cmocka_unit_test(test_every_missing_field_is_listed),
        cmocka_unit_test(test_ids_must_be_uuids),
        cmocka_unit_test(test_the_time_must_be_an_instant_near_now),
        cmocka_unit_test(test_the_type_must_be_a_short_text),
        cmocka_unit_test(test_objects_must_be_objects),
        cmocka_unit_test(test_metrics_must_be_numbers_from_0_to_1),
        cmocka_unit_test(test_what_is_not_json_says_why),
        cmocka_unit_test(test_a_line_has_the_fields_of_the_stream_in_order),
        cmocka_unit_test(test_every_metric_survives_its_line),
        cmocka_unit_test(test_the_longest_line_fits_and_is_json),
        cmocka_unit_test(test_lines_of_other_writers_are_read_too),
        cmocka_unit_test(test_a_bad_line_has_a_reason_for_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
