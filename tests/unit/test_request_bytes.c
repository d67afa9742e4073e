// SPDX-License-Identifier: Apache-2.0
// A call goes out as one request that nobody can read in two ways, to the host that its URL names.
#include "platform/http/request_bytes.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

static void expect_head(const struct http_call *call, const char *expected)
{
    struct url_parts url;
    struct buffer out = {0};
    assert_true(url_split(call->url, &url));
    request_add_head(&out, call, &url);
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void test_a_request_names_its_host_and_its_length(void **state)
{
    const struct http_pair headers[] = {{"Content-Type", "text/plain"}, {"X-Empty", ""}};
    (void)state;
    expect_head(&(struct http_call){.method = HTTP_POST,
                                    .url = "http://host:9001/v1/a?b=c",
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = {"12345678901", 11}},
                "POST /v1/a?b=c HTTP/1.1\r\nHost: host:9001\r\nContent-Type: text/plain\r\n"
                "X-Empty: \r\nContent-Length: 11\r\n\r\n");
    expect_head(&(struct http_call){.method = HTTP_GET, .url = "https://host"},
                "GET / HTTP/1.1\r\nHost: host\r\n\r\n");
    expect_head(&(struct http_call){.method = HTTP_DELETE, .url = "http://[::1]:80?x#y"},
                "DELETE /?x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

static void test_a_method_that_may_have_a_body_always_says_how_long_it_is(void **state)
{
    (void)state;
    expect_head(&(struct http_call){.method = HTTP_PUT, .url = "http://h/"},
                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    expect_head(&(struct http_call){.method = HTTP_GET, .url = "http://h/", .body = {"{}", 2}},
                "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n");
}

static void test_a_header_that_would_end_its_line_is_left_out(void **state)
{
    const struct http_pair headers[] = {
        {"X-A", "a\r\nX-B: b"}, {"X-C\n", "c"}, {"X-D", "d\n"}, {"X-E", "e"}};
    (void)state;
    expect_head(
        &(struct http_call){
            .method = HTTP_GET, .url = "http://h/", .headers = headers, .header_count = 4},
        "GET / HTTP/1.1\r\nHost: h\r\nX-E: e\r\n\r\n");
}

static void test_a_name_and_password_in_a_url_are_not_sent_as_its_host(void **state)
{
    (void)state;
    expect_head(&(struct http_call){.method = HTTP_GET, .url = "http://a:b@c@host/@"},
                "GET /@ HTTP/1.1\r\nHost: host\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_names_its_host_and_its_length),
        cmocka_unit_test(test_a_method_that_may_have_a_body_always_says_how_long_it_is),
        cmocka_unit_test(test_a_header_that_would_end_its_line_is_left_out),
        cmocka_unit_test(test_a_name_and_password_in_a_url_are_not_sent_as_its_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
