// SPDX-License-Identifier: Apache-2.0
// Tests of domain/decision.c: which reasons a denial names, in what order and words.
#include "domain/decision.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_strongest_reason_comes_first(void **state)
{
    (void)state;
    const struct contributions contributions = {{0.2, 0.1, 0.9, 0.4}};
    struct reasons reasons = decision_reasons(&contributions);
    assert_int_equal(reasons.count, 4);
    assert_int_equal(reasons.items[0], FEATURE_AVG_POSITIVITY_7D);
    assert_int_equal(reasons.items[1], FEATURE_STRESS_EVENTS_30D);
    assert_int_equal(reasons.items[2], FEATURE_TRANSACTION_COUNT_30D);
    assert_int_equal(reasons.items[3], FEATURE_AVG_TRANSACTION_VALUE_30D);
}

static void test_equal_reasons_keep_the_order_of_the_features(void **state)
{
    (void)state;
    const struct contributions contributions = {{0.3, 0.3, 0.3, 0.3}};
    struct reasons reasons = decision_reasons(&contributions);
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        assert_int_equal(reasons.items[feature], feature);
    }
}

static void test_what_did_not_raise_the_risk_is_no_reason(void **state)
{
    (void)state;
    const struct contributions contributions = {{0, -0.5, NAN, 0.1}};
    struct reasons reasons = decision_reasons(&contributions);
    assert_int_equal(reasons.count, 1);
    assert_int_equal(reasons.items[0], FEATURE_STRESS_EVENTS_30D);
}

static void test_every_reason_has_a_code_of_its_own(void **state)
{
    (void)state;
    for (enum feature a = 0; a < FEATURE_COUNT; a++) {
        assert_string_not_equal(reason_code(a, true), reason_code(a, false));
        for (enum feature b = a + 1; b < FEATURE_COUNT; b++) {
            assert_string_not_equal(reason_code(a, true), reason_code(b, true));
            assert_string_not_equal(reason_code(a, false), reason_code(b, false));
        }
    }
    assert_string_equal(reason_code(FEATURE_STRESS_EVENTS_30D, false), "HIGH_STRESS_EVENTS_30D");
    assert_string_equal(reason_code(FEATURE_TRANSACTION_COUNT_30D, true), "NO_TRANSACTION_HISTORY");
}

static void test_words_say_which_way_a_feature_moved_the_risk(void **state)
{
    (void)state;
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        for (int missing = 0; missing <= 1; missing++) {
            const char *raised = reason_words(feature, missing == 1, true);
            const char *lowered = reason_words(feature, missing == 1, false);
            assert_non_null(strstr(raised, " raised the risk."));
            assert_non_null(strstr(lowered, " lowered the risk."));
        }
    }
    assert_string_equal(reason_words(FEATURE_TRANSACTION_COUNT_30D, false, true),
                        "Few transactions in the last 30 days raised the risk.");
}

static void test_words_say_when_a_feature_did_nothing_or_nobody_knows(void **state)
{
    (void)state;
    const enum feature feature = FEATURE_STRESS_EVENTS_30D;
    assert_string_equal(effect_words(feature, false, 0.3), reason_words(feature, false, true));
    assert_string_equal(effect_words(feature, true, -0.3), reason_words(feature, true, false));
    assert_string_equal(effect_words(feature, false, 0), "This had no effect on the risk.");
    assert_string_equal(effect_words(feature, false, NAN),
                        "What this did to the risk was not recorded.");
}

static void test_a_denial_tells_its_reasons_in_plain_words(void **state)
{
    (void)state;
    const struct reasons reasons = {2, {FEATURE_STRESS_EVENTS_30D, FEATURE_AVG_POSITIVITY_7D}};
    const struct features features = {{10, 50, NAN, 9}};
    char text[REASON_TEXT_SIZE];
    decision_reason_text(&reasons, &features, text);
    assert_string_equal(text,
                        "We cannot offer credit right now. "
                        "Frequent moments of high stress in the last 30 days raised the risk. "
                        "Having no emotional history from the last 7 days raised the risk.");
}

static void test_a_denial_without_reasons_speaks_of_the_overall_risk(void **state)
{
    (void)state;
    const struct reasons none = {0};
    const struct features features = {{1, 1, 1, 1}};
    char text[REASON_TEXT_SIZE];
    decision_reason_text(&none, &features, text);
    assert_string_equal(text, "We cannot offer credit right now. "
                              "The overall risk is above what the credit policy allows.");
}

static void test_the_longest_denial_fits(void **state)
{
    (void)state;
    const struct reasons all = {4, {0, 1, 2, 3}};
    for (int missing = 0; missing < 16; missing++) {
        struct features features;
        for (int feature = 0; feature < FEATURE_COUNT; feature++) {
            features.value[feature] = (missing >> feature & 1) ? NAN : 1;
        }
        char text[REASON_TEXT_SIZE];
        decision_reason_text(&all, &features, text);
        assert_string_equal(text + strlen(text) - strlen("raised the risk."), "raised the risk.");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_strongest_reason_comes_first),
        cmocka_unit_test(test_equal_reasons_keep_the_order_of_the_features),
        cmocka_unit_test(test_what_did_not_raise_the_risk_is_no_reason),
        cmocka_unit_test(test_every_reason_has_a_code_of_its_own),
        cmocka_unit_test(test_words_say_which_way_a_feature_moved_the_risk),
        cmocka_unit_test(test_words_say_when_a_feature_did_nothing_or_nobody_knows),
        cmocka_unit_test(test_a_denial_tells_its_reasons_in_plain_words),
        cmocka_unit_test(test_a_denial_without_reasons_speaks_of_the_overall_risk),
        cmocka_unit_test(test_the_longest_denial_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
