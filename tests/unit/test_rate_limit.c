// SPDX-License-Identifier: Apache-2.0
// Limits by key: what passes, what a new window forgets, and what a full table does.
#include "platform/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define NOW 1800000000 /* a multiple of 60 */

static struct rate_verdict count(struct rate_limit *limit, const char *key, int64_t at)
{
    return rate_limit_count(limit, key, strlen(key), 1, at);
}

static void as_many_as_the_limit_pass(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(3, 60, 64);
    for (int64_t i = 1; i <= 5; i++) {
        struct rate_verdict verdict = count(limit, "a", NOW);
        assert_int_equal(verdict.allowed, i <= 3);
        assert_int_equal(verdict.limit, 3);
        assert_int_equal(verdict.remaining, i < 3 ? 3 - i : 0);
    }
    rate_limit_free(&limit);
    assert_null(limit);
}

static void a_limit_of_zero_is_none(void **state)
{
    (void)state;
    assert_null(rate_limit_new(0, 60, 64));
}

static void keys_are_counted_apart(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 60, 64);
    assert_true(count(limit, "a", NOW).allowed);
    assert_true(count(limit, "b", NOW).allowed);
    assert_false(count(limit, "a", NOW).allowed);
    assert_true(count(limit, "", NOW).allowed);
    rate_limit_free(&limit);
}

static void a_new_window_begins_at_zero(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 60, 64);
    assert_int_equal(count(limit, "a", NOW).reset_seconds, 60);
    assert_int_equal(count(limit, "a", NOW + 59).reset_seconds, 1);
    assert_false(count(limit, "a", NOW + 59).allowed);
    assert_true(count(limit, "a", NOW + 60).allowed);
    assert_int_equal(rate_limit_window(limit, NOW + 60), rate_limit_window(limit, NOW) + 1);
    rate_limit_free(&limit);
}

static void what_was_counted_can_be_taken_back(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 60, 64);
    count(limit, "a", NOW);
    rate_limit_count(limit, "a", 1, -1, NOW);
    assert_true(count(limit, "a", NOW).allowed);
    rate_limit_count(limit, "a", 1, -9, NOW);
    assert_int_equal(rate_limit_count(limit, "a", 1, 0, NOW).remaining, 1);
    rate_limit_free(&limit);
}

// One set of 8: whoever counted most stays while newcomers push each other out.
static void a_full_table_forgets_the_oldest(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(5, 60, 8);
    for (int i = 0; i < 6; i++) {
        count(limit, "guesser", NOW);
    }
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_true(count(limit, key, NOW).allowed);
    }
    assert_false(count(limit, "guesser", NOW).allowed);
    for (int i = 0; i < 8; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        assert_true(count(limit, key, NOW + 60).allowed);
    }
    assert_true(count(limit, "guesser", NOW + 60).allowed);
    rate_limit_free(&limit);
}

// One set of 8, full of windows that are ahead of the clock now.
static void a_clock_that_was_set_back_does_not_forget(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 60, 8);
    for (int i = 0; i < 8; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        count(limit, key, NOW + 3600);
    }
    assert_true(count(limit, "a", NOW).allowed);
    assert_true(count(limit, "b", NOW).allowed);
    assert_false(count(limit, "a", NOW).allowed);
    assert_false(count(limit, "b", NOW).allowed);
    rate_limit_free(&limit);
}

static void a_count_from_elsewhere_is_judged_alike(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(10, 900, 8);
    assert_true(rate_limit_judge(limit, 10, NOW).allowed);
    assert_false(rate_limit_judge(limit, 11, NOW).allowed);
    assert_int_equal(rate_limit_judge(limit, 4, NOW).remaining, 6);
    assert_int_equal(rate_limit_seconds(limit), 900);
    rate_limit_free(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_limit_pass),
        cmocka_unit_test(a_limit_of_zero_is_none),
        cmocka_unit_test(keys_are_counted_apart),
        cmocka_unit_test(a_new_window_begins_at_zero),
        cmocka_unit_test(what_was_counted_can_be_taken_back),
        cmocka_unit_test(a_full_table_forgets_the_oldest),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_forget),
        cmocka_unit_test(a_count_from_elsewhere_is_judged_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
