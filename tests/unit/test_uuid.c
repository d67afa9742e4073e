// SPDX-License-Identifier: Apache-2.0
// Tests of domain/uuid.c: the canonical form and nothing else, and version 7.
#include "domain/uuid.h"

#include <ctype.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "0191e7a4-5c3b-7def-8123-456789abcdef";

static bool parses(const char *candidate)
{
    struct uuid id;
    return uuid_parse(candidate, strlen(candidate), &id);
}

static void test_the_canonical_form_is_read_and_written_back(void **state)
{
    (void)state;
    struct uuid id;
    char back[UUID_TEXT_SIZE];
    assert_true(uuid_parse(text, strlen(text), &id));
    assert_int_equal(id.bytes[0], 0x01);
    assert_int_equal(id.bytes[15], 0xef);
    uuid_format(&id, back);
    assert_string_equal(back, text);
}

static void test_capitals_are_read_and_written_small(void **state)
{
    (void)state;
    struct uuid id;
    char back[UUID_TEXT_SIZE];
    assert_true(uuid_parse("0191E7A4-5C3B-7DEF-8123-456789ABCDEF", 36, &id));
    uuid_format(&id, back);
    assert_string_equal(back, text);
}

// Every character at every place, held against the C library's opinion of it.
static void test_each_digit_must_be_one(void **state)
{
    (void)state;
    for (size_t place = 0; place < strlen(text); place++) {
        for (int character = 0; character <= UCHAR_MAX; character++) {
            char candidate[sizeof text];
            memcpy(candidate, text, sizeof text);
            candidate[place] = (char)character;
            const bool fits = text[place] == '-' ? character == '-' : isxdigit(character) != 0;
            struct uuid id;
            char back[UUID_TEXT_SIZE];
            assert_int_equal(uuid_parse(candidate, strlen(text), &id), fits);
            if (fits) {
                candidate[place] = (char)tolower(character);
                uuid_format(&id, back);
                assert_string_equal(back, candidate);
            }
        }
    }
}

static void test_any_other_form_is_refused(void **state)
{
    (void)state;
    assert_false(parses(""));
    assert_false(parses("{0191e7a4-5c3b-7def-8123-456789abcdef}"));
    assert_false(parses("urn:uuid:0191e7a4-5c3b-7def-8123-456789abcdef"));
    assert_false(parses("0191e7a45c3b7def8123456789abcdef"));
    assert_false(parses("0191e7a4-5c3b-7def-8123-456789abcde"));
    assert_false(parses("0191e7a4-5c3b-7def-8123-456789abcdef0"));
    assert_false(parses("0191e7a4-5c3b-7def-8123-456789abcdeg"));
    assert_false(parses("0191e7a4-5c3b-7def-8123-456789abcd f"));
    assert_false(parses("0191e7a45-c3b-7def-8123-456789abcdef"));
    assert_false(parses("0191e7a4-5c3b-7def-8123-4567-9abcdef"));
    assert_false(uuid_parse("0191e7a4-5c3b-7def-8123-456789abcd\0f", 36, &(struct uuid){{0}}));
}

static void test_a_refused_text_leaves_the_result_alone(void **state)
{
    (void)state;
    struct uuid id = {{7}};
    assert_false(uuid_parse("0191e7a4-5c3b-7def-8123-456789abcdeg", 36, &id));
    assert_int_equal(id.bytes[0], 7);
}

static void test_no_byte_past_the_length_is_read(void **state)
{
    (void)state;
    char exact[36];
    memcpy(exact, text, sizeof exact);
    struct uuid id;
    assert_true(uuid_parse(exact, sizeof exact, &id));
}

static void test_version_7_holds_time_version_variant_and_random_bits(void **state)
{
    (void)state;
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t zeros[10] = {0};
    char written[UUID_TEXT_SIZE];
    struct uuid id = uuid_v7(UINT64_C(0x017f22e279b0), ones);
    uuid_format(&id, written);
    assert_string_equal(written, "017f22e2-79b0-7fff-bfff-ffffffffffff");
    id = uuid_v7(UINT64_C(0x017f22e279b0), zeros);
    uuid_format(&id, written);
    assert_string_equal(written, "017f22e2-79b0-7000-8000-000000000000");
}

static void test_version_7_orders_by_time(void **state)
{
    (void)state;
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t zeros[10] = {0};
    struct uuid earlier = uuid_v7(1767225599999, ones);
    struct uuid later = uuid_v7(1767225600000, zeros);
    assert_true(uuid_compare(&earlier, &later) < 0);
    assert_true(uuid_compare(&later, &earlier) > 0);
    assert_int_equal(uuid_compare(&later, &later), 0);
    assert_false(uuid_equal(&earlier, &later));
    assert_true(uuid_equal(&earlier, &earlier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_canonical_form_is_read_and_written_back),
        cmocka_unit_test(test_capitals_are_read_and_written_small),
        cmocka_unit_test(test_each_digit_must_be_one),
        cmocka_unit_test(test_any_other_form_is_refused),
        cmocka_unit_test(test_a_refused_text_leaves_the_result_alone),
        cmocka_unit_test(test_no_byte_past_the_length_is_read),
        cmocka_unit_test(test_version_7_holds_time_version_variant_and_random_bits),
        cmocka_unit_test(test_version_7_orders_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
