// SPDX-License-Identifier: Apache-2.0
// Tests of domain/money.c: exact decimals, whatever way they are written.
#include "domain/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum money_fault fault_of(const char *text)
{
    money_cents cents = 0;
    return money_parse(text, strlen(text), &cents);
}

static money_cents cents_of(const char *text)
{
    money_cents cents = INT64_MIN;
    assert_int_equal(money_parse(text, strlen(text), &cents), MONEY_OK);
    return cents;
}

static void test_decimals_are_read_exactly(void **state)
{
    (void)state;
    assert_int_equal(cents_of("0"), 0);
    assert_int_equal(cents_of("0.01"), 1);
    assert_int_equal(cents_of("10"), 1000);
    assert_int_equal(cents_of("10.5"), 1050);
    assert_int_equal(cents_of("10.500000"), 1050);
    assert_int_equal(cents_of("99999999.99"), 9999999999);
    assert_int_equal(cents_of("-1234.56"), -123456);
    assert_int_equal(cents_of("-0"), 0);
    assert_int_equal(cents_of("9999999999999.99"), INT64_C(999999999999999));
}

static void test_exponents_are_worked_out(void **state)
{
    (void)state;
    assert_int_equal(cents_of("1e2"), 10000);
    assert_int_equal(cents_of("1E+2"), 10000);
    assert_int_equal(cents_of("1.5e1"), 1500);
    assert_int_equal(cents_of("100e-2"), 100);
    assert_int_equal(cents_of("12345e-2"), 12345);
    assert_int_equal(cents_of("0.00012e6"), 12000);
    assert_int_equal(cents_of("1e00000000000000000000000000002"), 10000);
}

static void test_decimals_beyond_the_second_must_be_zero(void **state)
{
    (void)state;
    assert_int_equal(fault_of("0.001"), MONEY_TOO_MANY_DECIMALS);
    assert_int_equal(fault_of("1.005"), MONEY_TOO_MANY_DECIMALS);
    assert_int_equal(fault_of("1e-3"), MONEY_TOO_MANY_DECIMALS);
    assert_int_equal(fault_of("1.23e-1"), MONEY_TOO_MANY_DECIMALS);
    assert_int_equal(cents_of("1.230e0"), 123);
}

static void test_sixteen_digits_are_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(fault_of("10000000000000"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("-10000000000000.00"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("1e13"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("99999999999999999999999999999999999999999999"), MONEY_OUT_OF_RANGE);
}

static void test_absurd_exponents_neither_overflow_nor_loop(void **state)
{
    (void)state;
    assert_int_equal(fault_of("1e999999999999"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("1e99999999999999999999999999999999999999"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("0.1e99999999999999999999999999999999999999"), MONEY_OUT_OF_RANGE);
    assert_int_equal(fault_of("1e-99999999999999999999999999999999999999"),
                     MONEY_TOO_MANY_DECIMALS);
    assert_int_equal(cents_of("0e99999999999999999999999999999999999999"), 0);
    assert_int_equal(cents_of("0.00e-99999999999999999999999999999999999"), 0);
}

static void test_a_long_text_and_its_exponent_cancel_out(void **state)
{
    (void)state;
    enum { ZEROS = 100000 };
    char *text = malloc(ZEROS + 32);
    snprintf(text, ZEROS + 32, "0.%0*d125e%d", ZEROS, 0, ZEROS + 2);
    assert_int_equal(cents_of(text), 1250);
    free(text);
}

static void test_only_numbers_of_json_are_numbers(void **state)
{
    (void)state;
    const char *texts[] = {"",    "-",   "+1",   "01",    "-01",   ".5", "1.",       "1.e2", "e2",
                           "1e",  "1e+", "1e-",  "1e+-2", "1.2.3", " 1", "1 ",       "1,5",  "0x10",
                           "NaN", "inf", "1e2x", "1_0",   "--1",   "1f", "Infinity", "1e2.5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(fault_of(texts[i]), MONEY_NOT_A_NUMBER);
    }
}

static void test_nothing_past_the_length_counts(void **state)
{
    (void)state;
    money_cents cents = 7;
    assert_int_equal(money_parse("12.345", 5, &cents), MONEY_OK);
    assert_int_equal(cents, 1234);
    assert_int_equal(money_parse("12.345", 3, &cents), MONEY_NOT_A_NUMBER);
    assert_int_equal(money_parse("1e5", 2, &cents), MONEY_NOT_A_NUMBER);
    assert_int_equal(money_parse("-5", 1, &cents), MONEY_NOT_A_NUMBER);
    assert_int_equal(cents, 1234);
}

static void test_amounts_are_written_with_two_decimals(void **state)
{
    (void)state;
    const struct {
        money_cents cents;
        const char *text;
    } rows[] = {
        {0, "0.00"},
        {5, "0.05"},
        {-5, "-0.05"},
        {123450, "1234.50"},
        {-123456, "-1234.56"},
        {INT64_C(999999999999999), "9999999999999.99"},
        {INT64_MAX, "92233720368547758.07"},
        {INT64_MIN, "-92233720368547758.08"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[MONEY_TEXT_SIZE];
        money_format(rows[i].cents, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_read_exactly),
        cmocka_unit_test(test_exponents_are_worked_out),
        cmocka_unit_test(test_decimals_beyond_the_second_must_be_zero),
        cmocka_unit_test(test_sixteen_digits_are_out_of_range),
        cmocka_unit_test(test_absurd_exponents_neither_overflow_nor_loop),
        cmocka_unit_test(test_a_long_text_and_its_exponent_cancel_out),
        cmocka_unit_test(test_only_numbers_of_json_are_numbers),
        cmocka_unit_test(test_nothing_past_the_length_counts),
        cmocka_unit_test(test_amounts_are_written_with_two_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
