// SPDX-License-Identifier: Apache-2.0
// The two sides of an exchange: what a handler reads from a request as it came over the wire, and
// what its answer looks like there.
#include "platform/http/exchange_internal.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

struct trial {
    struct parser *parser;
    struct http_exchange exchange;
    struct random_digits random;
    struct buffer out;
    int sent;
};

static void count_sent(void *arg, struct http_exchange *exchange)
{
    struct trial *trial = arg;
    (void)exchange;
    trial->sent++;
}

static int set_up(void **state)
{
    static struct trial trial;
    trial = (struct trial){.parser = parser_new(&(struct parser_limits){1024, 4096})};
    *state = &trial;
    return 0;
}

static int tear_down(void **state)
{
    struct trial *trial = *state;
    exchange_release(&trial->exchange);
    buffer_free(&trial->out);
    parser_free(&trial->parser);
    return 0;
}

static struct http_exchange *receive(struct trial *trial, const char *request)
{
    size_t used = 0;
    parser_next(trial->parser);
    exchange_clear(&trial->exchange);
    assert_int_equal(parser_feed(trial->parser, request, strlen(request), &used), PARSE_COMPLETE);
    assert_int_equal(used, strlen(request));
    exchange_begin(&trial->exchange, parser_request(trial->parser), &trial->random);
    trial->exchange.send = count_sent;
    trial->exchange.server_arg = trial;
    return &trial->exchange;
}

static struct http_exchange *receive_get(struct trial *trial, const char *target,
                                         const char *headers)
{
    char request[2048];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: ecs\r\n%s\r\n", target, headers);
    return receive(trial, request);
}

static const char *written(struct trial *trial, enum answer_ending ending)
{
    buffer_clear(&trial->out);
    exchange_write(&trial->exchange, "", ending, &trial->out);
    return trial->out.data;
}

