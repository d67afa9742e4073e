// SPDX-License-Identifier: Apache-2.0
// Tests of domain/review.c: how long what a person says may be, counted in characters.
#include "domain/review.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CHARACTER "\xF0\x9D\x84\x9E" /* four bytes */
#define CHARACTER_SIZE (sizeof CHARACTER - 1)

static size_t faults_of(size_t characters)
{
    char text[(REVIEW_TEXT_MAX + 1) * CHARACTER_SIZE + 1];
    for (size_t i = 0; i < characters; i++) {
        memcpy(text + i * CHARACTER_SIZE, CHARACTER, CHARACTER_SIZE);
    }
    text[characters * CHARACTER_SIZE] = '\0';
    struct faults faults = {0};
    review_check_statement(text, &faults);
    if (faults.count > 0) {
        assert_string_equal(faults.items[0].field, "statement");
    }
    return faults.count;
}

static void test_a_statement_has_1_to_2000_characters(void **state)
{
    (void)state;
    assert_int_equal(faults_of(0), 1);
    assert_int_equal(faults_of(1), 0);
    assert_int_equal(faults_of(REVIEW_TEXT_MAX), 0);
    assert_int_equal(faults_of(REVIEW_TEXT_MAX + 1), 1);
}

static void test_a_statement_has_no_control_characters_but_tabs_and_new_lines(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        size_t faults;
    } cases[] = {
        {"a\tb\nc", 0},  {"a\rb", 1},     {"\x1b[2J", 1},  {"\x7f", 1},
        {"\xC2\x80", 1}, {"\xC2\x9F", 1}, {"\xC2\xA0", 0}, {"\xE2\x80\xAE", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct faults faults = {0};
        review_check_statement(cases[i].statement, &faults);
        assert_int_equal(faults.count, cases[i].faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_statement_has_1_to_2000_characters),
        cmocka_unit_test(test_a_statement_has_no_control_characters_but_tabs_and_new_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
