// SPDX-License-Identifier: Apache-2.0
// The policy's file: the shipped one, exact numbers, every refusal, and change while we run.
#include "platform/policy_file.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED "config/policy.json"
#define POLICY(version, deny_above, base_limit, rest)                                              \
    "{\"version\":" version ",\"deny_above\":" deny_above ",\"base_limit\":" base_limit            \
    ",\"minimum_limit\":1000.00,\"base_rate\":5.00,\"rate_per_risk\":15.00,"                       \
    "\"long_term_up_to\":0.3,\"offer_days\":7" rest "}"
#define GOOD POLICY("\"one\"", "0.6", "10000.00", "")

struct place {
    char folder[32];
    char path[64];
    char other[64];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    snprintf(place->folder, sizeof place->folder, "/tmp/test_policy_XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/policy.json", place->folder);
    snprintf(place->other, sizeof place->other, "%s/new.json", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    unlink(place->other);
    rmdir(place->folder);
    free(place);
    return 0;
}

// Writes beside and renames over, as an operator should.
static void put(const struct place *place, const char *text)
{
    FILE *file = fopen(place->other, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(place->other, place->path), 0);
}

static void assert_refused(const struct place *place, const char *text, const char *word)
{
    char error[POLICY_ERROR_SIZE] = "";
    put(place, text);
    struct policy_file *file = policy_file_load(place->path, error);
    assert_null(file);
    assert_non_null(strstr(error, place->path));
    assert_non_null(strstr(error, word));
    assert_null(strchr(error, '\n'));
}

static void test_the_shipped_policy_is_the_one_that_is_promised(void **state)
{
    (void)state;
    char error[POLICY_ERROR_SIZE] = "";
    struct policy_file *file = policy_file_load(SHIPPED, error);
    assert_string_equal(error, "");
    assert_non_null(file);
    struct policy policy = policy_file_current(file);
    assert_true(strlen(policy.version) > 0);
    assert_int_equal(policy.deny_above, 600000);
    assert_int_equal(policy.long_term_up_to, 300000);
    assert_int_equal(policy.base_limit, 1000000);
    assert_int_equal(policy.minimum_limit, 100000);
    assert_int_equal(policy.base_rate, 500);
    assert_int_equal(policy.rate_per_risk, 1500);
    assert_int_equal(policy.offer_days, 7);
    policy_file_free(&file);
    assert_null(file);
    policy_file_free(&file);
}

static void test_numbers_are_taken_exactly_in_any_spelling(void **state)
{
    struct place *place = *state;
    char error[POLICY_ERROR_SIZE] = "";
    static const struct {
        const char *text;
        int32_t millionths;
    } cases[] = {{"0.6", 600000},      {"0.600000000", 600000}, {"6e-1", 600000},
                 {"0.7", 700000},      {"0.599999", 599999},    {"1", 1000000},
                 {"1.0E0", 1000000},   {"10e-1", 1000000},      {"0.0000006e6", 600000},
                 {"0.300001", 300001}, {"0.06e+1", 600000},     {"600000e-6", 600000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POLICY("\"one\"", "%s", "123456789.01", ""), cases[i].text);
        put(place, text);
        struct policy_file *file = policy_file_load(place->path, error);
        assert_non_null(file);
        struct policy policy = policy_file_current(file);
        assert_int_equal(policy.deny_above, cases[i].millionths);
        assert_int_equal(policy.base_limit, INT64_C(12345678901));
        policy_file_free(&file);
    }
}

static void test_what_is_no_policy_is_refused_with_its_reason(void **state)
{
    struct place *place = *state;
    assert_refused(place, "", "empty");
    assert_refused(place, "[]", "object");
    assert_refused(place, "{\"version\":", "JSON");
    assert_refused(place, GOOD "x", "JSON");
    assert_refused(place, "{}", "version");
    assert_refused(place, POLICY("7", "0.6", "10000", ""), "version");
    assert_refused(place, POLICY("\"\"", "0.6", "10000", ""), "version");
    assert_refused(place, POLICY("\"a\\nb\"", "0.6", "10000", ""), "version");
    assert_refused(place, POLICY("\"one\"", "0.6", "10000", ",\"deny_abvoe\":1"), "members");
    assert_refused(place, POLICY("\"one\"", "0.6", "10000", ",\"deny_above\":1"), "JSON");
}

static void test_bad_numbers_are_refused_by_name(void **state)
{
    struct place *place = *state;
    static const char *const scores[] = {"\"0.6\"",
                                         "null",
                                         "true",
                                         "{}",
                                         "0.6000001",
                                         "1e-7",
                                         "1e30",
                                         "1e31",
                                         "0e9999999999",
                                         "-0.1",
                                         "1.1",
                                         "1e-9999999999999999999999",
                                         "99999999999999999999.0",
                                         "0.29"};
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POLICY("\"one\"", "%s", "10000", ""), scores[i]);
        assert_refused(place, text,
                       i + 1 < sizeof scores / sizeof scores[0] ? "deny_above" : "long_term_up_to");
    }
    static const char *const amounts[] = {"10000.001", "\"10000\"", "-1", "0", "1e20", "null"};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, POLICY("\"one\"", "0.6", "%s", ""), amounts[i]);
        assert_refused(place, text, "base_limit");
    }
}

