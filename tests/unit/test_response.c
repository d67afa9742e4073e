// SPDX-License-Identifier: Apache-2.0
// The answer of a call reads the same however its bytes arrive; what could be read in two ways, or
// has no end, is no answer.
#include "platform/http/response.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#define BODY_MAX 64

struct seen {
    enum response_outcome outcome;
    size_t used;
};

// Feeds a text in pieces, 0 for one piece.
static struct seen feed(struct response *response, const char *text, size_t piece)
{
    struct seen seen = {RESPONSE_MORE, 0};
    size_t length = strlen(text);
    while (seen.used < length && seen.outcome == RESPONSE_MORE) {
        size_t left = length - seen.used;
        size_t used = 0;
        seen.outcome = response_feed(response, text + seen.used,
                                     piece == 0 || piece > left ? left : piece, &used);
        seen.used += used;
    }
    return seen;
}

struct expected {
    int status; /* 0: broken */
    const char *body;
    bool stays;
};

static void expect_answer(const struct response *response, struct expected expected)
{
    struct response_parts parts = response_parts(response);
    assert_int_equal(parts.status, expected.status);
    assert_int_equal(parts.body->length, strlen(expected.body));
    assert_memory_equal(parts.body->length > 0 ? parts.body->data : "", expected.body,
                        parts.body->length);
    assert_int_equal(response_stays(response), expected.stays);
}

// The text, in pieces of every size, is that answer and not a byte more.
static void expect_read(const char *text, bool is_to_head, struct expected expected)
{
    struct response *response = response_new();
    for (size_t piece = 0; piece <= strlen(text); piece++) {
        response_expect(response, is_to_head, BODY_MAX);
        struct seen seen = feed(response, text, piece);
        assert_int_equal(seen.outcome, RESPONSE_COMPLETE);
        assert_int_equal(seen.used, strlen(text));
        expect_answer(response, expected);
    }
    response_free(&response);
    assert_null(response);
}

static void expect_broken(const char *text)
{
    for (size_t piece = 0; piece <= strlen(text); piece++) {
        struct response *response = response_new();
        response_expect(response, false, BODY_MAX);
        assert_int_equal(feed(response, text, piece).outcome, RESPONSE_BROKEN);
        assert_non_null(response_fault(response));
        assert_false(response_stays(response));
        response_free(&response);
    }
}

static void test_an_answer_reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    expect_read("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", false,
                (struct expected){202, "{}", true});
    expect_read("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", false,
                (struct expected){200, "", true});
    expect_read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                "1;x=y\r\n{\r\n1\r\n}\r\n0\r\nX-Trailer: a\r\nContent-Type: b\r\n\r\n",
                false, (struct expected){200, "{}", true});
}

static void test_what_a_caller_is_told_comes_from_the_head_alone(void **state)
{
    static const char text[] =
        "HTTP/1.1 503 No\r\nX-Content-Type: a\r\ncontent-TYPE:  text/plain \r\n"
        "Retry-After: 7\r\nratelimit-REMAINING: 0\r\nContent-Type-X: b\r\nTransfer-Encoding: "
        "chunked\r\nWWW-Authenticate: Bearer realm=\"a\"\r\n"
        "\r\n0\r\nRetry-After: 9\r\n\r\n";
    struct response *response = response_new();
    (void)state;
    for (size_t piece = 0; piece < sizeof text; piece++) {
        response_expect(response, false, BODY_MAX);
        assert_int_equal(feed(response, text, piece).outcome, RESPONSE_COMPLETE);
        assert_string_equal(response_parts(response).content_type, "text/plain");
        assert_string_equal(response_parts(response).passed_on[0], "7");
        assert_null(response_parts(response).passed_on[1]);
        assert_string_equal(response_parts(response).passed_on[2], "0");
        assert_string_equal(response_parts(response).passed_on[4], "Bearer realm=\"a\"");
    }
    response_expect(response, false, BODY_MAX);
    assert_string_equal(response_parts(response).content_type, "");
    for (size_t i = 0; i < HTTP_PASSED_ON; i++) {
        assert_null(response_parts(response).passed_on[i]);
    }
    response_free(&response);
}

