// SPDX-License-Identifier: Apache-2.0
// The shipped risk model: plausible scores, contributions that add up, monotone, safe from threads,
// and every broken model file refused while the old one serves.
#include "platform/model/risk_model.h"

#include "platform/json.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED "models/risk.json"
#define DENY_ABOVE 600000
#define LONG_TERM_UP_TO 300000
#define TEXT_MAX (4u << 20)

struct place {
    struct risk_model *model; /* loaded from path */
    char folder[32];
    char path[64];
    char other[64];
    char *shipped;
    size_t length;
};

static void put(const struct place *place, const char *text, size_t length)
{
    FILE *file = fopen(place->other, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
    assert_int_equal(rename(place->other, place->path), 0);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    char error[MODEL_ERROR_SIZE] = "";
    assert_non_null(place);
    snprintf(place->folder, sizeof place->folder, "/tmp/test_model_XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/risk.json", place->folder);
    snprintf(place->other, sizeof place->other, "%s/new.json", place->folder);
    place->shipped = malloc(TEXT_MAX);
    FILE *file = fopen(SHIPPED, "r");
    assert_non_null(place->shipped);
    assert_non_null(file);
    place->length = fread(place->shipped, 1, TEXT_MAX - 1, file);
    place->shipped[place->length] = '\0';
    fclose(file);
    put(place, place->shipped, place->length);
    place->model = risk_model_load(place->path, error);
    assert_string_equal(error, "");
    assert_non_null(place->model);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    risk_model_free(&place->model);
    assert_null(place->model);
    unlink(place->path);
    rmdir(place->folder);
    free(place->shipped);
    free(place);
    return 0;
}

static struct prediction predict(struct risk_model *model, double count, double value,
                                 double positivity, double stress)
{
    struct features features = {.value = {count, value, positivity, stress}};
    struct prediction prediction;
    assert_true(risk_model_predict(model, &features, &prediction));
    return prediction;
}

static void test_plausible_people_get_each_outcome(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    assert_true(predict(model, 45, 120, 0.75, 1).score <= LONG_TERM_UP_TO);
    assert_true(predict(model, 20, 55, 0.57, 3).score <= LONG_TERM_UP_TO);
    risk_score stressed = predict(model, 20, 55, 0.25, 25).score;
    assert_true(stressed > LONG_TERM_UP_TO && stressed <= DENY_ABOVE);
    assert_true(predict(model, 4, 30, 0.25, 20).score > DENY_ABOVE);
    assert_true(predict(model, 0, NAN, 0.15, 30).score > DENY_ABOVE);
}

static void test_a_new_person_is_neither_denied_nor_the_best(void **state)
{
    struct prediction new = predict(((struct place *)*state)->model, 0, NAN, NAN, NAN);
    assert_true(new.score > LONG_TERM_UP_TO &&new.score <= DENY_ABOVE);
    assert_int_equal(new.score, new.score_without_emotions);
}

static void test_the_version_is_told(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    char version[MODEL_VERSION_MAX + 1];
    risk_model_version(model, version);
    assert_ptr_equal(strstr(version, "risk-"), version);
    assert_string_equal(predict(model, 1, 1, 1, 1).model_version, version);
}

static void test_the_score_without_emotions_is_that_of_missing_ones(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    struct prediction known = predict(model, 20, 55, 0.25, 25);
    struct prediction unknown = predict(model, 20, 55, NAN, NAN);
    assert_int_equal(known.score_without_emotions, unknown.score);
    assert_true(known.score > unknown.score);
}

static double log_odds(risk_score score)
{
    double share = (double)score / RISK_SCORE_ONE;
    return log(share / (1 - share));
}

static double sum_of(const struct contributions *contributions)
{
    double sum = 0;
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        sum += contributions->value[feature];
    }
    return sum;
}

// The same bias for everybody: what the contributions leave unexplained must not differ.
static void test_contributions_explain_the_difference_between_two_people(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    struct prediction one = predict(model, 45, 120, 0.75, 1);
    struct prediction two = predict(model, 4, 30, 0.25, 20);
    double by_score = log_odds(two.score) - log_odds(one.score);
    double by_contributions = sum_of(&two.contributions) - sum_of(&one.contributions);
    assert_true(fabs(by_score - by_contributions) < 1e-3);
    assert_true(one.contributions.value[FEATURE_TRANSACTION_COUNT_30D] < 0);
    assert_true(two.contributions.value[FEATURE_TRANSACTION_COUNT_30D] > 0);
    assert_true(two.contributions.value[FEATURE_STRESS_EVENTS_30D] > 0);
}