static void test_what_is_no_file_is_refused(void **state)
{
    struct place *place = *state;
    char error[POLICY_ERROR_SIZE] = "";
    assert_null(policy_file_load(place->path, error));
    assert_non_null(strstr(error, "No such file"));
    assert_null(policy_file_load(place->folder, error));
    assert_non_null(strstr(error, place->folder));
    assert_null(policy_file_load("/dev/zero", error));
    assert_non_null(strstr(error, "/dev/zero"));
}

static void test_a_file_too_large_is_refused(void **state)
{
    struct place *place = *state;
    size_t size = 100000;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[size - 1] = '\0';
    assert_refused(place, text, "large");
    free(text);
}

static void test_a_changed_file_is_read_anew(void **state)
{
    struct place *place = *state;
    char error[POLICY_ERROR_SIZE] = "";
    put(place, GOOD);
    struct policy_file *file = policy_file_load(place->path, error);
    assert_non_null(file);
    assert_true(policy_file_refresh(file, error));
    put(place, POLICY("\"two\"", "0.5", "20000.00", ""));
    assert_true(policy_file_refresh(file, error));
    assert_string_equal(error, "");
    assert_string_equal(policy_file_current(file).version, "two");
    assert_int_equal(policy_file_current(file).deny_above, 500000);
    policy_file_free(&file);
}

static void test_a_bad_file_is_refused_once_and_the_old_policy_stays(void **state)
{
    struct place *place = *state;
    char error[POLICY_ERROR_SIZE] = "";
    put(place, GOOD);
    struct policy_file *file = policy_file_load(place->path, error);
    assert_non_null(file);
    static const char *const broken[] = {"{\"version\":", POLICY("\"bad\"", "7", "1", "")};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        put(place, broken[i]);
        assert_false(policy_file_refresh(file, error));
        assert_string_not_equal(error, "");
        assert_false(policy_file_refresh(file, error));
        assert_string_equal(error, "");
        assert_string_equal(policy_file_current(file).version, "one");
    }
    assert_int_equal(unlink(place->path), 0);
    assert_false(policy_file_refresh(file, error));
    assert_non_null(strstr(error, "No such file"));
    assert_false(policy_file_refresh(file, error));
    assert_string_equal(error, "");
    put(place, GOOD);
    assert_true(policy_file_refresh(file, error));
    policy_file_free(&file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_shipped_policy_is_the_one_that_is_promised),
        TEST(test_numbers_are_taken_exactly_in_any_spelling),
        TEST(test_what_is_no_policy_is_refused_with_its_reason),
        TEST(test_bad_numbers_are_refused_by_name),
        TEST(test_what_is_no_file_is_refused),
        TEST(test_a_file_too_large_is_refused),
        TEST(test_a_changed_file_is_read_anew),
        TEST(test_a_bad_file_is_refused_once_and_the_old_policy_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
