// SPDX-License-Identifier: Apache-2.0
// Settings: where a value comes from, what is refused, and that secrets stay hidden.
#include "platform/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int forget_settings(void **state)
{
    (void)state;
    return clearenv();
}

static void assert_refused(const char *name, const char *value, const char *expected)
{
    char error[CONFIG_ERROR_SIZE] = "";
    setenv(name, value, 1);
    struct config *config = config_load(error);
    assert_null(config);
    assert_non_null(strstr(error, name));
    assert_non_null(strstr(error, expected));
    assert_null(strchr(error, '\n'));
    unsetenv(name);
}

static void test_defaults_hold_without_an_environment(void **state)
{
    (void)state;
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    assert_non_null(config);
    assert_string_equal(config_text(config, SETTING_API_GATEWAY_LISTEN), "127.0.0.1:9999");
    assert_int_equal(config_number(config, SETTING_DECISION_CACHE_SECONDS), 300);
    assert_true(config_decimal(config, SETTING_STRESS_THRESHOLD) > 0.69);
    assert_false(config_is_set(config, SETTING_API_GATEWAY_LISTEN));
    config_free(&config);
    assert_null(config);
}

static void test_the_environment_wins_over_the_default(void **state)
{
    (void)state;
    char error[CONFIG_ERROR_SIZE];
    setenv("HTTP_WORKERS", "7", 1);
    struct config *config = config_load(error);
    assert_int_equal(config_number(config, SETTING_HTTP_WORKERS), 7);
    assert_true(config_is_set(config, SETTING_HTTP_WORKERS));
    config_free(&config);
}

static void test_there_are_no_default_secrets(void **state)
{
    (void)state;
    char error[CONFIG_ERROR_SIZE] = "";
    struct config *config = config_load(error);
    assert_false(config_require(config, SETTING_SECRET_KEY, error));
    assert_non_null(strstr(error, "SECRET_KEY"));
    config_free(&config);
}

static void test_bad_values_are_named_in_one_line(void **state)
{
    (void)state;
    assert_refused("SECRET_KEY", "too short", "32");
    assert_refused("HTTP_WORKERS", "0", "between 1 and 256");
    assert_refused("HTTP_WORKERS", "four", "whole number");
    assert_refused("HTTP_WORKERS", "4x", "whole number");
    assert_refused("HTTP_WORKERS", "99999999999999999999", "whole number");
    assert_refused("STRESS_THRESHOLD", "nan", "between 0 and 1");
    assert_refused("STRESS_THRESHOLD", "1.5", "between 0 and 1");
    assert_refused("LOG_FORMAT", "xml", "text|json");
    assert_refused("LOG_FORMAT", "tex", "text|json");
    assert_refused("API_GATEWAY_LISTEN", "9999", "host:port");
    assert_refused("API_GATEWAY_LISTEN", "127.0.0.1:99999", "host:port");
    assert_refused("EMOTION_SERVICE_URL", "localhost:9001", "http://");
    assert_refused("EMOTION_SERVICE_LISTEN", "unix:relative.sock", "absolute");
    assert_refused("EMOTION_SERVICE_URL", "unix:/run/a:b.sock", "colons");
    char longest[sizeof "unix:" + 108] = "unix:/";
    memset(longest + strlen(longest), 'x', 107);
    assert_refused("METRICS_LISTEN", longest, "107 bytes");
    assert_refused("SECRET_KEY_FILE", "/does/not/exist", "cannot read");
}

static char *write_temporary(const char *content, char path[static 32])
{
    snprintf(path, 32, "/tmp/ecs-config-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), (ssize_t)strlen(content));
    close(file);
    return path;
}

static void test_a_secret_can_come_from_a_file(void **state)
{
    (void)state;
    char error[CONFIG_ERROR_SIZE];
    char path[32];
    setenv("SECRET_KEY_FILE", write_temporary("0123456789abcdef0123456789abcdef\n", path), 1);
    struct config *config = config_load(error);
    assert_non_null(config);
    assert_string_equal(config_text(config, SETTING_SECRET_KEY),
                        "0123456789abcdef0123456789abcdef");
    config_free(&config);

    setenv("SECRET_KEY", "0123456789abcdef0123456789abcdef", 1);
    assert_null(config_load(error));
    assert_non_null(strstr(error, "both set"));
    unlink(path);
}

static void test_secrets_are_masked_when_shown(void **state)
{
    (void)state;
    char error[CONFIG_ERROR_SIZE];
    setenv("SECRET_KEY", "0123456789abcdef0123456789abcdef", 1);
    setenv("DATABASE_URL", "postgresql://ecs:hidden@127.0.0.1/ecs", 1);
    struct config *config = config_load(error);
    char *shown = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&shown, &length);
    config_print(config, to);
    fclose(to);
    assert_null(strstr(shown, "0123456789abcdef"));
    assert_null(strstr(shown, "hidden"));
    assert_non_null(strstr(shown, "SECRET_KEY=********"));
    assert_non_null(strstr(shown, "HTTP_WORKERS=4"));
    free(shown);
    config_free(&config);
}

int main(void)
{
    // The tests clear the environment, where the form of the report is asked for.
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults_hold_without_an_environment, forget_settings),
        cmocka_unit_test_setup(test_the_environment_wins_over_the_default, forget_settings),
        cmocka_unit_test_setup(test_there_are_no_default_secrets, forget_settings),
        cmocka_unit_test_setup(test_bad_values_are_named_in_one_line, forget_settings),
        cmocka_unit_test_setup(test_a_secret_can_come_from_a_file, forget_settings),
        cmocka_unit_test_setup(test_secrets_are_masked_when_shown, forget_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
