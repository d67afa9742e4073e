// SPDX-License-Identifier: Apache-2.0
// The binary form of arrays, byte by byte as PostgreSQL's array_recv reads it.
#include "platform/db/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_parameter(struct db_array *array, uint32_t type, const char *bytes,
                             size_t length)
{
    struct db_parameter parameter = db_array_parameter(array);
    assert_true(parameter.binary);
    assert_int_equal(parameter.type, type);
    assert_int_equal(parameter.length, length);
    assert_memory_equal(parameter.data, bytes, length);
}

static void test_an_array_without_elements_has_no_dimension(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\0"
                                "\0\0\0\0"
                                "\0\0\x0b\x86";
    struct db_array array;
    db_array_init(&array, DB_UUIDS);
    assert_parameter(&array, 2951, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_int4s_are_big_endian(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\0\x17"
                                "\0\0\0\2"
                                "\0\0\0\1"
                                "\0\0\0\4"
                                "\x3b\x9a\xca\0"
                                "\0\0\0\4"
                                "\xff\xff\xff\xfe";
    struct db_array array;
    db_array_init(&array, DB_INT4S);
    db_array_add_int4(&array, 1000000000);
    db_array_add_int4(&array, -2);
    assert_parameter(&array, 1007, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_int8s_are_big_endian(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\0\x14"
                                "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\x08"
                                "\x80\0\0\0\0\0\0\1";
    struct db_array array;
    db_array_init(&array, DB_INT8S);
    db_array_add_int8(&array, INT64_MIN + 1);
    assert_parameter(&array, 1016, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_timestamps_count_from_2000(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\x04\xa0"
                                "\0\0\0\2"
                                "\0\0\0\1"
                                "\0\0\0\x08"
                                "\0\0\0\0\0\0\0\0"
                                "\0\0\0\x08"
                                "\xff\xff\xff\xff\xff\xff\xff\xff";
    struct db_array array;
    db_array_init(&array, DB_TIMESTAMPS);
    db_array_add_timestamp(&array, INT64_C(946684800000000));
    db_array_add_timestamp(&array, INT64_C(946684799999999));
    assert_parameter(&array, 1185, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_uuids_stand_as_their_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\x0b\x86"
                                "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\x10"
                                "\x01\x23\x45\x67\x89\xab\xcd\xef"
                                "\x00\x11\x22\x33\x44\x55\x66\x77";
    struct uuid id;
    assert_true(uuid_parse("01234567-89ab-cdef-0011-223344556677", 36, &id));
    struct db_array array;
    db_array_init(&array, DB_UUIDS);
    db_array_add_uuid(&array, &id);
    assert_parameter(&array, 2951, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_texts_may_be_empty_and_need_no_nul(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\0\x19"
                                "\0\0\0\2"
                                "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\0\3"
                                "joy";
    struct db_array array;
    db_array_init(&array, DB_TEXTS);
    db_array_add_text(&array, "", 0);
    db_array_add_text(&array, "joyful", 3);
    assert_parameter(&array, 1009, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_a_cleared_array_takes_a_new_batch(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0\0\1"
                                "\0\0\0\0"
                                "\0\0\0\x17"
                                "\0\0\0\1"
                                "\0\0\0\1"
                                "\0\0\0\4"
                                "\0\0\0\7";
    struct db_array array;
    db_array_init(&array, DB_INT4S);
    for (int32_t i = 0; i < 10000; i++) {
        db_array_add_int4(&array, i);
    }
    assert_int_equal(db_array_parameter(&array).length, 20 + 10000 * 8);
    db_array_clear(&array);
    assert_int_equal(array.count, 0);
    db_array_add_int4(&array, 7);
    assert_parameter(&array, 1007, bytes, sizeof bytes - 1);
    db_array_free(&array);
}

static void test_reading_the_parameter_twice_changes_nothing(void **state)
{
    (void)state;
    struct db_array array;
    db_array_init(&array, DB_INT4S);
    db_array_add_int4(&array, 1);
    int length = db_array_parameter(&array).length;
    assert_int_equal(db_array_parameter(&array).length, length);
    db_array_add_int4(&array, 2);
    assert_int_equal(db_array_parameter(&array).length, length + 8);
    db_array_free(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_without_elements_has_no_dimension),
        cmocka_unit_test(test_int4s_are_big_endian),
        cmocka_unit_test(test_int8s_are_big_endian),
        cmocka_unit_test(test_timestamps_count_from_2000),
        cmocka_unit_test(test_uuids_stand_as_their_bytes),
        cmocka_unit_test(test_texts_may_be_empty_and_need_no_nul),
        cmocka_unit_test(test_a_cleared_array_takes_a_new_batch),
        cmocka_unit_test(test_reading_the_parameter_twice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