static void assert_never_against(struct risk_model *model, enum feature feature, double most,
                                 int sign)
{
    static const struct features people[] = {{{20, 55, 0.5, 3}},
                                             {{0, NAN, 0.2, 20}},
                                             {{3, 20, NAN, NAN}},
                                             {{80, 400, 0.9, 0}},
                                             {{NAN, NAN, 0.4, 8}}};
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct features features = people[i];
        struct prediction before = {0};
        for (int step = 0; step <= 200; step++) {
            struct prediction now;
            features.value[feature] = most * step / 200;
            assert_true(risk_model_predict(model, &features, &now));
            assert_true(step == 0 || (now.score - before.score) * sign >= 0);
            before = now;
        }
    }
}

static void test_more_of_a_feature_moves_the_risk_one_way_only(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    assert_never_against(model, FEATURE_TRANSACTION_COUNT_30D, 200, -1);
    assert_never_against(model, FEATURE_AVG_TRANSACTION_VALUE_30D, 3000, -1);
    assert_never_against(model, FEATURE_AVG_POSITIVITY_7D, 1, -1);
    assert_never_against(model, FEATURE_STRESS_EVENTS_30D, 200, 1);
}

static void test_extreme_values_give_a_score_or_a_failure(void **state)
{
    struct risk_model *model = ((struct place *)*state)->model;
    predict(model, 1e15, 1e15, 1, 1e15);
    predict(model, NAN, NAN, NAN, NAN);
    struct features infinite = {.value = {INFINITY, 1, 1, 1}};
    struct prediction untouched = {.score = 42};
    assert_false(risk_model_predict(model, &infinite, &untouched));
    assert_int_equal(untouched.score, 42);
    predict(model, 1, 1, 1, 1);
}

#define THREADS 4
#define ROUNDS 300

static void *predict_often(void *arg)
{
    struct risk_model *model = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct features low = {.value = {45, 120, 0.75, 1}};
        struct features high = {.value = {4, 30, 0.25, 20}};
        struct prediction first;
        struct prediction second;
        if (!risk_model_predict(model, &low, &first) ||
            !risk_model_predict(model, &high, &second) || first.score >= second.score) {
            return arg;
        }
    }
    return NULL;
}

static void test_threads_predict_while_the_model_is_read_anew(void **state)
{
    struct place *place = *state;
    char error[MODEL_ERROR_SIZE];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, predict_often, place->model), 0);
    }
    for (int i = 0; i < 5; i++) {
        put(place, place->shipped, place->length);
        assert_true(risk_model_refresh(place->model, error));
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

// The shipped model with the first `what` replaced; the caller frees it.
static char *with(const struct place *place, const char *what, const char *by)
{
    const char *found = strstr(place->shipped, what);
    assert_non_null(found);
    size_t size = place->length + strlen(by) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(found - place->shipped), place->shipped, by,
             found + strlen(what));
    return text;
}

static void assert_refused(struct place *place, const char *text, size_t length)
{
    char error[MODEL_ERROR_SIZE] = "";
    put(place, text, length);
    assert_false(risk_model_refresh(place->model, error));
    assert_non_null(strstr(error, place->path));
    assert_null(strchr(error, '\n'));
    error[0] = '\0';
    assert_false(risk_model_refresh(place->model, error));
    assert_non_null(strstr(error, place->path));
    assert_null(risk_model_load(place->path, error));
    assert_string_not_equal(error, "");
    predict(place->model, 20, 55, 0.5, 3);
}

static void test_a_new_version_is_picked_up_and_a_broken_one_refused(void **state)
{
    struct place *place = *state;
    char error[MODEL_ERROR_SIZE];
    char version[MODEL_VERSION_MAX + 1];
    char *next = with(place, "\"model_version\":\"risk-2026.11-", "\"model_version\":\"risk-next-");
    assert_refused(place, "{}", 2);
    put(place, next, strlen(next));
    assert_true(risk_model_refresh(place->model, error));
    assert_string_equal(error, "");
    risk_model_version(place->model, version);
    assert_ptr_equal(strstr(version, "risk-next-"), version);
    assert_int_equal(unlink(place->path), 0);
    assert_false(risk_model_refresh(place->model, error));
    assert_non_null(strstr(error, "No such file"));
    assert_string_equal(predict(place->model, 1, 1, 1, 1).model_version, version);
    free(next);
}

