// SPDX-License-Identifier: Apache-2.0
// Tests of domain/features.c: names, and a person of whom nothing emotional is known.
#include "domain/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_features_have_the_names_of_the_interface(void **state)
{
    (void)state;
    assert_string_equal(feature_name(FEATURE_TRANSACTION_COUNT_30D), "transaction_count_30d");
    assert_string_equal(feature_name(FEATURE_AVG_TRANSACTION_VALUE_30D),
                        "avg_transaction_value_30d");
    assert_string_equal(feature_name(FEATURE_AVG_POSITIVITY_7D), "avg_positivity_7d");
    assert_string_equal(feature_name(FEATURE_STRESS_EVENTS_30D), "stress_events_30d");
}

static void test_without_emotions_only_the_emotional_features_go_missing(void **state)
{
    (void)state;
    const struct features all = {{12, 80.5, 0.7, 3}};
    struct features without = features_without_emotions(&all);
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        assert_int_equal(isnan(without.value[feature]) != 0, feature_is_emotional(feature));
        assert_true(all.value[feature] > 0);
    }
    assert_true(without.value[FEATURE_TRANSACTION_COUNT_30D] == 12);
    assert_true(without.value[FEATURE_AVG_TRANSACTION_VALUE_30D] == 80.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_have_the_names_of_the_interface),
        cmocka_unit_test(test_without_emotions_only_the_emotional_features_go_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
