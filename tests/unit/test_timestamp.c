// SPDX-License-Identifier: Apache-2.0
// Tests of domain/timestamp.c: RFC 3339 to the letter, and the calendar.
#include "domain/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static bool parses(const char *text)
{
    timestamp at;
    return timestamp_parse(text, strlen(text), &at);
}

static timestamp parsed(const char *text)
{
    timestamp at = INT64_MIN;
    assert_true(timestamp_parse(text, strlen(text), &at));
    return at;
}

static void test_an_instant_is_read_to_the_microsecond(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("1970-01-01T00:00:00.000001Z"), 1);
    assert_int_equal(parsed("2026-01-31T23:59:59.123456Z"), INT64_C(1769903999123456));
    assert_int_equal(parsed("1969-12-31T23:59:59.5Z"), -500000);
    assert_int_equal(parsed("2000-02-29t12:00:00z"), INT64_C(951825600000000));
}

static void test_a_fraction_has_any_number_of_digits_and_is_cut(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00.1Z"), 100000);
    assert_int_equal(parsed("1970-01-01T00:00:00.12345678Z"), 123456);
    assert_int_equal(parsed("1970-01-01T00:00:00.9999999999999999999999999999999Z"), 999999);
    assert_false(parses("1970-01-01T00:00:00.Z"));
    assert_false(parses("1970-01-01T00:00:00,5Z"));
}

static void test_offsets_are_taken_off(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T01:30:00+01:30"), 0);
    assert_int_equal(parsed("1969-12-31T16:00:00-08:00"), 0);
    assert_int_equal(parsed("1970-01-01T23:59:00+23:59"), 0);
    assert_int_equal(parsed("1970-01-01T00:00:00-00:00"), 0);
    assert_false(parses("1970-01-01T00:00:00+24:00"));
    assert_false(parses("1970-01-01T00:00:00+01:60"));
    assert_false(parses("1970-01-01T00:00:00+0100"));
    assert_false(parses("1970-01-01T00:00:00+01"));
    assert_false(parses("1970-01-01T00:00:00+1:00"));
}

static void test_a_zone_is_required_and_nothing_may_follow_it(void **state)
{
    (void)state;
    assert_false(parses("1970-01-01T00:00:00"));
    assert_false(parses("1970-01-01T00:00:00.5"));
    assert_false(parses("1970-01-01T00:00:00ZZ"));
    assert_false(parses("1970-01-01T00:00:00Z "));
    assert_false(parses("1970-01-01T00:00:00+00:00Z"));
}

static void test_dates_that_the_calendar_lacks_are_refused(void **state)
{
    (void)state;
    assert_false(parses("2026-02-29T00:00:00Z"));
    assert_false(parses("2026-02-30T00:00:00Z"));
    assert_false(parses("1900-02-29T00:00:00Z"));
    assert_false(parses("2026-04-31T00:00:00Z"));
    assert_false(parses("2026-13-01T00:00:00Z"));
    assert_false(parses("2026-00-01T00:00:00Z"));
    assert_false(parses("2026-01-00T00:00:00Z"));
    assert_false(parses("2026-01-32T00:00:00Z"));
    assert_true(parses("2024-02-29T00:00:00Z"));
    assert_true(parses("2000-02-29T00:00:00Z"));
}

// Of the last day that was asked for is remembered what it is.
static void test_no_day_is_taken_for_another(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1970-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z",
        "9999-12-31T23:59:59.999999Z", "2000-02-29T12:00:00.000001Z", "2000-03-01T12:00:00.000001Z",
    };
    static const timestamp instants[] = {
        0, -1, -62135596800000000, 253402300799999999, 951825600000001, 951912000000001};
    const size_t count = sizeof instants / sizeof instants[0];
    for (size_t pair = 0; pair < count * count; pair++) {
        const size_t days[] = {pair / count, pair % count, pair / count};
        for (size_t i = 0; i < 3; i++) {
            char text[TIMESTAMP_TEXT_SIZE];
            timestamp_format(instants[days[i]], text);
            assert_string_equal(text, texts[days[i]]);
            assert_int_equal(parsed(texts[days[2 - i]]), instants[days[2 - i]]);
        }
    }
    assert_false(timestamp_parse("2000-02-30T00:00:00Z", 20, &(timestamp){0}));
    assert_false(timestamp_parse("2000-02-30T00:00:00Z", 20, &(timestamp){0}));
    assert_false(timestamp_parse("\0\0\0\0\0\0\0\0\0\0T00:00:00Z", 20, &(timestamp){0}));
}

