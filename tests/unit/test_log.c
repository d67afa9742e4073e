// SPDX-License-Identifier: Apache-2.0
// The log: one line an event, in both forms, and nothing from outside can forge a line.
#include "platform/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Runs `write_lines` with standard output going into a pipe; answers what came out.
static char *captured(void (*write_lines)(struct log *log), enum log_level least,
                      enum log_format format)
{
    static char text[4096];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    struct log *log = log_open("test", least, format);
    write_lines(log);
    log_close(&log);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void write_hostile(struct log *log)
{
    log_info(log, "request", LOG_TEXT("path", "/x\r\n2026 - ERROR - forged \"y\""),
             LOG_NUMBER("status", 404));
}

static void test_a_value_cannot_forge_a_line(void **state)
{
    (void)state;
    char *text = captured(write_hostile, LOG_INFO, LOG_AS_TEXT);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, " - INFO - request process=test path=\"/x\\u000d\\u000a2026"));
    assert_non_null(strstr(text, "\\\"y\\\"\" status=404\n"));
}

static void test_the_json_form_is_json(void **state)
{
    (void)state;
    char *text = captured(write_hostile, LOG_INFO, LOG_AS_JSON);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_memory_equal(text, "{\"timestamp\":\"", 14);
    assert_non_null(
        strstr(text, "\"level\":\"INFO\",\"message\":\"request\",\"process\":\"test\""));
    assert_non_null(strstr(text, "\"status\":404}\n"));
}

static void test_lower_levels_are_left_out(void **state)
{
    (void)state;
    assert_string_equal(captured(write_hostile, LOG_WARNING, LOG_AS_TEXT), "");
}

static void write_long(struct log *log)
{
    static char value[3000];
    memset(value, 'v', sizeof value - 1);
    log_info(log, "long", LOG_TEXT("a", value), LOG_TEXT("b", "end"));
}

static void test_a_long_line_still_ends(void **state)
{
    (void)state;
    char *text = captured(write_long, LOG_INFO, LOG_AS_TEXT);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_non_null(strstr(text, " b=end\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_cannot_forge_a_line),
        cmocka_unit_test(test_the_json_form_is_json),
        cmocka_unit_test(test_lower_levels_are_left_out),
        cmocka_unit_test(test_a_long_line_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
