// SPDX-License-Identifier: Apache-2.0
// Tests of domain/transaction.c: which amounts a transaction may have.
#include "domain/transaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_fault(const char *text, const char *message)
{
    struct faults faults = {0};
    assert_int_equal(transaction_amount(text, strlen(text), &faults), 0);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].field, "amount");
    assert_string_equal(faults.items[0].message, message);
}

static void test_amounts_from_a_cent_to_the_maximum_are_taken(void **state)
{
    (void)state;
    struct faults faults = {0};
    assert_int_equal(transaction_amount("0.01", 4, &faults), 1);
    assert_int_equal(transaction_amount("99999999.99", 11, &faults), TRANSACTION_AMOUNT_MAX);
    assert_int_equal(transaction_amount("1e2", 3, &faults), 10000);
    assert_int_equal(faults.count, 0);
}

static void test_an_amount_must_be_greater_than_zero(void **state)
{
    (void)state;
    expect_fault("0", "must be greater than 0");
    expect_fault("-0", "must be greater than 0");
    expect_fault("0.000", "must be greater than 0");
    expect_fault("-1", "must be greater than 0");
    expect_fault("-1e30", "must be greater than 0");
}

static void test_an_amount_has_a_maximum(void **state)
{
    (void)state;
    expect_fault("100000000", "must be at most 99999999.99");
    expect_fault("1e8", "must be at most 99999999.99");
    expect_fault("1e999999999999", "must be at most 99999999.99");
}

static void test_an_amount_has_at_most_two_decimals(void **state)
{
    (void)state;
    expect_fault("0.001", "must have at most 2 decimals");
    expect_fault("10.999", "must have at most 2 decimals");
}

static void test_an_amount_is_a_number(void **state)
{
    (void)state;
    expect_fault("", "must be a number");
    expect_fault("ten", "must be a number");
    expect_fault("\"10\"", "must be a number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts_from_a_cent_to_the_maximum_are_taken),
        cmocka_unit_test(test_an_amount_must_be_greater_than_zero),
        cmocka_unit_test(test_an_amount_has_a_maximum),
        cmocka_unit_test(test_an_amount_has_at_most_two_decimals),
        cmocka_unit_test(test_an_amount_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
