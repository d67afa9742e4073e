// SPDX-License-Identifier: Apache-2.0
// The URLs of services, over TCP and over Unix domain sockets.
#include "platform/http/url.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

static void assert_span(struct span span, const char *expected)
{
    assert_int_equal(span.length, strlen(expected));
    assert_memory_equal(span.data, expected, span.length);
}

static void assert_parts(const char *text, const char *origin, const char *target)
{
    struct url_parts url;
    assert_true(url_split(text, &url));
    assert_span(url.origin, origin);
    assert_span(url.target, target);
}

static void test_the_origin_of_a_url_ends_before_its_path(void **state)
{
    struct url_parts url;
    (void)state;
    assert_true(url_split("https://host:1/a", &url));
    assert_int_equal(url.origin.length, strlen("https://host:1"));
    assert_true(url_split("http://host?a", &url));
    assert_int_equal(url.origin.length, strlen("http://host"));
}

static void test_the_path_of_a_socket_ends_at_a_colon(void **state)
{
    struct url_parts url;
    (void)state;
    assert_parts("unix:/run/s.sock:/v1/a?b=c:d#e", "unix:/run/s.sock", "/v1/a?b=c:d");
    assert_parts("unix:/a b?#:/c", "unix:/a b?#", "/c");
    assert_parts("unix:/run/s.sock:", "unix:/run/s.sock", "");
    assert_parts("unix:/run/s.sock", "unix:/run/s.sock", "");
    assert_true(url_split("unix:/s:/a", &url));
    assert_span(url.host, "localhost");
}

static void test_what_is_no_url_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "host/",
        "ftp://host/",
        "HTTP://host/",
        "http://",
        "http:///a",
        "http://a@/",
        "http://host/a b",
        "http://h/\r\nX: y",
        "http://h\n",
        "http://h/\x7f",
        "http://h/\xc3\xa9",
        "unix:",
        "unix::/a",
        "unix:/s:/a b",
        "unix:/s:/\r\nX: y",
    };
    struct url_parts url;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(url_split(texts[i], &url));
    }
}

static void assert_text(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void test_paths_are_appended_to_a_base(void **state)
{
    (void)state;
    assert_text(url_base("http://host:9001"), "http://host:9001");
    assert_text(url_base("https://host/below/"), "https://host/below");
    assert_text(url_base("unix:/run/s.sock"), "unix:/run/s.sock:");
}

static void test_a_listener_of_this_machine_is_asked_where_it_listens(void **state)
{
    (void)state;
    assert_text(url_base_of_listener("10.0.0.1:80"), "http://10.0.0.1:80");
    assert_text(url_base_of_listener("[::1]:80"), "http://[::1]:80");
    assert_text(url_base_of_listener("0.0.0.0:80"), "http://127.0.0.1:80");
    assert_text(url_base_of_listener("[::]:80"), "http://127.0.0.1:80");
    assert_text(url_base_of_listener("unix:/run/s.sock"), "unix:/run/s.sock:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_origin_of_a_url_ends_before_its_path),
        cmocka_unit_test(test_the_path_of_a_socket_ends_at_a_colon),
        cmocka_unit_test(test_what_is_no_url_is_refused),
        cmocka_unit_test(test_paths_are_appended_to_a_base),
        cmocka_unit_test(test_a_listener_of_this_machine_is_asked_where_it_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