static void test_times_that_the_day_lacks_are_refused(void **state)
{
    (void)state;
    assert_false(parses("2026-01-01T24:00:00Z"));
    assert_false(parses("2026-01-01T00:60:00Z"));
    assert_false(parses("2026-01-01T00:00:61Z"));
}

static void test_a_leap_second_is_the_first_of_the_next_minute(void **state)
{
    (void)state;
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    assert_int_equal(parsed("2016-12-31T15:59:60.5-08:00"), parsed("2017-01-01T00:00:00.5Z"));
}

static void test_years_reach_from_1_to_9999_in_utc(void **state)
{
    (void)state;
    assert_true(parses("0001-01-01T00:00:00Z"));
    assert_true(parses("9999-12-31T23:59:59.999999Z"));
    assert_false(parses("0000-12-31T23:59:59Z"));
    assert_false(parses("0001-01-01T00:00:00+00:01"));
    assert_false(parses("9999-12-31T23:59:59-00:01"));
    assert_false(parses("9999-12-31T23:59:60Z"));
    assert_false(parses("10000-01-01T00:00:00Z"));
}

static void test_only_the_exact_shape_is_read(void **state)
{
    (void)state;
    assert_false(parses(""));
    assert_false(parses("now"));
    assert_false(parses("1769903999"));
    assert_false(parses("2026-01-31 23:59:59Z"));
    assert_false(parses("2026-01-31"));
    assert_false(parses("2026-1-31T23:59:59Z"));
    assert_false(parses("26-01-31T23:59:59Z"));
    assert_false(parses("+026-01-31T23:59:59Z"));
    assert_false(parses(" 026-01-31T23:59:59Z"));
    assert_false(parses("2026/01/31T23:59:59Z"));
    assert_false(parses("2026-01-31T23.59.59Z"));
    assert_false(parses("2026-01-31T23:59Z"));
    assert_false(parses("2026-01-31T23:59:5\xd9\xa1Z"));
}

static void test_every_shortened_text_is_refused_without_reading_past_it(void **state)
{
    (void)state;
    const char text[] = "2026-01-31T23:59:59.123456+01:00";
    timestamp at = 42;
    for (size_t length = 0; length < strlen(text); length++) {
        char *exact = malloc(length + 1);
        memcpy(exact, text, length);
        exact[length] = '0'; /* would complete nothing, but must not be looked at */
        assert_false(timestamp_parse(exact, length, &at));
        free(exact);
    }
    assert_int_equal(at, 42);
}

static void test_what_is_written_is_read_back(void **state)
{
    (void)state;
    const char *texts[] = {
        "0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z",
        "2024-02-29T12:34:56.000789Z", "9999-12-31T23:59:59.999999Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[TIMESTAMP_TEXT_SIZE];
        timestamp_format(parsed(texts[i]), text);
        assert_string_equal(text, texts[i]);
    }
}

static void test_instants_beyond_the_years_are_written_as_the_nearest(void **state)
{
    (void)state;
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000000Z");
    timestamp_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void test_the_local_time_zone_changes_nothing(void **state)
{
    (void)state;
    setenv("TZ", "America/Sao_Paulo", 1);
    tzset();
    char text[TIMESTAMP_TEXT_SIZE];
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    timestamp_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
}

static void test_days_are_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(timestamp_day(0), 0);
    assert_int_equal(timestamp_day(MICROSECONDS_A_DAY - 1), 0);
    assert_int_equal(timestamp_day(MICROSECONDS_A_DAY), 1);
    assert_int_equal(timestamp_day(-1), -1);
    assert_int_equal(timestamp_day(-MICROSECONDS_A_DAY), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instant_is_read_to_the_microsecond),
        cmocka_unit_test(test_a_fraction_has_any_number_of_digits_and_is_cut),
        cmocka_unit_test(test_offsets_are_taken_off),
        cmocka_unit_test(test_a_zone_is_required_and_nothing_may_follow_it),
        cmocka_unit_test(test_dates_that_the_calendar_lacks_are_refused),
        cmocka_unit_test(test_no_day_is_taken_for_another),
        cmocka_unit_test(test_times_that_the_day_lacks_are_refused),
        cmocka_unit_test(test_a_leap_second_is_the_first_of_the_next_minute),
        cmocka_unit_test(test_years_reach_from_1_to_9999_in_utc),
        cmocka_unit_test(test_only_the_exact_shape_is_read),
        cmocka_unit_test(test_every_shortened_text_is_refused_without_reading_past_it),
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_instants_beyond_the_years_are_written_as_the_nearest),
        cmocka_unit_test(test_the_local_time_zone_changes_nothing),
        cmocka_unit_test(test_days_are_rounded_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
