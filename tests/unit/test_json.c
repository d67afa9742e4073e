// SPDX-License-Identifier: Apache-2.0
// Tests of platform/json.c: what is refused, and numbers that keep their text.
#include "platform/json.h"

#include "platform/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_refused(const char *text, size_t length, const char *reason)
{
    char error[JSON_ERROR_SIZE] = "";
    assert_null(json_read_object(text, length, error));
    if (strstr(error, reason) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", error, reason);
    }
}

static void refused(const char *text, const char *reason)
{
    expect_refused(text, strlen(text), reason);
}

static void test_an_object_is_read(void **state)
{
    (void)state;
    const char text[] = " {\"a\":[1,2.5,null,true,\"\\u00e9\\ud83d\\ude00\"]} \n";
    char error[JSON_ERROR_SIZE] = "";
    __attribute__((cleanup(json_release))) json_t *object =
        json_read_object(text, strlen(text), error);
    assert_non_null(object);
    assert_int_equal(json_array_size(json_object_get(object, "a")), 5);
    assert_string_equal(error, "");
}

static void test_json_that_is_no_object_is_told_apart(void **state)
{
    (void)state;
    const char *texts[] = {"[]", "1", "\"text\"", "null", "true", "[{}]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char error[JSON_ERROR_SIZE] = "";
        json_t *value = json_read(texts[i], strlen(texts[i]), error);
        assert_non_null(value);
        json_release(&value);
        assert_null(value);
        refused(texts[i], "must be a JSON object");
    }
}

static void test_broken_json_is_refused_with_a_reason(void **state)
{
    (void)state;
    refused("", "not valid JSON");
    refused("   ", "not valid JSON");
    refused("{", "ends too early");
    refused("{\"a\":1", "ends too early");
    refused("{\"a\":1,}", "wrong syntax");
    refused("{'a':1}", "wrong syntax");
    refused("{\"a\":01}", "wrong syntax");
    refused("{\"a\":+1}", "wrong syntax");
    refused("{\"a\":NaN}", "wrong syntax");
    refused("{\"a\":Infinity}", "wrong syntax");
    refused("{\"a\":\"\n\"}", "wrong syntax");
    refused("{} {}", "something follows");
    refused("{}x", "something follows");
    refused("{\"a\":1,\"a\":1}", "stands twice");
    refused("{\"a\":{\"b\":1,\"\\u0062\":2}}", "stands twice");
    refused("{\"a\":1e999}", "too large");
    refused("{\"a\":-1e999}", "too large");
    refused("{\"a\":99999999999999999999}", "too large");
}

static void test_broken_text_is_refused(void **state)
{
    (void)state;
    refused("\xef\xbb\xbf{}", "not valid JSON");
    refused("{\"a\":\"\xff\"}", "invalid UTF-8");
    refused("{\"a\":\"\xc0\xaf\"}", "invalid UTF-8");
    refused("{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8");
    refused("{\"a\":\"\xe2\x82\"}", "invalid UTF-8");
    refused("{\"a\":\"\\ud800\"}", "wrong syntax");
    refused("{\"a\":\"\\udc00\\ud800\"}", "wrong syntax");
    refused("{\"a\":\"\\u0000\"}", "NUL");
    refused("{\"\\u0000\":1}", "NUL");
    expect_refused("{}\0", 3, "something follows");
    expect_refused("\0{}", 3, "not valid JSON");
    expect_refused("{\"a\":\"x\0y\"}", 11, "wrong syntax");
}

static void test_deep_nesting_is_refused_without_a_crash(void **state)
{
    (void)state;
    enum { DEPTH = 10000 };
    struct buffer arrays = {0}, objects = {0};
    for (int i = 0; i < DEPTH; i++) {
        buffer_add_text(&arrays, "[");
        buffer_add_text(&objects, "{\"a\":");
    }
    expect_refused(arrays.data, arrays.length, "nested too deeply");
    expect_refused(objects.data, objects.length, "nested too deeply");
    for (int i = 0; i < DEPTH; i++) {
        buffer_add_text(&arrays, "]");
    }
    expect_refused(arrays.data, arrays.length, "nested too deeply");
    buffer_free(&arrays);
    buffer_free(&objects);
}