static void test_a_long_value_is_cut_off(void **state)
{
    struct response *response = response_new();
    struct buffer text = {0};
    (void)state;
    buffer_add_format(&text, "HTTP/1.1 204 No\r\nContent-Type: %0300d\r\n\r\n", 1);
    response_expect(response, false, BODY_MAX);
    assert_int_equal(feed(response, text.data, 7).outcome, RESPONSE_COMPLETE);
    assert_int_equal(strlen(response_parts(response).content_type), 127);
    buffer_free(&text);
    response_free(&response);
}

static void test_an_answer_without_a_body_ends_with_its_head(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
    (void)state;
    expect_read(head, true, (struct expected){200, "", true});
    expect_read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true,
                (struct expected){200, "", true});
    expect_read("HTTP/1.1 204 No Content\r\n\r\n", false, (struct expected){204, "", true});
    expect_read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n", false,
                (struct expected){304, "", true});
}

static void test_interim_answers_are_skipped(void **state)
{
    (void)state;
    expect_read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Type: a\r\n\r\n"
                "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
                false, (struct expected){202, "{}", true});
    expect_broken("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
}

static void test_the_other_side_says_whether_the_connection_stays(void **state)
{
    (void)state;
    expect_read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", false,
                (struct expected){200, "{}", false});
    expect_read("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", false,
                (struct expected){200, "{}", false});
    expect_read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", false,
                (struct expected){200, "{}", true});
}

static void test_bytes_after_an_answer_are_not_a_part_of_it(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n";
    struct response *response = response_new();
    (void)state;
    response_expect(response, false, BODY_MAX);
    struct seen seen = feed(response, text, 0);
    assert_int_equal(seen.outcome, RESPONSE_COMPLETE);
    assert_int_equal(seen.used, sizeof text - 1 - strlen("HTTP/1.1 200 OK\r\n"));
    response_free(&response);
}

static void test_an_end_completes_only_an_answer_without_a_length(void **state)
{
    static const struct {
        const char *text;
        enum response_outcome outcome;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", RESPONSE_COMPLETE},
        {"HTTP/1.1 200 OK\r\n\r\n{}", RESPONSE_COMPLETE},
        {"", RESPONSE_BROKEN},
        {"HTTP/1.1 200 OK\r\n", RESPONSE_BROKEN},
        {"HTTP/1.1 100 Continue\r\n\r\n", RESPONSE_BROKEN},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", RESPONSE_BROKEN},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", RESPONSE_BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response *response = response_new();
        response_expect(response, false, BODY_MAX);
        assert_int_equal(feed(response, cases[i].text, 0).outcome, RESPONSE_MORE);
        assert_int_equal(response_end(response), cases[i].outcome);
        assert_false(response_stays(response));
        assert_true((response_fault(response) == NULL) == (cases[i].outcome == RESPONSE_COMPLETE));
        response_free(&response);
    }
}

static void test_what_is_no_plain_answer_is_refused(void **state)
{
    static const char *const texts[] = {
        "hello",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunkedchunkedchunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_broken(texts[i]);
    }
}

// ---- bounds

static void test_a_body_beyond_its_limit_is_refused(void **state)
{
    struct buffer text = {0};
    (void)state;
    expect_broken("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n");
    expect_broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "20\r\n01234567890123456789012345678901\r\n"
                  "21\r\n012345678901234567890123456789012\r\n");
    buffer_add_format(&text, "HTTP/1.1 200 OK\r\n\r\n%065d", 1);
    expect_broken(text.data);
    buffer_clear(&text);
    buffer_add_format(&text, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n%064d", 1);
    expect_read(text.data, false, (struct expected){200, text.data + text.length - 64, true});
    buffer_free(&text);
}

// Feeds the beginning, then the same bytes over and over; answers how many were taken until they
// were refused, or until there were far too many.
static size_t feed_without_end(const char *begin, const char *more)
{
    struct response *response = response_new();
    response_expect(response, false, BODY_MAX);
    struct seen seen = feed(response, begin, 0);
    size_t total = 0;
    while (seen.outcome == RESPONSE_MORE && total < 100 * RESPONSE_HEADS_MAX) {
        seen = feed(response, more, 0);
        total += strlen(more);
    }
    assert_int_equal(seen.outcome, RESPONSE_BROKEN);
    response_free(&response);
    return total;
}

