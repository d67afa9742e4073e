// SPDX-License-Identifier: Apache-2.0
// What opens: only what was sealed with the same key for the same context.
#include "platform/auth/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";

static struct seal seal_of(const char *purpose)
{
    return seal_for(purpose, secret, sizeof secret - 1);
}

static struct buffer sealed(const struct seal *seal, const char *context, const char *content)
{
    struct buffer buffer = {0};
    seal_content(seal, context, (struct span){content, strlen(content)}, &buffer);
    return buffer;
}

static bool opens(const struct seal *seal, const char *context, const struct buffer *buffer)
{
    struct span content;
    return seal_open(seal, context, (struct span){buffer->data, buffer->length}, &content);
}

static void test_what_was_sealed_opens_unchanged(void **state)
{
    (void)state;
    const struct seal writer = seal_of("answers");
    const struct seal reader = seal_of("answers");
    struct buffer buffer = sealed(&writer, "ada 7", "{\"approved\":true}");
    struct span content;
    assert_true(seal_open(&reader, "ada 7", (struct span){buffer.data, buffer.length}, &content));
    assert_int_equal(content.length, 17);
    assert_memory_equal(content.data, "{\"approved\":true}", 17);
    buffer_free(&buffer);
}

static void test_another_context_purpose_or_secret_does_not_open(void **state)
{
    (void)state;
    const struct seal seal = seal_of("answers");
    const struct seal other_purpose = seal_of("letters");
    const struct seal other_secret = seal_for("answers", "fedcba9876543210fedcba9876543210", 32);
    struct buffer buffer = sealed(&seal, "ada 7", "yes");
    assert_true(opens(&seal, "ada 7", &buffer));
    assert_false(opens(&seal, "ada 8", &buffer));
    assert_false(opens(&seal, "bob 7", &buffer));
    assert_false(opens(&seal, "ada 7y", &buffer));
    assert_false(opens(&other_purpose, "ada 7", &buffer));
    assert_false(opens(&other_secret, "ada 7", &buffer));
    buffer_free(&buffer);
}

static void test_a_change_anywhere_does_not_open(void **state)
{
    (void)state;
    const struct seal seal = seal_of("answers");
    struct buffer buffer = sealed(&seal, "ada 7", "yes");
    for (size_t i = 0; i < buffer.length; i++) {
        buffer.data[i] ^= 1;
        assert_false(opens(&seal, "ada 7", &buffer));
        buffer.data[i] ^= 1;
    }
    for (size_t length = 0; length < buffer.length; length++) {
        const struct buffer cut = {.data = buffer.data, .length = length};
        assert_false(opens(&seal, "ada 7", &cut));
    }
    assert_true(opens(&seal, "ada 7", &buffer));
    buffer_free(&buffer);
}

static void test_a_context_cannot_lend_bytes_to_the_content(void **state)
{
    (void)state;
    const struct seal seal = seal_of("answers");
    struct buffer one = sealed(&seal, "ab", "c");
    struct buffer other = sealed(&seal, "a", "bc");
    assert_memory_not_equal(one.data, other.data, 32);
    buffer_free(&one);
    buffer_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_opens_unchanged),
        cmocka_unit_test(test_another_context_purpose_or_secret_does_not_open),
        cmocka_unit_test(test_a_change_anywhere_does_not_open),
        cmocka_unit_test(test_a_context_cannot_lend_bytes_to_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
