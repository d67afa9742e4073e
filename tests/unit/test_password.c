// SPDX-License-Identifier: Apache-2.0
// Password hashes: form, cost, and the same time for a person who does not exist.
#include "platform/auth/password.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>
#include <time.h>

#define ROUNDS 9

static const char password[] = "correct horse battery staple";
#define LENGTH (sizeof password - 1)

static void test_a_hash_is_argon2id_with_19_mib_and_two_passes(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(password, LENGTH, hash));
    assert_ptr_equal(strstr(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash);
}

static void test_only_the_same_password_fits(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(password, LENGTH, hash));
    assert_true(password_verify(password, LENGTH, hash));
    assert_false(password_verify(password, LENGTH - 1, hash));
    assert_false(password_verify("Correct horse battery staple", LENGTH, hash));
    assert_false(password_verify("", 0, hash));
}

static void test_two_hashes_of_one_password_differ(void **state)
{
    (void)state;
    char first[PASSWORD_HASH_SIZE];
    char second[PASSWORD_HASH_SIZE];
    assert_true(password_hash(password, LENGTH, first));
    assert_true(password_hash(password, LENGTH, second));
    assert_string_not_equal(first, second);
}

static void test_bytes_after_a_nul_count(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash("secret\0one", 10, hash));
    assert_true(password_verify("secret\0one", 10, hash));
    assert_false(password_verify("secret\0two", 10, hash));
    assert_false(password_verify("secret", 6, hash));
}

static void test_what_is_no_hash_never_fits(void **state)
{
    (void)state;
    assert_false(password_verify(password, LENGTH, ""));
    assert_false(password_verify(password, LENGTH, password));
    assert_false(password_verify(password, LENGTH, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_false(password_verify(password, LENGTH, NULL));
}

// Processor time of one verification, so that other programs do not count.
static clock_t time_of(const char *hash)
{
    const clock_t began = clock();
    password_verify("a guess at it", 13, hash);
    return clock() - began;
}

static void keep_fastest(clock_t *fastest, clock_t took)
{
    *fastest = *fastest == 0 || took < *fastest ? took : *fastest;
}

static void test_a_person_who_does_not_exist_takes_the_same_time(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(password, LENGTH, hash));
    clock_t someone = 0;
    clock_t nobody = 0;
    for (int i = 0; i < ROUNDS; i++) {
        keep_fastest(&someone, time_of(hash));
        keep_fastest(&nobody, time_of(NULL));
    }
    assert_true(nobody * 3 > someone * 2);
    assert_true(someone * 3 > nobody * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_is_argon2id_with_19_mib_and_two_passes),
        cmocka_unit_test(test_only_the_same_password_fits),
        cmocka_unit_test(test_two_hashes_of_one_password_differ),
        cmocka_unit_test(test_bytes_after_a_nul_count),
        cmocka_unit_test(test_what_is_no_hash_never_fits),
        cmocka_unit_test(test_a_person_who_does_not_exist_takes_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
