// SPDX-License-Identifier: Apache-2.0
// Keys and what they were used for: a repeat agrees, another content does not, the oldest go.
#include "platform/used_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct uuid numbered(uint32_t number)
{
    struct uuid id = {0};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static const unsigned char secret[USED_KEYS_SECRET_SIZE] = "known to both";

static bool agree(struct used_keys *keys, uint32_t number, const char *content)
{
    struct uuid id = numbered(number);
    struct key_use use = used_keys_hash(keys, &id, content, strlen(content));
    return used_keys_note(keys, &use) != KEY_IS_MISUSED;
}

static void test_a_repeat_agrees_and_another_content_does_not(void **state)
{
    (void)state;
    struct used_keys *keys = used_keys_new(64, secret);
    assert_true(agree(keys, 1, "five"));
    assert_true(agree(keys, 1, "five"));
    assert_false(agree(keys, 1, "six"));
    assert_false(agree(keys, 1, ""));
    assert_true(agree(keys, 1, "five"));
    assert_true(agree(keys, 2, "six"));
    used_keys_free(&keys);
    assert_null(keys);
}

static void test_of_many_keys_the_newest_are_remembered(void **state)
{
    (void)state;
    struct used_keys *keys = used_keys_new(1024, secret);
    const uint32_t many = 100000;
    for (uint32_t i = 0; i < many; i++) {
        assert_true(agree(keys, i, "first"));
    }
    size_t refused = 0;
    for (uint32_t i = many - 256; i < many; i++) {
        refused += !agree(keys, i, "second");
    }
    // Sets fill unevenly: a few of the newest may have lost their place.
    assert_true(refused > 240);
    assert_true(agree(keys, 0, "forgotten"));
    used_keys_free(&keys);
}

static void test_tables_with_one_secret_understand_each_other(void **state)
{
    (void)state;
    const unsigned char other_secret[USED_KEYS_SECRET_SIZE] = "of somebody else";
    struct used_keys *ours = used_keys_new(64, secret);
    struct used_keys *theirs = used_keys_new(64, secret);
    struct used_keys *strangers = used_keys_new(64, other_secret);
    struct uuid id = numbered(7);
    struct key_use five = used_keys_hash(theirs, &id, "five", 4);
    assert_int_equal(used_keys_note(ours, &five), KEY_IS_NEW);
    assert_int_equal(used_keys_note(ours, &five), KEY_IS_REPEATED);
    struct key_use six = used_keys_hash(ours, &id, "six", 3);
    assert_int_equal(used_keys_note(ours, &six), KEY_IS_MISUSED);
    struct key_use unreadable = used_keys_hash(strangers, &id, "five", 4);
    assert_int_equal(used_keys_note(ours, &unreadable), KEY_IS_NEW);
    used_keys_free(&ours);
    used_keys_free(&theirs);
    used_keys_free(&strangers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repeat_agrees_and_another_content_does_not),
        cmocka_unit_test(test_of_many_keys_the_newest_are_remembered),
        cmocka_unit_test(test_tables_with_one_secret_understand_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
