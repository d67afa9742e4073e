// SPDX-License-Identifier: Apache-2.0
// Tests of platform/ids.c: new ids are unique and grow, named ids are always the same.
#include "platform/ids.h"

#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_new_id_is_version_7_of_now(void **state)
{
    (void)state;
    timestamp before = clock_now() / 1000;
    struct uuid id = ids_new();
    timestamp after = clock_now() / 1000;
    timestamp ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id.bytes[i];
    }
    assert_true(before <= ms && ms <= after);
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
}

static void test_a_new_id_may_be_of_a_given_instant(void **state)
{
    (void)state;
    char text[UUID_TEXT_SIZE];
    const struct uuid one = ids_new_at(INT64_C(0x0191e7a45c3b) * 1000);
    const struct uuid other = ids_new_at(INT64_C(0x0191e7a45c3b) * 1000 + 999);
    uuid_format(&one, text);
    assert_memory_equal(text, "0191e7a4-5c3b-7", 15);
    assert_memory_equal(one.bytes, other.bytes, 6);
    assert_false(uuid_equal(&one, &other));
}

static void test_new_ids_differ(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct uuid ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        ids[i] = ids_new();
        for (int j = 0; j < i; j++) {
            assert_false(uuid_equal(&ids[i], &ids[j]));
        }
    }
}

static void test_a_key_gives_the_version_5_id_of_the_standard(void **state)
{
    (void)state;
    struct uuid dns;
    char text[UUID_TEXT_SIZE];
    assert_true(uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 36, &dns));
    struct uuid id = ids_from_key(&dns, "www.example.com", 15);
    uuid_format(&id, text);
    assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2"); /* RFC 9562 appendix A.4 */
}

static void test_keys_belong_to_their_person(void **state)
{
    (void)state;
    const struct uuid alice = {{1}}, bob = {{2}};
    struct uuid a = ids_from_key(&alice, "key", 3);
    struct uuid b = ids_from_key(&bob, "key", 3);
    struct uuid shorter = ids_from_key(&alice, "key", 2);
    struct uuid again = ids_from_key(&alice, "keys", 3);
    assert_false(uuid_equal(&a, &b));
    assert_false(uuid_equal(&a, &shorter));
    assert_true(uuid_equal(&a, &again));
}

static void test_random_digits_fill_the_text_exactly(void **state)
{
    (void)state;
    char text[101 * 2 + 2];
    for (size_t bytes = 0; bytes <= 101; bytes++) {
        memset(text, '#', sizeof text);
        ids_random_hex(text, bytes);
        assert_int_equal(strlen(text), 2 * bytes);
        assert_int_equal(strspn(text, "0123456789abcdef"), 2 * bytes);
        assert_int_equal(text[2 * bytes + 1], '#');
    }
    char other[101 * 2 + 1];
    ids_random_hex(other, 101);
    assert_string_not_equal(text, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_id_is_version_7_of_now),
        cmocka_unit_test(test_a_new_id_may_be_of_a_given_instant),
        cmocka_unit_test(test_new_ids_differ),
        cmocka_unit_test(test_a_key_gives_the_version_5_id_of_the_standard),
        cmocka_unit_test(test_keys_belong_to_their_person),
        cmocka_unit_test(test_random_digits_fill_the_text_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