static void test_the_parts_of_a_request_are_found(void **state)
{
    struct http_exchange *exchange = receive(*state, "PUT /v1/a?b=c&d HTTP/1.1\r\nHost: ecs\r\n"
                                                     "X-Thing:  two words \t\r\nX-None:\r\n"
                                                     "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(http_method(exchange), HTTP_PUT);
    assert_string_equal(http_path(exchange), "/v1/a");
    assert_string_equal(http_query(exchange), "b=c&d");
    assert_string_equal(http_header(exchange, "x-thing"), "two words");
    assert_string_equal(http_header(exchange, "X-NONE"), "");
    assert_null(http_header(exchange, "X-Thin"));
    assert_string_equal(http_path_part(exchange, "user_id"), "");
    assert_int_equal(http_body(exchange).length, 5);
    assert_memory_equal(http_body(exchange).data, "hello", 5);
}

static void test_a_request_without_query_and_body_has_empty_ones(void **state)
{
    struct http_exchange *exchange = receive_get(*state, "/", "");
    assert_string_equal(http_path(exchange), "/");
    assert_string_equal(http_query(exchange), "");
    assert_int_equal(http_body(exchange).length, 0);
    assert_non_null(http_body(exchange).data);
}

static void test_a_good_request_id_is_kept_and_a_bad_one_replaced(void **state)
{
    struct trial *trial = *state;
    assert_string_equal(http_request_id(receive_get(trial, "/", "X-Request-ID: a-1\r\n")), "a-1");
    char first[REQUEST_ID_SIZE];
    snprintf(first, sizeof first, "%s", http_request_id(receive_get(trial, "/", "")));
    assert_int_equal(strlen(first), 32);
    assert_int_equal(strlen(http_request_id(receive_get(trial, "/", "X-Request-ID: a b\r\n"))), 32);
    assert_string_not_equal(http_request_id(&trial->exchange), first);
}

static void test_a_trace_is_continued_with_a_new_span(void **state)
{
    const struct trace *trace = http_trace(receive_get(
        *state, "/", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
    assert_string_equal(trace->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_not_equal(trace->span_id, "00f067aa0ba902b7");
    assert_int_equal(strlen(trace->span_id), 16);
    assert_true(trace->sampled);
}

static void test_a_bad_traceparent_starts_a_new_trace(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char header[128];
        snprintf(header, sizeof header, "traceparent: %s\r\n", bad[i]);
        const struct trace *trace = http_trace(receive_get(*state, "/", header));
        assert_int_equal(strlen(trace->trace_id), 32);
        assert_string_not_equal(trace->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_false(trace->sampled);
    }
}

static void test_a_number_of_the_query_is_read(void **state)
{
    struct faults faults = {0};
    int64_t number = 0;
    struct http_exchange *exchange = receive_get(*state, "/?page=7&page_size=100&low=-3", "");
    assert_true(http_query_number(exchange, "page", 1, INT64_MAX, 1, &number, &faults));
    assert_int_equal(number, 7);
    assert_true(http_query_number(exchange, "page_size", 1, 100, 10, &number, &faults));
    assert_int_equal(number, 100);
    assert_true(http_query_number(exchange, "low", -5, 5, 0, &number, &faults));
    assert_int_equal(number, -3);
    assert_true(http_query_number(exchange, "days", 1, 90, 30, &number, &faults));
    assert_int_equal(number, 30);
    assert_int_equal(faults.count, 0);
}

static void test_what_is_not_a_number_of_the_query_is_a_fault(void **state)
{
    static const char *const bad[] = {
        "/?page=",     "/?page",    "/?page=0",        "/?page=101",
        "/?page=1.0",  "/?page=+1", "/?page=%31",      "/?page=99999999999999999999",
        "/?page=0x10", "/?page=-",  "/?page=1&page=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct faults faults = {0};
        int64_t number = 0;
        struct http_exchange *exchange = receive_get(*state, bad[i], "");
        assert_false(http_query_number(exchange, "page", 1, 100, 1, &number, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.items[0].field, "page");
    }
    struct faults faults = {0};
    int64_t number = 0;
    struct http_exchange *exchange = receive_get(*state, "/?page=0", "");
    assert_false(http_query_number(exchange, "page", 1, 100, 1, &number, &faults));
    assert_string_equal(faults.items[0].message, "must be a whole number between 1 and 100");
}

static void test_a_json_answer_on_the_wire(void **state)
{
    struct http_exchange *exchange = receive_get(*state, "/", "X-Request-ID: r\r\n");
    http_answer_header(exchange, "Location", "/x");
    http_answer_header(exchange, "X-Bad", "a\r\nSet-Cookie: b");
    http_answer_json(exchange, 201, json_pack("{s:i}", "a", 1));
    assert_string_equal(written(*state, ANSWER_STAYS),
                        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                        "Content-Length: 7\r\nX-Request-ID: r\r\nLocation: /x\r\n\r\n{\"a\":1}");
    assert_non_null(strstr(written(*state, ANSWER_CLOSES), "Connection: close\r\n"));
    assert_non_null(strstr(written(*state, ANSWER_STAYS_OLD), "Connection: keep-alive\r\n"));
}

static void test_head_has_the_length_but_not_the_body(void **state)
{
    struct http_exchange *exchange =
        receive(*state, "HEAD / HTTP/1.1\r\nHost: ecs\r\nX-Request-ID: r\r\n\r\n");
    http_answer_bytes(exchange, 200, "text/plain", "hello", 5);
    assert_string_equal(written(*state, ANSWER_STAYS),
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                        "X-Request-ID: r\r\n\r\n");
}

static void test_a_problem_names_the_request(void **state)
{
    struct http_exchange *exchange = receive_get(*state, "/", "X-Request-ID: r\r\n");
    http_answer_problem(exchange, 404, "There is \"nothing\" here.");
    assert_string_equal(exchange->body.data,
                        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                        "\"detail\":\"There is \\\"nothing\\\" here.\",\"request_id\":\"r\"}");
    assert_string_equal(exchange->content_type, "application/problem+json");
}

static void test_faults_are_all_listed(void **state)
{
    struct faults faults = {.count = 2, .items = {{"a.b", "must be 1"}, {"c", "is missing"}}};
    struct http_exchange *exchange = receive_get(*state, "/", "");
    http_answer_faults(exchange, &faults);
    assert_int_equal(exchange->status, 422);
    assert_non_null(strstr(exchange->body.data,
                           "\"errors\":[{\"field\":\"a.b\",\"message\":\"must be 1\"},"
                           "{\"field\":\"c\",\"message\":\"is missing\"}]}"));
}

static void test_retry_after_is_rounded_up(void **state)
{
    static const struct {
        int64_t retry_ms;
        const char *line;
    } cases[] = {{1, "Retry-After: 1\r\n"},
                 {1000, "Retry-After: 1\r\n"},
                 {1001, "Retry-After: 2\r\n"},
                 {0, "Retry-After: 1\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_answer_unavailable(receive_get(*state, "/", ""), "Later.", cases[i].retry_ms);
        assert_non_null(strstr(written(*state, ANSWER_STAYS), cases[i].line));
    }
}

static void test_the_first_answer_counts(void **state)
{
    struct http_exchange *exchange = receive_get(*state, "/", "");
    http_answer_json(exchange, 200, json_pack("{s:b}", "first", 1));
    http_answer_header(exchange, "X-Late", "1");
    http_answer_json(exchange, 500, json_object());
    http_answer_problem(exchange, 503, NULL);
    assert_int_equal(exchange->status, 200);
    assert_string_equal(exchange->body.data, "{\"first\":true}");
    assert_null(strstr(written(*state, ANSWER_STAYS), "X-Late"));
}

static void test_no_answer_is_500(void **state)
{
    struct trial *trial = *state;
    http_finish(receive_get(trial, "/", ""));
    assert_int_equal(trial->sent, 1);
    assert_int_equal(trial->exchange.status, 500);
    assert_true(trial->exchange.forgotten);
    http_answer_json(receive_get(trial, "/", ""), 200, NULL);
    assert_int_equal(trial->exchange.status, 500);
}

static void test_204_has_neither_body_nor_length(void **state)
{
    http_answer_bytes(receive_get(*state, "/", "X-Request-ID: r\r\n"), 204, "", "", 0);
    assert_string_equal(written(*state, ANSWER_STAYS),
                        "HTTP/1.1 204 No Content\r\nX-Request-ID: r\r\n\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_parts_of_a_request_are_found),
        TEST(test_a_request_without_query_and_body_has_empty_ones),
        TEST(test_a_good_request_id_is_kept_and_a_bad_one_replaced),
        TEST(test_a_trace_is_continued_with_a_new_span),
        TEST(test_a_bad_traceparent_starts_a_new_trace),
        TEST(test_a_number_of_the_query_is_read),
        TEST(test_what_is_not_a_number_of_the_query_is_a_fault),
        TEST(test_a_json_answer_on_the_wire),
        TEST(test_head_has_the_length_but_not_the_body),
        TEST(test_a_problem_names_the_request),
        TEST(test_faults_are_all_listed),
        TEST(test_retry_after_is_rounded_up),
        TEST(test_the_first_answer_counts),
        TEST(test_no_answer_is_500),
        TEST(test_204_has_neither_body_nor_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