static void test_truncated_or_foreign_files_are_refused(void **state)
{
    struct place *place = *state;
    assert_refused(place, "", 0);
    assert_refused(place, "[]", 2);
    assert_refused(place,
                   "\x7f"
                   "ELF",
                   4);
    assert_refused(place, "{\"version\":[1,7,4],\"learner\":{}}", 32);
    for (size_t part = 1; part < 8; part++) {
        assert_refused(place, place->shipped, place->length * part / 8);
    }
    assert_refused(place, place->shipped, place->length - 1);
}

static void test_models_of_another_kind_are_refused(void **state)
{
    struct place *place = *state;
    static const char *const changes[][2] = {
        {"\"stress_events_30d\"", "\"age\""},
        {"\"transaction_count_30d\",", ""},
        {"\"binary:logistic\"", "\"reg:squarederror\""},
        {"\"name\":\"gbtree\"", "\"name\":\"dart\""},
        {"\"num_class\":\"0\"", "\"num_class\":\"3\""},
        {"\"num_feature\":\"4\"", "\"num_feature\":\"5\""},
        {"\"base_score\":\"", "\"base_score\":\"7"},
        {"\"model_version\"", "\"model\""},
        {"\"num_trees\":\"120\"", "\"num_trees\":\"121\""},
        {"\"version\":[1,", "\"version\":[-1,"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = with(place, changes[i][0], changes[i][1]);
        assert_refused(place, text, strlen(text));
        free(text);
    }
}

// Each would make a trusting reader walk out of its arrays, in circles, or into huge memory.
static void test_hostile_trees_are_refused(void **state)
{
    struct place *place = *state;
    static const char *const changes[][2] = {
        {"\"left_children\":[1,", "\"left_children\":[1000000,"},
        {"\"left_children\":[1,", "\"left_children\":[-7,"},
        {"\"left_children\":[1,", "\"left_children\":[0,"},
        {"\"left_children\":[1,3,", "\"left_children\":[1,1,"},
        {"\"left_children\":[1,", "\"left_children\":[2,"},
        {"\"left_children\":[1,", "\"left_children\":[-1,"},
        {"\"left_children\":[1,", "\"left_children\":["},
        {"\"left_children\":[1,", "\"left_children\":[1.0,"},
        {"\"right_children\":[2,", "\"right_children\":[2147483647,"},
        {"\"split_indices\":[0,", "\"split_indices\":[4,"},
        {"\"split_indices\":[0,", "\"split_indices\":[4294967295,"},
        {"\"split_type\":[0,", "\"split_type\":[1,"},
        {"\"split_conditions\":[", "\"split_conditions\":[\"x\","},
        {"\"categories_nodes\":[]", "\"categories_nodes\":[0]"},
        {"\"parents\":[2147483647,0", "\"parents\":[2147483647,5"},
        {"\"num_nodes\":\"15\"", "\"num_nodes\":\"2000000000\""},
        {"\"num_nodes\":\"15\"", "\"num_nodes\":15"},
        {"\"num_deleted\":\"0\"", "\"num_deleted\":\"9\""},
        {"\"size_leaf_vector\":\"0\"", "\"size_leaf_vector\":\"1\""},
        {"\"tree_info\":[0,", "\"tree_info\":[7,"},
        {"\"id\":0,", "\"id\":77,"},
        {"\"id\":0,", ""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = with(place, changes[i][0], changes[i][1]);
        assert_refused(place, text, strlen(text));
        free(text);
    }
}

static void test_a_model_is_only_a_regular_file_that_is_there(void **state)
{
    struct place *place = *state;
    char error[MODEL_ERROR_SIZE] = "";
    assert_null(risk_model_load("/nowhere/risk.json", error));
    assert_non_null(strstr(error, "/nowhere/risk.json"));
    assert_null(risk_model_load(place->folder, error));
    assert_non_null(strstr(error, place->folder));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plausible_people_get_each_outcome),
        TEST(test_a_new_person_is_neither_denied_nor_the_best),
        TEST(test_the_version_is_told),
        TEST(test_the_score_without_emotions_is_that_of_missing_ones),
        TEST(test_contributions_explain_the_difference_between_two_people),
        TEST(test_more_of_a_feature_moves_the_risk_one_way_only),
        TEST(test_extreme_values_give_a_score_or_a_failure),
        TEST(test_threads_predict_while_the_model_is_read_anew),
        TEST(test_a_new_version_is_picked_up_and_a_broken_one_refused),
        TEST(test_truncated_or_foreign_files_are_refused),
        TEST(test_models_of_another_kind_are_refused),
        TEST(test_hostile_trees_are_refused),
        TEST(test_a_model_is_only_a_regular_file_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