static void test_an_error_quotes_nothing_of_the_input(void **state)
{
    (void)state;
    const char *texts[] = {"{\"password\":\"sesame\"", "{\"password\":\"sesame\",\"password\":1}",
                           "{\"password\":\"sesame\\u0000\"}", "{\"password\":sesame}",
                           "{\"sesame\":1e999}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char error[JSON_ERROR_SIZE] = "";
        assert_null(json_read_object(texts[i], strlen(texts[i]), error));
        assert_null(strstr(error, "sesame"));
        assert_null(strstr(error, "password"));
        assert_non_null(strstr(error, "line 1"));
    }
}

// Checks the text of `amount`; NULL: none is found.
static void expect_number(const char *json, const char *expected)
{
    const char *number = "";
    size_t length = 0;
    char error[JSON_ERROR_SIZE];
    json_t *object = json_read_object(json, strlen(json), error);
    assert_non_null(object);
    json_release(&object);
    bool found = json_number_text(json, strlen(json), "amount", &number, &length);
    assert_int_equal(found, expected != NULL);
    if (found && expected != NULL) {
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(number, expected, length);
    }
}

static void test_the_text_of_a_number_is_found_as_it_stands(void **state)
{
    (void)state;
    expect_number("{\"amount\":10.50}", "10.50");
    expect_number(" {\n\t\"amount\" : -0.1e+2\r\n}", "-0.1e+2");
    expect_number("{\"amount\":99999999.990000000000000000001}", "99999999.990000000000000000001");
    expect_number("{\"x\":1,\"amount\":2 ,\"y\":3}", "2");
    expect_number("{\"\\u0061mount\":7}", "7");
}

static void test_only_the_member_of_the_outermost_object_counts(void **state)
{
    (void)state;
    expect_number("{\"a\":{\"amount\":1},\"amount\":2}", "2");
    expect_number("{\"a\":[{\"amount\":1},[],{}],\"amount\":2}", "2");
    expect_number("{\"a\":\"\\\"amount\\\":1,}]\\\\\",\"amount\":2}", "2");
    expect_number("{\"amount\\u0020\":1,\"amounts\":2,\"amoun\":3,\"Amount\":4}", NULL);
    expect_number("{\"a\":\"amount\",\"b\":{\"amount\":1}}", NULL);
    expect_number("{}", NULL);
}

static void test_other_values_are_no_numbers(void **state)
{
    (void)state;
    expect_number("{\"amount\":\"10\"}", NULL);
    expect_number("{\"amount\":null}", NULL);
    expect_number("{\"amount\":true}", NULL);
    expect_number("{\"amount\":[1]}", NULL);
    expect_number("{\"amount\":{\"amount\":1}}", NULL);
}

static void test_looking_in_broken_text_ends_within_it(void **state)
{
    (void)state;
    const char text[] = "{\"a\\\"\" : [1,{\"b\":2}] , \"\\u0061mount\":12.50}";
    for (size_t length = 0; length < strlen(text); length++) {
        char *exact = malloc(length > 0 ? length : 1);
        memcpy(exact, text, length);
        const char *number;
        size_t number_length;
        json_number_text(exact, length, "amount", &number, &number_length);
        free(exact);
    }
}

static void expect_text(json_t *value, const char *expected)
{
    size_t length;
    char *text = json_text(value, &length);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
    json_release(&value);
}