static void test_nothing_around_a_body_goes_on_for_ever(void **state)
{
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct buffer begun = {0};
    (void)state;
    assert_true(feed_without_end("HTTP/1.1 200 OK\r\n", "X-A: b\r\n") <= RESPONSE_HEADS_MAX);
    assert_true(feed_without_end("HTTP/1.1 200 ", "OK") <= RESPONSE_HEADS_MAX);
    assert_true(feed_without_end("HTTP/1.1 200 OK\r\nX-A: ", "b") <= RESPONSE_HEADS_MAX);
    assert_true(feed_without_end("", "HTTP/1.1 100 Continue\r\n\r\n") <= RESPONSE_HEADS_MAX + 64);
    buffer_add_format(&begun, "%s0\r\n", chunked);
    assert_true(feed_without_end(begun.data, "X-A: b\r\n") <= RESPONSE_HEADS_MAX + 64);
    buffer_clear(&begun);
    buffer_add_format(&begun, "%s2;", chunked);
    assert_true(feed_without_end(begun.data, "extension") <= RESPONSE_HEADS_MAX + 64);
    buffer_free(&begun);
}

static void test_the_next_answer_knows_nothing_of_the_last(void **state)
{
    struct response *response = response_new();
    (void)state;
    response_expect(response, true, BODY_MAX);
    assert_int_equal(feed(response, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 0).outcome,
                     RESPONSE_COMPLETE);
    response_expect(response, false, BODY_MAX);
    assert_int_equal(feed(response, "HTTP/1.1 202 OK\r\nContent-Le", 0).outcome, RESPONSE_MORE);
    response_expect(response, false, BODY_MAX);
    assert_int_equal(feed(response, "HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\n{}", 0).outcome,
                     RESPONSE_COMPLETE);
    expect_answer(response, (struct expected){201, "{}", true});
    response_free(&response);
}

// Larger in all than any answer may be, and with more framing around its small parts.
static void test_an_answer_that_goes_on_is_forgotten_as_it_comes(void **state)
{
    static const char part[] = "5\r\n: hi\n\r\n";
    struct response *response = response_new();
    (void)state;
    response_expect(response, false, BODY_MAX);
    assert_int_equal(
        feed(response, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream", 0).outcome,
        RESPONSE_MORE);
    assert_false(response_is_stream(response));
    feed(response, "; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n", 0);
    assert_true(response_is_stream(response));
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(feed(response, part, 0).outcome, RESPONSE_MORE);
        expect_answer(response, (struct expected){200, ": hi\n", false});
        response_forget_body(response);
    }
    assert_int_equal(feed(response, "0\r\n\r\n", 0).outcome, RESPONSE_COMPLETE);
    response_free(&response);
}

static void test_a_refusal_of_a_stream_is_an_answer_as_any_other(void **state)
{
    struct response *response = response_new();
    (void)state;
    response_expect(response, false, BODY_MAX);
    feed(response, "HTTP/1.1 503 No\r\nContent-Type: text/event-stream\r\n\r\n", 0);
    assert_false(response_is_stream(response));
    response_free(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_reads_the_same_however_it_is_cut),
        cmocka_unit_test(test_what_a_caller_is_told_comes_from_the_head_alone),
        cmocka_unit_test(test_a_long_value_is_cut_off),
        cmocka_unit_test(test_an_answer_without_a_body_ends_with_its_head),
        cmocka_unit_test(test_interim_answers_are_skipped),
        cmocka_unit_test(test_the_other_side_says_whether_the_connection_stays),
        cmocka_unit_test(test_bytes_after_an_answer_are_not_a_part_of_it),
        cmocka_unit_test(test_an_end_completes_only_an_answer_without_a_length),
        cmocka_unit_test(test_what_is_no_plain_answer_is_refused),
        cmocka_unit_test(test_a_body_beyond_its_limit_is_refused),
        cmocka_unit_test(test_nothing_around_a_body_goes_on_for_ever),
        cmocka_unit_test(test_the_next_answer_knows_nothing_of_the_last),
        cmocka_unit_test(test_an_answer_that_goes_on_is_forgotten_as_it_comes),
        cmocka_unit_test(test_a_refusal_of_a_stream_is_an_answer_as_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
