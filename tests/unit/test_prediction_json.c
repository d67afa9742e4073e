// SPDX-License-Identifier: Apache-2.0
// The bodies of POST /v1/predict: what is written reads back the same, and every answer that is not
// exactly as promised is refused.
#include "platform/model/prediction_json.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
    char error[JSON_ERROR_SIZE];
    json_t *value = json_read(text, strlen(text), error);
    assert_non_null(value);
    return value;
}

static void test_features_come_back_as_they_were(void **state)
{
    (void)state;
    struct features features = {.value = {12, 34.56, NAN, 0}};
    struct features found = {0};
    struct faults faults = {0};
    json_t *written = features_to_json(&features);
    size_t length = 0;
    char *text = json_text(written, &length);
    assert_string_equal(text, "{\"transaction_count_30d\":12,\"avg_transaction_value_30d\":34.56,"
                              "\"avg_positivity_7d\":null,\"stress_events_30d\":0}");
    json_t *body = parse(text);
    assert_true(features_from_json(body, &found, &faults));
    assert_true(found.value[0] == 12 && found.value[1] == 34.56 && found.value[3] == 0);
    assert_true(isnan(found.value[2]));
    json_decref(written);
    json_decref(body);
    free(text);
}

static size_t faults_of(const char *text)
{
    struct features features;
    struct faults faults = {0};
    json_t *body = parse(text);
    bool good = features_from_json(body, &features, &faults);
    assert_int_equal(good, faults.count == 0);
    json_decref(body);
    return faults.count;
}

#define FEATURES(count, value, positivity, stress)                                                 \
    "{\"transaction_count_30d\":" count ",\"avg_transaction_value_30d\":" value                    \
    ",\"avg_positivity_7d\":" positivity ",\"stress_events_30d\":" stress "}"

static void test_every_fault_of_the_features_is_found(void **state)
{
    (void)state;
    assert_int_equal(faults_of("{}"), 4);
    assert_int_equal(faults_of(FEATURES("-1", "-0.01", "1.01", "-3")), 4);
    assert_int_equal(faults_of(FEATURES("\"1\"", "[]", "true", "{}")), 4);
    assert_int_equal(faults_of(FEATURES("1e16", "1e300", "-0.1", "0")), 3);
    assert_int_equal(faults_of("{\"transaction_count_30d\":1}"), 3);
    assert_int_equal(faults_of(FEATURES("null", "null", "null", "null")), 0);
    assert_int_equal(faults_of(FEATURES("0", "0", "1", "1e15")), 0);
    assert_int_equal(faults_of(FEATURES("-0", "0.0", "0", "0,\"more\":[1]")), 0);
}

static void test_one_number_is_nan_where_it_is_null_missing_or_no_number(void **state)
{
    (void)state;
    json_t *numbers = parse("{\"transaction_count_30d\": 12, \"avg_transaction_value_30d\": null,"
                            " \"avg_positivity_7d\": \"high\"}");
    assert_true(feature_number(numbers, FEATURE_TRANSACTION_COUNT_30D) == 12);
    assert_true(isnan(feature_number(numbers, FEATURE_AVG_TRANSACTION_VALUE_30D)));
    assert_true(isnan(feature_number(numbers, FEATURE_AVG_POSITIVITY_7D)));
    assert_true(isnan(feature_number(numbers, FEATURE_STRESS_EVENTS_30D)));
    assert_true(isnan(feature_number(NULL, FEATURE_STRESS_EVENTS_30D)));
    json_decref(numbers);
}

static void test_a_prediction_comes_back_as_it_was(void **state)
{
    (void)state;
    struct features features = {.value = {1, 2, 0.5, NAN}};
    struct prediction prediction = {
        .score = 123457,
        .score_without_emotions = 999999,
        .contributions = {{-0.114156, 0.25, 0, 1.5}},
        .model_version = "risk-1",
    };
    struct prediction found;
    json_t *written = prediction_to_json(&prediction, &features);
    size_t length = 0;
    char *text = json_text(written, &length);
    json_t *answer = parse(text);
    assert_non_null(strstr(text, "\"risk_score\":0.123457,"));
    assert_non_null(strstr(text, "\"value\":null"));
    assert_true(prediction_from_json(answer, &found));
    assert_int_equal(found.score, prediction.score);
    assert_int_equal(found.score_without_emotions, prediction.score_without_emotions);
    assert_string_equal(found.model_version, "risk-1");
    assert_memory_equal(&found.contributions, &prediction.contributions,
                        sizeof found.contributions);
    json_decref(written);
    json_decref(answer);
    free(text);
}

#define ITEM(name, contribution)                                                                   \
    "{\"feature\":\"" name "\",\"value\":null,\"contribution\":" contribution "}"
#define THREE                                                                                      \
    ITEM("transaction_count_30d", "0.1")                                                           \
    "," ITEM("avg_transaction_value_30d", "-0.1") "," ITEM("avg_positivity_7d", "0")
#define ITEMS "[" THREE "," ITEM("stress_events_30d", "1e-3") "]"
#define ANSWER(score, version, items, without)                                                     \
    "{\"risk_score\":" score ",\"model_version\":" version ",\"contributions\":" items             \
    ",\"risk_score_without_emotions\":" without "}"

static bool is_taken(const char *text)
{
    struct prediction prediction = {.score = 42};
    json_t *answer = parse(text);
    bool taken = prediction_from_json(answer, &prediction);
    assert_true(taken || prediction.score == 42);
    json_decref(answer);
    return taken;
}

static void test_only_a_complete_and_sane_answer_is_taken(void **state)
{
    (void)state;
    assert_true(is_taken(ANSWER("0.5", "\"v\"", ITEMS, "0")));
    assert_true(is_taken(ANSWER("1", "\"v\"", ITEMS, "1.0")));
    static const char *const refused[] = {
        "{}",
        "[]",
        "null",
        ANSWER("1.0000001", "\"v\"", ITEMS, "0.5"),
        ANSWER("-0.1", "\"v\"", ITEMS, "0.5"),
        ANSWER("\"0.5\"", "\"v\"", ITEMS, "0.5"),
        ANSWER("null", "\"v\"", ITEMS, "0.5"),
        ANSWER("0.5", "\"v\"", ITEMS, "2"),
        ANSWER("0.5", "\"v\"", ITEMS, "null"),
        ANSWER("0.5", "\"\"", ITEMS, "0.5"),
        ANSWER("0.5", "\"a\\nb\"", ITEMS, "0.5"),
        ANSWER("0.5", "7", ITEMS, "0.5"),
        ANSWER("0.5", "\"v\"", "[]", "0.5"),
        ANSWER("0.5", "\"v\"", "{}", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE "]", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE "," ITEM("age", "1") "]", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE "," ITEM("avg_positivity_7d", "1") "]", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE "," ITEM("stress_events_30d", "null") "]", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE "," ITEM("stress_events_30d", "\"1\"") "]", "0.5"),
        ANSWER("0.5", "\"v\"", "[" THREE ",7]", "0.5"),
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(is_taken(refused[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_come_back_as_they_were),
        cmocka_unit_test(test_every_fault_of_the_features_is_found),
        cmocka_unit_test(test_one_number_is_nan_where_it_is_null_missing_or_no_number),
        cmocka_unit_test(test_a_prediction_comes_back_as_it_was),
        cmocka_unit_test(test_only_a_complete_and_sane_answer_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