static void test_values_are_written_compact(void **state)
{
    (void)state;
    expect_text(json_pack("{s:i, s:[f, n, b]}", "b", 1, "a", 0.1, 1),
                "{\"b\":1,\"a\":[0.1,null,true]}");
    expect_text(json_string("\"\n"), "\"\\\"\\n\"");
    expect_text(NULL, "null");
    const struct uuid id = {{1, 2}};
    expect_text(json_uuid(&id), "\"01020000-0000-0000-0000-000000000000\"");
    expect_text(json_timestamp(1), "\"1970-01-01T00:00:00.000001Z\"");
}

static void expect_money(money_cents amount)
{
    money_cents back = 0;
    size_t length;
    json_t *value = json_money(amount);
    char *text = json_text(value, &length);
    assert_int_equal(money_parse(text, length, &back), MONEY_OK);
    assert_int_equal(back, amount);
    free(text);
    json_release(&value);
}

static void test_money_is_written_exactly(void **state)
{
    (void)state;
    const money_cents largest = INT64_C(999999999999999);
    for (money_cents i = 0; i < 20000; i++) {
        expect_money(i);
        expect_money(-i);
        expect_money(largest - i);
        expect_money(largest / 20000 * i + i);
    }
    expect_text(json_money(123450), "1234.5");
    expect_text(json_money(largest), "9999999999999.99");
}

static void expect_quoted(const char *text, size_t length, size_t size, const char *expected)
{
    char to[64];
    memset(to, '#', sizeof to);
    assert_int_equal(json_quote(text, length, to, size), strlen(expected));
    assert_string_equal(to, expected);
    assert_int_equal(to[size], '#');
}

static void test_texts_are_quoted(void **state)
{
    (void)state;
    expect_quoted("joy", 3, 6, "\"joy\"");
    expect_quoted("joyous", 3, 32, "\"joy\"");
    expect_quoted("", 0, 3, "\"\"");
    expect_quoted("a\"\\b", 4, 9, "\"a\\\"\\\\b\"");
    expect_quoted("\n\x01", 2, 32, "\"\\n\\u0001\"");
    expect_quoted("caf\xc3\xa9", 5, 8, "\"caf\xc3\xa9\"");
}

static void test_what_cannot_be_quoted_becomes_the_empty_text(void **state)
{
    (void)state;
    expect_quoted("joy", 3, 5, "\"\"");
    expect_quoted("a\"\\b", 4, 8, "\"\"");
    expect_quoted("\xff", 1, 32, "\"\"");
    expect_quoted("\xc3\xa9", 1, 32, "\"\"");
}

static void test_plain_text_ends_at_the_first_byte_that_is_not(void **state)
{
    (void)state;
    char text[20];
    for (size_t length = 0; length <= sizeof text; length++) {
        for (size_t place = 0; place < length; place++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(text, 'x', sizeof text);
                text[place] = (char)byte;
                const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
                assert_int_equal(json_plain_length(text, length), plain ? length : place);
            }
        }
        memset(text, '~', sizeof text);
        assert_int_equal(json_plain_length(text, length), length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_is_read),
        cmocka_unit_test(test_json_that_is_no_object_is_told_apart),
        cmocka_unit_test(test_broken_json_is_refused_with_a_reason),
        cmocka_unit_test(test_broken_text_is_refused),
        cmocka_unit_test(test_deep_nesting_is_refused_without_a_crash),
        cmocka_unit_test(test_an_error_quotes_nothing_of_the_input),
        cmocka_unit_test(test_the_text_of_a_number_is_found_as_it_stands),
        cmocka_unit_test(test_only_the_member_of_the_outermost_object_counts),
        cmocka_unit_test(test_other_values_are_no_numbers),
        cmocka_unit_test(test_looking_in_broken_text_ends_within_it),
        cmocka_unit_test(test_values_are_written_compact),
        cmocka_unit_test(test_money_is_written_exactly),
        cmocka_unit_test(test_texts_are_quoted),
        cmocka_unit_test(test_what_cannot_be_quoted_becomes_the_empty_text),
        cmocka_unit_test(test_plain_text_ends_at_the_first_byte_that_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
