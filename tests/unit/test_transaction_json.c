// SPDX-License-Identifier: Apache-2.0
// Tests of events/transaction_json.c: amounts that stay exact, faults, and lines.
#include "events/transaction_json.h"

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
#define AMOUNT "\"amount\":10.5"
#define TIME "\"occurredAt\":\"2026-01-31T23:59:59.5Z\""

static enum event_read read_request(const char *json, struct transaction_event *ret,
                                    struct faults *faults)
{
    char error[JSON_ERROR_SIZE] = "";
    size_t length = strlen(json);
    char *exact = memory_copy(json, length);
    exact[length] = '9'; /* no NUL behind it */
    enum event_read read = transaction_from_request(exact, length, &window, ret, faults, error);
    free(exact);
    assert_int_equal(read == EVENT_NOT_JSON, error[0] != '\0');
    return read;
}

static void expect_fault(const char *json, const char *field, const char *message)
{
    struct transaction_event event = {.amount = 42};
    struct faults faults = {0};
    assert_int_equal(read_request(json, &event, &faults), EVENT_FAULTY);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, field);
    assert_string_equal(faults.items[0].message, message);
    assert_int_equal(event.amount, 42);
}

static void test_a_good_request_becomes_an_event(void **state)
{
    (void)state;
    struct transaction_event event = {.event_id = {{7}}};
    struct faults faults = {0};
    char text[UUID_TEXT_SIZE];
    assert_int_equal(
        read_request("{" USER "," AMOUNT "," TIME ",\"shop\":[{\"amount\":1}]}", &event, &faults),
        EVENT_GOOD);
    assert_int_equal(event.event_id.bytes[0], 7);
    uuid_format(&event.user_id, text);
    assert_string_equal(text, "0191e7a4-5c3b-7def-8123-456789abcdef");
    assert_int_equal(event.amount, 1050);
    assert_int_equal(event.occurred_at, NOW - MICROSECONDS_A_SECOND / 2);
}

static void test_a_transaction_without_a_time_happened_now(void **state)
{
    (void)state;
    struct transaction_event event = {0};
    struct faults faults = {0};
    assert_int_equal(read_request("{" USER "," AMOUNT "}", &event, &faults), EVENT_GOOD);
    assert_int_equal(event.occurred_at, NOW);
}

static void test_an_amount_is_read_exactly_however_it_is_written(void **state)
{
    (void)state;
    const struct {
        const char *text;
        money_cents cents;
    } rows[] = {
        {"0.01", 1},         {"99999999.99", 9999999999},
        {"1e2", 10000},      {"1.5e1", 1500},
        {"100e-2", 100},     {"10.500", 1050},
        {"0.1e+1", 100},     {"7 ", 700},
        {"4.350000e0", 435}, {"1.1", 110},
        {"8.29", 829},       {"1E7", 1000000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[256];
        snprintf(json, sizeof json, "{" USER ",\"amount\":%s}", rows[i].text);
        struct transaction_event event = {0};
        struct faults faults = {0};
        assert_int_equal(read_request(json, &event, &faults), EVENT_GOOD);
        assert_int_equal(event.amount, rows[i].cents);
    }
}

static void test_bad_amounts_are_named(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"0", "must be greater than 0"},
        {"-1", "must be greater than 0"},
        {"-0", "must be greater than 0"},
        {"0.001", "must have at most 2 decimals"},
        {"10.000000000000000000000001", "must have at most 2 decimals"},
        {"1e8", "must be at most 99999999.99"},
        {"100000000.00", "must be at most 99999999.99"},
        {"\"10\"", "must be a number"},
        {"true", "must be a number"},
        {"null", "must be a number"},
        {"{\"amount\":1}", "must be a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[256];
        snprintf(json, sizeof json, "{" USER ",\"amount\":%s}", rows[i][0]);
        expect_fault(json, "amount", rows[i][1]);
    }
    expect_fault("{" USER "}", "amount", "is required");
}

static void test_user_and_time_are_checked(void **state)
{
    (void)state;
    expect_fault("{" AMOUNT "}", "userId", "is required");
    expect_fault("{\"userId\":null," AMOUNT "}", "userId", "must be a UUID");
    expect_fault("{" USER "," AMOUNT ",\"occurredAt\":null}", "occurredAt",
                 "must be an RFC 3339 timestamp with a zone");
    expect_fault("{" USER "," AMOUNT ",\"occurredAt\":\"2026-02-01T01:00:00Z\"}", "occurredAt",
                 "must not be in the future");
    expect_fault("{" USER "," AMOUNT ",\"occurredAt\":\"2020-02-01T01:00:00Z\"}", "occurredAt",
                 "must not be older than events are kept");
    expect_fault("7", "", "must be a JSON object");
}

static void test_every_fault_is_listed(void **state)
{
    (void)state;
    struct transaction_event event = {0};
    struct faults faults = {0};
    assert_int_equal(read_request("{\"userId\":1,\"amount\":-1,\"occurredAt\":1}", &event, &faults),
                     EVENT_FAULTY);
    assert_int_equal(faults.count, 3);
    assert_int_equal(read_request("{\"amount\":1e999}", &event, &faults), EVENT_NOT_JSON);
    assert_int_equal(read_request("", &event, &faults), EVENT_NOT_JSON);
}

static void test_a_line_is_read_back_as_it_was(void **state)
{
    (void)state;
    const struct transaction_event event = {{{1}}, {{2}}, TRANSACTION_AMOUNT_MAX, NOW + 1};
    struct transaction_event back = {0};
    const char *reason = NULL;
    char line[TRANSACTION_LINE_MAX];
    size_t length = transaction_to_line(&event, "t\"", line);
    assert_string_equal(line, "{\"eventId\":\"01000000-0000-0000-0000-000000000000\","
                              "\"userId\":\"02000000-0000-0000-0000-000000000000\","
                              "\"amount\":99999999.99,"
                              "\"occurredAt\":\"2026-02-01T00:00:00.000001Z\","
                              "\"traceId\":\"t\\\"\"}");
    assert_int_equal(length, strlen(line));
    assert_true(transaction_from_line(line, length, &back, &reason));
    assert_memory_equal(&back, &event, sizeof event);
}

static void test_a_bad_line_has_a_reason_for_each_field(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"{", "not JSON"},
        {"null", "must be a JSON object"},
        {"{" USER "," AMOUNT "," TIME "}", "eventId must be a UUID"},
        {"{" ID "," AMOUNT "," TIME "}", "userId must be a UUID"},
        {"{" ID "," USER "," TIME "}",
         "amount must be a number above 0 and at most 99999999.99 with at most 2 decimals"},
        {"{" ID "," USER "," AMOUNT "}", "occurredAt must be an RFC 3339 timestamp with a zone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transaction_event event = {.amount = 42};
        const char *reason = NULL;
        assert_false(transaction_from_line(rows[i][0], strlen(rows[i][0]), &event, &reason));
        assert_string_equal(reason, rows[i][1]);
        assert_int_equal(event.amount, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_request_becomes_an_event),
        cmocka_unit_test(test_a_transaction_without_a_time_happened_now),
        cmocka_unit_test(test_an_amount_is_read_exactly_however_it_is_written),
        cmocka_unit_test(test_bad_amounts_are_named),
        cmocka_unit_test(test_user_and_time_are_checked),
        cmocka_unit_test(test_every_fault_is_listed),
        cmocka_unit_test(test_a_line_is_read_back_as_it_was),
        cmocka_unit_test(test_a_bad_line_has_a_reason_for_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
