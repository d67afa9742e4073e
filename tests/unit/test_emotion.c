// SPDX-License-Identifier: Apache-2.0
// Tests of domain/emotion.c (and the list of faults): metrics, types and times.
#include "domain/emotion.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t type_faults(const char *type)
{
    struct faults faults = {0};
    emotion_check_type(type, strlen(type), &faults);
    return faults.count;
}

static void expect_metric(double value, metric expected)
{
    metric read = -1;
    assert_true(metric_from_double(value, &read));
    assert_int_equal(read, expected);
}

static void test_a_decimal_is_the_same_metric_as_its_double(void **state)
{
    static const char *const decimals[] = {"0",           "1",           "0.0",         "1.0",
                                           "0.3",         "0.85",        "0.1",         "0.29",
                                           "0.123456789", "0.999999999", "0.000000001", "1.00"};
    (void)state;
    for (size_t i = 0; i < sizeof decimals / sizeof decimals[0]; i++) {
        metric exact = -1;
        metric rounded = -2;
        assert_true(metric_from_decimal(decimals[i], strlen(decimals[i]), &exact));
        assert_true(metric_from_double(strtod(decimals[i], NULL), &rounded));
        assert_int_equal(exact, rounded);
    }
}

static void test_a_decimal_that_is_no_metric_is_refused(void **state)
{
    static const char *const others[] = {"",    "2",  "1.1", "1.000000001", "0.1234567891", "-0",
                                         "0.",  "1.", ".",   ".5",          "00",           "0.5e1",
                                         "0,5", "+0", "0x1", "1.0 "};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        metric value = -1;
        assert_false(metric_from_decimal(others[i], strlen(others[i]), &value));
        assert_int_equal(value, -1);
    }
}

static void test_metrics_become_whole_billionths(void **state)
{
    (void)state;
    expect_metric(0, 0);
    expect_metric(-0.0, 0);
    expect_metric(1, METRIC_ONE);
    expect_metric(0.85, 850000000);
    expect_metric(0.1, 100000000);
    expect_metric(0.3, 300000000);
    expect_metric(0.123456789, 123456789);
    expect_metric(0.1234567894, 123456789);
    expect_metric(0.1234567896, 123456790);
    expect_metric(0.9999999999, METRIC_ONE);
    expect_metric(4.9e-10, 0);
    expect_metric(5e-324, 0);
}

static void test_each_thousandth_becomes_exactly_itself(void **state)
{
    (void)state;
    for (int thousandth = 0; thousandth <= 1000; thousandth++) {
        expect_metric(thousandth / 1000.0, thousandth * 1000000);
    }
}

static void test_metrics_outside_zero_and_one_are_refused(void **state)
{
    (void)state;
    metric read = 42;
    assert_false(metric_from_double(1.0000000001, &read));
    assert_false(metric_from_double(-0.0000000001, &read));
    assert_false(metric_from_double(1e308, &read));
    assert_false(metric_from_double(NAN, &read));
    assert_false(metric_from_double(INFINITY, &read));
    assert_false(metric_from_double(-INFINITY, &read));
    assert_int_equal(read, 42);
}

static void test_a_type_is_1_to_64_bytes(void **state)
{
    (void)state;
    char longest[EMOTION_TYPE_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[EMOTION_TYPE_MAX + 1] = '\0';
    assert_int_equal(type_faults(""), 1);
    assert_int_equal(type_faults("joy"), 0);
    assert_int_equal(type_faults("saudade \xe2\x9d\xa4 \xc2\xa0"), 0);
    assert_int_equal(type_faults(longest), 1);
    assert_int_equal(type_faults(longest + 1), 0);
}

static void test_a_type_has_no_control_characters(void **state)
{
    (void)state;
    assert_int_equal(type_faults("joy\n"), 1);
    assert_int_equal(type_faults("\x1b[31m"), 1);
    assert_int_equal(type_faults("joy\x7f"), 1);
    assert_int_equal(type_faults("joy\xc2\x85"), 1);
    struct faults faults = {0};
    emotion_check_type("a\0b", 3, &faults);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, "emotionEvent.type");
    assert_string_equal(faults.items[0].message,
                        "must be 1 to 64 bytes without control characters");
}

static void test_an_event_is_neither_ahead_nor_too_old(void **state)
{
    (void)state;
    const struct event_window window = {.now = 1000, .max_ahead = 10, .max_age = 100};
    struct faults faults = {0};
    event_check_time(1010, &window, "timestamp", &faults);
    event_check_time(900, &window, "timestamp", &faults);
    assert_int_equal(faults.count, 0);
    event_check_time(1011, &window, "timestamp", &faults);
    event_check_time(899, &window, "occurredAt", &faults);
    assert_int_equal(faults.count, 2);
    assert_string_equal(faults.items[0].field, "timestamp");
    assert_string_equal(faults.items[0].message, "must not be in the future");
    assert_string_equal(faults.items[1].field, "occurredAt");
    assert_string_equal(faults.items[1].message, "must not be older than events are kept");
}

static void test_faults_beyond_the_list_are_dropped(void **state)
{
    (void)state;
    struct faults faults = {0};
    for (int i = 0; i < FAULTS_MAX + 3; i++) {
        faults_add(&faults, "field", "message");
    }
    assert_int_equal(faults.count, FAULTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_decimal_is_the_same_metric_as_its_double),
        cmocka_unit_test(test_a_decimal_that_is_no_metric_is_refused),
        cmocka_unit_test(test_metrics_become_whole_billionths),
        cmocka_unit_test(test_each_thousandth_becomes_exactly_itself),
        cmocka_unit_test(test_metrics_outside_zero_and_one_are_refused),
        cmocka_unit_test(test_a_type_is_1_to_64_bytes),
        cmocka_unit_test(test_a_type_has_no_control_characters),
        cmocka_unit_test(test_an_event_is_neither_ahead_nor_too_old),
        cmocka_unit_test(test_faults_beyond_the_list_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
