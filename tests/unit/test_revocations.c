// SPDX-License-Identifier: Apache-2.0
// Who is revoked is held for as long as a token can last, and nobody else is.
#include "platform/auth/revocations.h"
#include "platform/auth/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (INT64_C(1800000000) * MICROSECONDS_A_SECOND)
#define LONGEST (TOKEN_LASTS_MAX * MICROSECONDS_A_SECOND)
#define MANY 1000

static const struct uuid ada = {{1}};
static const struct uuid bob = {{2}};

static struct uuid person_number(int number)
{
    return (struct uuid){{(uint8_t)(number * 7 % 256), (uint8_t)(number / 256), (uint8_t)number}};
}

static void test_nobody_is_held_at_first(void **state)
{
    (void)state;
    struct revocations *revocations = revocations_new();
    assert_false(revocations_hold(revocations, &ada, NOW));
    revocations_free(&revocations);
    assert_null(revocations);
    revocations_free(&revocations);
}

static void test_who_is_added_is_held_as_long_as_a_token_lasts(void **state)
{
    (void)state;
    struct revocations *revocations = revocations_new();
    revocations_add(revocations, &ada, 1, NOW);
    assert_true(revocations_hold(revocations, &ada, NOW));
    assert_true(revocations_hold(revocations, &ada, NOW + LONGEST - 1));
    assert_false(revocations_hold(revocations, &ada, NOW + LONGEST));
    assert_false(revocations_hold(revocations, &bob, NOW));
    revocations_free(&revocations);
}

static void test_who_is_added_again_is_held_longer(void **state)
{
    (void)state;
    struct revocations *revocations = revocations_new();
    revocations_add(revocations, &ada, 1, NOW);
    revocations_add(revocations, &ada, 1, NOW + LONGEST / 2);
    assert_true(revocations_hold(revocations, &ada, NOW + LONGEST));
    assert_false(revocations_hold(revocations, &ada, NOW + LONGEST / 2 + LONGEST));
    revocations_free(&revocations);
}

static void test_an_end_does_not_touch_the_others(void **state)
{
    (void)state;
    struct revocations *revocations = revocations_new();
    revocations_add(revocations, &ada, 1, NOW);
    revocations_add(revocations, &bob, 1, NOW + LONGEST);
    assert_false(revocations_hold(revocations, &ada, NOW + LONGEST));
    assert_true(revocations_hold(revocations, &bob, NOW + LONGEST));
    revocations_free(&revocations);
}

static void test_many_are_found_whatever_their_order(void **state)
{
    (void)state;
    struct revocations *revocations = revocations_new();
    for (int i = 0; i < MANY; i += 2) {
        const struct uuid people[] = {person_number(MANY - i), person_number(i)};
        revocations_add(revocations, people, 2, NOW);
    }
    for (int i = 0; i < MANY; i++) {
        const struct uuid person = person_number(i);
        assert_int_equal(revocations_hold(revocations, &person, NOW), i % 2 == 0);
    }
    revocations_free(&revocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_held_at_first),
        cmocka_unit_test(test_who_is_added_is_held_as_long_as_a_token_lasts),
        cmocka_unit_test(test_who_is_added_again_is_held_longer),
        cmocka_unit_test(test_an_end_does_not_touch_the_others),
        cmocka_unit_test(test_many_are_found_whatever_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
