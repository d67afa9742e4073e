// SPDX-License-Identifier: Apache-2.0
// Tests of domain/account.c: which emails and passwords a new account may have.
#include "domain/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_SIZE 1200

// `count` times the same text, then `end`.
static const char *repeated(char text[static TEXT_SIZE], const char *part, size_t count,
                            const char *end)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, TEXT_SIZE - length, "%s", part);
    }
    snprintf(text + length, TEXT_SIZE - length, "%s", end);
    return text;
}

static size_t email_faults(const char *email)
{
    struct faults faults = {0};
    account_check_email(email, &faults);
    for (size_t i = 0; i < faults.count; i++) {
        assert_string_equal(faults.items[i].field, "email");
    }
    return faults.count;
}

static size_t password_faults(const char *password)
{
    struct faults faults = {0};
    account_check_password(password, &faults);
    return faults.count;
}

static void test_plain_and_unicode_emails_are_good(void **state)
{
    (void)state;
    assert_int_equal(email_faults("a@b"), 0);
    assert_int_equal(email_faults("ana.souza+1@example.com"), 0);
    assert_int_equal(email_faults("j\u00fcrgen@m\u00fcller.example"), 0);
    assert_int_equal(email_faults("\u7528\u6237@\u4f8b\u5b50"), 0);
    assert_int_equal(email_faults("\U0001f600@x"), 0);
}

static void test_the_length_of_an_email_is_counted_in_characters(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    assert_int_equal(email_faults(repeated(text, "x", 252, "@y")), 0);
    assert_int_equal(email_faults(repeated(text, "x", 253, "@y")), 1);
    assert_int_equal(email_faults(repeated(text, "\u00fc", 252, "@y")), 0);
    assert_int_equal(email_faults(repeated(text, "\U0001f600", 252, "@y")), 0);
    assert_int_equal(email_faults(repeated(text, "\u20ac", 253, "@y")), 1);
}

static void test_an_email_has_one_at_sign_inside(void **state)
{
    (void)state;
    assert_int_equal(email_faults("nobody"), 1);
    assert_int_equal(email_faults("@example.com"), 1);
    assert_int_equal(email_faults("nobody@"), 1);
    assert_int_equal(email_faults("a@b@c"), 1);
    assert_int_equal(email_faults("@@@"), 1);
}

static void test_spaces_and_controls_are_refused_in_an_email(void **state)
{
    (void)state;
    static const char *const refused[] = {
        " a@b",        "a@b ",      "a\n@b",     "a\t@b",     "a\x7f@b",
        "a\xc2\x85@b", "a\u00a0@b", "a\u00ad@b", "a\u1680@b", "a\u2003@b",
        "a\u200b@b",   "a\u202e@b", "a\u2066@b", "a\u3000@b", "a\ufeff@b",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(email_faults(refused[i]), 1);
    }
}

static void test_every_fault_of_an_email_is_listed(void **state)
{
    (void)state;
    assert_int_equal(email_faults(""), 2);
    assert_int_equal(email_faults(" "), 3);
}

static void test_a_password_has_8_to_128_characters(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    assert_int_equal(password_faults(""), 1);
    assert_int_equal(password_faults("1234567"), 1);
    assert_int_equal(password_faults("12345678"), 0);
    assert_int_equal(password_faults(repeated(text, "x", 128, "")), 0);
    assert_int_equal(password_faults(repeated(text, "x", 129, "")), 1);
    assert_int_equal(password_faults(repeated(text, "\u00fc", 7, "")), 1);
    assert_int_equal(password_faults(repeated(text, "\u00fc", 8, "")), 0);
    assert_int_equal(password_faults(repeated(text, "\U0001f600", 128, "")), 0);
    assert_int_equal(password_faults(repeated(text, "\U0001f600", 129, "")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_unicode_emails_are_good),
        cmocka_unit_test(test_the_length_of_an_email_is_counted_in_characters),
        cmocka_unit_test(test_an_email_has_one_at_sign_inside),
        cmocka_unit_test(test_spaces_and_controls_are_refused_in_an_email),
        cmocka_unit_test(test_every_fault_of_an_email_is_listed),
        cmocka_unit_test(test_a_password_has_8_to_128_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
