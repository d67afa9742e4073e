// SPDX-License-Identifier: Apache-2.0
// Tests of platform/buffer.c: growth, the maximum, and an end that is always a NUL.
#include "platform/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_an_empty_buffer_needs_nothing(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_clear(&buffer);
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_true(buffer_add(&buffer, NULL, 0));
    assert_string_equal(buffer.data, "");
    buffer_free(&buffer);
}

static void test_bytes_texts_and_formats_follow_each_other(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    assert_true(buffer_add(&buffer, "a\0b", 3));
    assert_true(buffer_add_text(&buffer, "text "));
    assert_true(buffer_add_format(&buffer, "%d%%", 42));
    assert_int_equal(buffer.length, 11);
    assert_memory_equal(buffer.data, "a\0btext 42%", 12);
    buffer_free(&buffer);
}

static void test_a_buffer_grows_as_far_as_needed(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 10000; i++) {
        assert_true(buffer_add_format(&buffer, "%04d", i));
    }
    assert_int_equal(buffer.length, 40000);
    assert_memory_equal(buffer.data + 39996, "9999", 5);
    buffer_free(&buffer);
}

static void test_nothing_is_added_beyond_the_maximum(void **state)
{
    (void)state;
    struct buffer buffer = {.maximum = 8};
    assert_true(buffer_add_text(&buffer, "12345678"));
    assert_false(buffer_add_text(&buffer, "9"));
    assert_false(buffer_add_format(&buffer, "%d", 9));
    assert_string_equal(buffer.data, "12345678");
    assert_false(buffer_add(&buffer, "", SIZE_MAX)); /* the sum would wrap around */
    buffer_clear(&buffer);
    assert_string_equal(buffer.data, "");
    assert_true(buffer_add_text(&buffer, "again"));
    assert_string_equal(buffer.data, "again");
    buffer_free(&buffer);
}

static void test_a_recycled_buffer_keeps_its_memory_only_when_it_is_small(void **state)
{
    (void)state;
    struct buffer buffer = {.maximum = 8192};
    assert_true(buffer_add_text(&buffer, "small"));
    buffer_recycle(&buffer, 4096);
    assert_non_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    assert_true(buffer_add_format(&buffer, "%5000d", 1));
    buffer_recycle(&buffer, 4096);
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    assert_true(buffer_add_text(&buffer, "again"));
    assert_string_equal(buffer.data, "again");
    buffer_free(&buffer);
}

static void test_a_number_is_added_in_decimal(void **state)
{
    struct buffer buffer = {0};
    (void)state;
    assert_true(buffer_add_number(&buffer, 0));
    assert_true(buffer_add_number(&buffer, 1205));
    assert_true(buffer_add_number(&buffer, SIZE_MAX));
    assert_string_equal(buffer.data, "0120518446744073709551615");
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_buffer_needs_nothing),
        cmocka_unit_test(test_bytes_texts_and_formats_follow_each_other),
        cmocka_unit_test(test_a_buffer_grows_as_far_as_needed),
        cmocka_unit_test(test_nothing_is_added_beyond_the_maximum),
        cmocka_unit_test(test_a_recycled_buffer_keeps_its_memory_only_when_it_is_small),
        cmocka_unit_test(test_a_number_is_added_in_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
