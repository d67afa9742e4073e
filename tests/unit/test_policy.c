// SPDX-License-Identifier: Apache-2.0
// Tests of domain/policy.c: the shipped policy's terms at every bound, and bad policies.
#include "domain/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct policy shipped = {
    .version = "2026-11-1",
    .deny_above = 600000,
    .base_limit = 1000000,
    .minimum_limit = 100000,
    .base_rate = 500,
    .rate_per_risk = 1500,
    .long_term_up_to = 300000,
    .offer_days = 7,
};

static void test_no_risk_gives_the_whole_limit_at_the_base_rate(void **state)
{
    (void)state;
    struct terms terms = policy_terms(&shipped, 0);
    assert_true(terms.approved);
    assert_int_equal(terms.limit, 1000000);
    assert_int_equal(terms.rate, 500);
    assert_int_equal(terms.type, LONG_TERM_PERSONAL_LOAN);
}

static void test_a_score_above_the_bound_is_denied(void **state)
{
    (void)state;
    struct terms at_bound = policy_terms(&shipped, 600000);
    assert_true(at_bound.approved);
    assert_int_equal(at_bound.limit, 400000);
    assert_int_equal(at_bound.rate, 1400);
    struct terms above = policy_terms(&shipped, 600001);
    assert_false(above.approved);
    assert_int_equal(above.limit, 0);
    assert_false(policy_terms(&shipped, RISK_SCORE_ONE).approved);
}

static void test_the_loan_is_long_up_to_its_bound(void **state)
{
    (void)state;
    assert_int_equal(policy_terms(&shipped, 300000).type, LONG_TERM_PERSONAL_LOAN);
    assert_int_equal(policy_terms(&shipped, 300001).type, SHORT_TERM_PERSONAL_LOAN);
    assert_string_equal(credit_type_name(LONG_TERM_PERSONAL_LOAN), "LONG_TERM_PERSONAL_LOAN");
    assert_string_equal(credit_type_name(SHORT_TERM_PERSONAL_LOAN), "SHORT_TERM_PERSONAL_LOAN");
}

static void test_amounts_and_rates_round_half_up(void **state)
{
    (void)state;
    assert_int_equal(policy_terms(&shipped, 123456).limit, 876544);
    assert_int_equal(policy_terms(&shipped, 123456).rate, 685); /* 500 + 185.184 */
    assert_int_equal(policy_terms(&shipped, 333).rate, 500);    /* 500 + 0.4995 */
    assert_int_equal(policy_terms(&shipped, 1000).rate, 502);   /* 500 + 1.5 */
    struct policy odd = shipped;
    odd.base_limit = 500001;
    odd.minimum_limit = 1;
    assert_int_equal(policy_terms(&odd, 500000).limit, 250001); /* 250000.5 */
}

static void test_a_limit_is_never_below_the_minimum(void **state)
{
    (void)state;
    struct policy generous = shipped;
    generous.deny_above = RISK_SCORE_ONE;
    assert_int_equal(policy_terms(&generous, 950000).limit, 100000);
    assert_int_equal(policy_terms(&generous, RISK_SCORE_ONE).limit, 100000);
}

static void test_the_largest_allowed_policy_does_not_overflow(void **state)
{
    (void)state;
    struct policy largest = shipped;
    largest.base_limit = INT64_C(100000000000);
    struct faults faults = {0};
    policy_check(&largest, &faults);
    assert_int_equal(faults.count, 0);
    assert_int_equal(policy_terms(&largest, 0).limit, INT64_C(100000000000));
}

static void test_scores_are_rounded_to_the_nearest_millionth(void **state)
{
    (void)state;
    risk_score score = -1;
    assert_true(risk_score_from_double(0.6, &score));
    assert_int_equal(score, 600000);
    assert_true(risk_score_from_double(0.1234564, &score));
    assert_int_equal(score, 123456);
    assert_true(risk_score_from_double(0.1234566, &score));
    assert_int_equal(score, 123457);
    assert_true(risk_score_from_double(1, &score));
    assert_int_equal(score, RISK_SCORE_ONE);
}

static void test_scores_that_are_none_are_refused(void **state)
{
    (void)state;
    risk_score score = 42;
    assert_false(risk_score_from_double(NAN, &score));
    assert_false(risk_score_from_double(INFINITY, &score));
    assert_false(risk_score_from_double(-0.000001, &score));
    assert_false(risk_score_from_double(1.000001, &score));
    assert_int_equal(score, 42);
}

static void test_the_shipped_policy_makes_sense(void **state)
{
    (void)state;
    struct faults faults = {0};
    policy_check(&shipped, &faults);
    assert_int_equal(faults.count, 0);
}

static void expect_one_fault(const struct policy *policy, const char *field)
{
    struct faults faults = {0};
    policy_check(policy, &faults);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, field);
}

static void test_each_bad_field_is_named(void **state)
{
    (void)state;
    struct policy bad = shipped;
    bad.version[0] = '\0';
    expect_one_fault(&bad, "version");
    memset(bad.version, 'v', sizeof bad.version); /* not even terminated */
    expect_one_fault(&bad, "version");
    bad = shipped;
    bad.deny_above = RISK_SCORE_ONE + 1;
    expect_one_fault(&bad, "deny_above");
    bad = shipped;
    bad.base_limit = INT64_C(100000000001);
    expect_one_fault(&bad, "base_limit");
    bad = shipped;
    bad.minimum_limit = bad.base_limit + 1;
    expect_one_fault(&bad, "minimum_limit");
    bad = shipped;
    bad.minimum_limit = 0;
    expect_one_fault(&bad, "minimum_limit");
    bad = shipped;
    bad.base_rate = -1;
    expect_one_fault(&bad, "base_rate");
    bad = shipped;
    bad.rate_per_risk = -1;
    expect_one_fault(&bad, "rate_per_risk");
    bad.rate_per_risk = INT32_MAX;
    expect_one_fault(&bad, "rate_per_risk");
    bad = shipped;
    bad.long_term_up_to = bad.deny_above + 1;
    expect_one_fault(&bad, "long_term_up_to");
    bad = shipped;
    bad.offer_days = 0;
    expect_one_fault(&bad, "offer_days");
}

static void test_every_fault_is_listed(void **state)
{
    (void)state;
    const struct policy empty = {.deny_above = -1, .base_rate = -1, .rate_per_risk = -1};
    struct faults faults = {0};
    policy_check(&empty, &faults);
    assert_int_equal(faults.count, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_risk_gives_the_whole_limit_at_the_base_rate),
        cmocka_unit_test(test_a_score_above_the_bound_is_denied),
        cmocka_unit_test(test_the_loan_is_long_up_to_its_bound),
        cmocka_unit_test(test_amounts_and_rates_round_half_up),
        cmocka_unit_test(test_a_limit_is_never_below_the_minimum),
        cmocka_unit_test(test_the_largest_allowed_policy_does_not_overflow),
        cmocka_unit_test(test_scores_are_rounded_to_the_nearest_millionth),
        cmocka_unit_test(test_scores_that_are_none_are_refused),
        cmocka_unit_test(test_the_shipped_policy_makes_sense),
        cmocka_unit_test(test_each_bad_field_is_named),
        cmocka_unit_test(test_every_fault_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
