// SPDX-License-Identifier: Apache-2.0
// Tests of events/plain_json.c: what is plain is read, and at all else the reader stops.
#include "events/plain_json.h"

#include "platform/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Reads {"s": string, "n": number, "o": {"s": ...}} from a copy that ends where the text does.
static bool reads(const char *text)
{
    static const struct plain_name names[] = {
        PLAIN_NAME("s"), PLAIN_NAME("n"), PLAIN_NAME("o"), {NULL, 0}};
    size_t length = strlen(text);
    char *exact = memory_copy(text, length);
    exact[length] = '}'; /* no NUL behind it */
    struct plain_json json = plain_json_of(exact, length);
    unsigned seen[2] = {0, 0};
    size_t depth = 0;
    plain_open(&json);
    for (;;) {
        int member = plain_member(&json, names, &seen[depth]);
        if (member == 0) {
            plain_string(&json);
        } else if (member == 1) {
            plain_number(&json);
        } else if (member == 2) {
            plain_require(&json, depth++ == 0);
            plain_open(&json);
        } else if (depth == 1 && !json.stopped) {
            depth = 0;
        } else {
            break;
        }
    }
    bool done = plain_is_done(&json);
    free(exact);
    return done;
}

static void test_plain_json_is_read(void **state)
{
    static const char *const texts[] = {
        "{}",
        " {\t\"s\" :\r\n\"a b\" , \"n\": 12.50 } ",
        "{\"n\":0,\"s\":\"\"}",
        "{\"o\":{\"s\":\"x\",\"n\":0.5},\"s\":\"~!/'\"}",
        "{\"o\":{},\"n\":10}",
        "{\"s\":\"x\" ,\"n\":1}",
        "{\"s\":\"x\", \"n\":1}",
        "{\"s\":\"x\",\"n\": 1,\"o\":{\"n\":1}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(reads(texts[i]));
    }
}

static void test_the_reader_stops_at_all_else(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{\"s\"",
        "{\"s\":\"x",
        "{\"s\":\"x\"",
        "{\"s\":\"x\",}",
        "{,\"s\":\"x\"}",
        "{\"s\":\"x\"\"n\":1}",
        "{\"s\":\"x\"}}",
        "{\"s\":\"x\"} x",
        "{\"s\":\"x\",\"s\":\"y\"}",
        "{\"other\":1}",
        "{\"\":1}",
        "{\"sn\":1}",
        "{\"s\":1}",
        "{\"s\":null}",
        "{\"s\":\"a\\u0041\"}",
        "{\"s\":\"\\\"\"}",
        "{\"s\":\"\xc3\xa9\"}",
        "{\"s\":\"\x01\"}",
        "{\"s\":\"\x7f\"}",
        "{\"n\":\"1\"}",
        "{\"n\":-1}",
        "{\"n\":+1}",
        "{\"n\":01}",
        "{\"n\":1.}",
        "{\"n\":.5}",
        "{\"n\":1e2}",
        "{\"n\":1.5E2}",
        "{\"n\":1",
        "{\"n\":}",
        "{\"o\":{\"s\":\"x\"}",
        "{\"o\":[]}",
        "\xef\xbb\xbf{}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (reads(texts[i])) {
            fail_msg("read: %s", texts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_json_is_read),
        cmocka_unit_test(test_the_reader_stops_at_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
