// SPDX-License-Identifier: Apache-2.0
// Remembered tokens are judged as if they were read: by their end, their key, and each letter.
#include "platform/auth/token_checker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1800000000) * MICROSECONDS_A_SECOND)
#define SECOND MICROSECONDS_A_SECOND

static const struct token_key key = {"0123456789abcdef0123456789abcdef", 32};
static const struct token_key old_key = {"fedcba9876543210fedcba9876543210", 32};
static const struct token_key no_key = {"", 0};
static const struct uuid ada = {{1}};

static enum token_verdict check_at(struct token_checker *checker, const char *token, timestamp now)
{
    struct uuid person = {{0}};
    enum token_verdict verdict = token_check(checker, token, strlen(token), now, &person);
    assert_true(verdict != TOKEN_GOOD || uuid_equal(&person, &ada));
    return verdict;
}

static void test_a_token_is_good_again_and_again_until_its_end(void **state)
{
    (void)state;
    struct token_checker *checker = token_checker_new(key, no_key);
    char *token = token_issue(&key, &ada, NOW, 30);
    for (int second = 0; second < 30; second++) {
        assert_int_equal(check_at(checker, token, NOW + second * SECOND), TOKEN_GOOD);
    }
    assert_int_equal(check_at(checker, token, NOW + 30 * SECOND - 1), TOKEN_GOOD);
    assert_int_equal(check_at(checker, token, NOW + 30 * SECOND), TOKEN_EXPIRED);
    free(token);
    token_checker_free(&checker);
    assert_null(checker);
}

static void test_a_clock_that_is_put_back_finds_it_not_valid_yet(void **state)
{
    (void)state;
    struct token_checker *checker = token_checker_new(key, no_key);
    char *token = token_issue(&key, &ada, NOW, 3600);
    assert_int_equal(check_at(checker, token, NOW), TOKEN_GOOD);
    assert_int_equal(check_at(checker, token, NOW - 3600 * SECOND), TOKEN_NOT_OURS);
    assert_int_equal(check_at(checker, token, NOW + 1800 * SECOND), TOKEN_GOOD);
    assert_int_equal(check_at(checker, token, NOW + 7200 * SECOND), TOKEN_EXPIRED);
    free(token);
    token_checker_free(&checker);
}

static void test_a_changed_letter_of_a_remembered_token_is_refused(void **state)
{
    (void)state;
    struct token_checker *checker = token_checker_new(key, no_key);
    char *token = token_issue(&key, &ada, NOW, 60);
    assert_int_equal(check_at(checker, token, NOW), TOKEN_GOOD);
    for (size_t i = 0; token[i] != '\0'; i++) {
        const char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(check_at(checker, token, NOW), TOKEN_GOOD);
        token[i] = kept;
    }
    token[strlen(token) - 1] = '\0';
    assert_int_not_equal(check_at(checker, token, NOW), TOKEN_GOOD);
    free(token);
    token_checker_free(&checker);
}

// With another secret only what is remembered can still be good.
static void test_hundreds_of_tokens_are_remembered_beside_each_other(void **state)
{
    enum { TOKENS = 256 };
    (void)state;
    char secret[] = "0123456789abcdef0123456789abcdef";
    struct token_checker *checker = token_checker_new((struct token_key){secret, 32}, no_key);
    char *tokens[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
        tokens[i] = token_issue(&key, &ada, NOW, 100 + i);
        assert_int_equal(check_at(checker, tokens[i], NOW), TOKEN_GOOD);
    }
    secret[0] = 'x';
    for (int i = 0; i < TOKENS; i++) {
        assert_int_equal(check_at(checker, tokens[i], NOW), TOKEN_GOOD);
        free(tokens[i]);
    }
    token_checker_free(&checker);
}

static void test_the_previous_key_counts_only_while_it_is_given(void **state)
{
    (void)state;
    struct token_checker *both = token_checker_new(key, old_key);
    struct token_checker *one = token_checker_new(key, no_key);
    char *token = token_issue(&old_key, &ada, NOW, 60);
    for (int times = 0; times < 2; times++) {
        assert_int_equal(check_at(both, token, NOW), TOKEN_GOOD);
        assert_int_equal(check_at(one, token, NOW), TOKEN_BAD_SIGNATURE);
    }
    free(token);
    token_checker_free(&both);
    token_checker_free(&one);
}

static void
test_an_operators_token_is_checked_by_both_keys_and_never_taken_for_a_persons(void **state)
{
    (void)state;
    struct token_checker *checker = token_checker_new(key, old_key);
    char *tokens[] = {token_issue_to_operator(&key, "ada", NOW, 60),
                      token_issue_to_operator(&old_key, "ada", NOW, 60)};
    for (size_t i = 0; i < 2; i++) {
        char name[OPERATOR_NAME_SIZE] = "";
        const size_t length = strlen(tokens[i]);
        assert_int_equal(token_check_operator(checker, tokens[i], length, NOW, name), TOKEN_GOOD);
        assert_string_equal(name, "ada");
        assert_int_equal(check_at(checker, tokens[i], NOW), TOKEN_OTHER_ROLE);
        free(tokens[i]);
    }
    char *persons = token_issue(&key, &ada, NOW, 60);
    char name[OPERATOR_NAME_SIZE] = "nobody";
    assert_int_equal(check_at(checker, persons, NOW), TOKEN_GOOD);
    assert_int_equal(token_check_operator(checker, persons, strlen(persons), NOW, name),
                     TOKEN_OTHER_ROLE);
    assert_string_equal(name, "nobody");
    free(persons);
    token_checker_free(&checker);
}

static void test_of_more_people_than_it_remembers_nobody_is_taken_for_another(void **state)
{
    (void)state;
    struct token_checker *checker = token_checker_new(key, no_key);
    for (int round = 0; round < 2; round++) {
        for (uint32_t number = 0; number < 10000; number++) {
            struct uuid person = {{0}};
            struct uuid found = {{0}};
            memcpy(person.bytes, &number, sizeof number);
            char *token = token_issue(&key, &person, NOW, 60);
            assert_int_equal(token_check(checker, token, strlen(token), NOW, &found), TOKEN_GOOD);
            assert_true(uuid_equal(&person, &found));
            free(token);
        }
    }
    token_checker_free(&checker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_good_again_and_again_until_its_end),
        cmocka_unit_test(test_a_clock_that_is_put_back_finds_it_not_valid_yet),
        cmocka_unit_test(test_a_changed_letter_of_a_remembered_token_is_refused),
        cmocka_unit_test(test_hundreds_of_tokens_are_remembered_beside_each_other),
        cmocka_unit_test(test_the_previous_key_counts_only_while_it_is_given),
        cmocka_unit_test(
            test_an_operators_token_is_checked_by_both_keys_and_never_taken_for_a_persons),
        cmocka_unit_test(test_of_more_people_than_it_remembers_nobody_is_taken_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
