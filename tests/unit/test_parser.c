// SPDX-License-Identifier: Apache-2.0
// The parser says the same of a request however its bytes arrive, and refuses what readers of HTTP
// disagree on.
#include "platform/http/parser.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#define BODY_MAX 64
#define BATCH_MAX 256

// Feeds a text in two pieces, the first of `cut` bytes; answers the refusal, 0 when it is complete,
// -1 when more would have to come.
static int feed_cut(struct parser *parser, const char *text, size_t cut)
{
    const size_t lengths[] = {cut, strlen(text) - cut};
    parser_next(parser);
    for (size_t i = 0; i < 2; text += lengths[i++]) {
        size_t used = 0;
        const char *detail = NULL;
        switch (parser_feed(parser, text, lengths[i], &used)) {
        case PARSE_COMPLETE:
            assert_int_equal(used, lengths[i]);
            return 0;
        case PARSE_REFUSED:
            return parser_refusal(parser, &detail);
        case PARSE_MORE:
            assert_int_equal(used, lengths[i]);
            break;
        case PARSE_BATCH:
            fail();
        }
    }
    return -1;
}

static struct parser *new_parser(void)
{
    return parser_new(&(struct parser_limits){.body = BODY_MAX, .batch = BATCH_MAX});
}

static void expect(const char *text, int refusal)
{
    struct parser *parser = new_parser();
    for (size_t cut = 0; cut < strlen(text); cut++) {
        assert_int_equal(feed_cut(parser, text, cut), refusal);
    }
    parser_free(&parser);
    assert_null(parser);
}

static void test_a_body_may_begin_with_a_blank_wherever_the_bytes_are_cut(void **state)
{
    (void)state;
    expect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n {}\n ", 0);
    expect("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\t1\r\n0\r\n\r\n",
           0);
}

static void test_a_line_feed_alone_does_not_end_the_head(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\nHost: h\r\n\n", 400);
    expect("GET / HTTP/1.1\r\nHost: h\n\r\n", 400);
    expect("GET / HTTP/1.1\nHost: h\r\n\r\n", 400);
}

static void test_a_folded_line_is_refused(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n", 400);
    expect("GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\tc\r\n\r\n", 400);
    expect("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400);
}

static void test_each_refusal_has_its_status(void **state)
{
    static const struct {
        const char *text;
        int refusal;
    } cases[] = {
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        {"FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
        {"LINK / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400},
        {"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nExpect: foo\r\n\r\n", 417},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(cases[i].text, cases[i].refusal);
    }
}

// ---- batches

#define BATCH_HEAD "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\n"

// Reads a batch whose bytes come `piece` at a time, forgetting its body as it comes. Answers as
// feed_cut does; `body` gets all of the body.
static int read_batch(const char *text, size_t piece, struct buffer *body)
{
    struct parser *parser = new_parser();
    const char *detail = NULL;
    int outcome = -1;
    size_t heads = 0;
    for (const char *end = text + strlen(text); text < end && outcome == -1;) {
        size_t length = (size_t)(end - text) < piece ? (size_t)(end - text) : piece;
        size_t used = 0;
        enum parse_outcome parsed = parser_feed(parser, text, length, &used);
        text += used;
        heads += parsed == PARSE_BATCH;
        const struct buffer *came = &parser_request(parser)->body;
        assert_true(came->length <= length);
        buffer_add(body, came->data, came->length);
        parser_forget_body(parser);
        if (parsed == PARSE_COMPLETE) {
            outcome = 0;
        } else if (parsed == PARSE_REFUSED) {
            outcome = parser_refusal(parser, &detail);
        }
    }
    assert_true(heads == 1 || outcome > 0);
    parser_free(&parser);
    return outcome;
}

static void expect_batch(const char *text, int refusal, const char *body)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct buffer came = {0};
        buffer_add_text(&came, "");
        assert_int_equal(read_batch(text, piece, &came), refusal);
        if (refusal == 0) {
            assert_string_equal(came.data, body);
        }
        buffer_free(&came);
    }
}

static void test_a_batch_is_read_part_by_part(void **state)
{
    (void)state;
    expect_batch(BATCH_HEAD "Content-Length: 4\r\n\r\n1\n2\n", 0, "1\n2\n");
    expect_batch(BATCH_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n1\n2\r\n1\r\n\n\r\n0\r\n\r\n",
                 0, "1\n2\n");
}

static void test_a_batch_has_a_limit_of_its_own(void **state)
{
    (void)state;
    expect_batch(BATCH_HEAD "Content-Length: 257\r\n\r\n1\n", 413, NULL);
    struct buffer text = {0};
    buffer_add_text(&text, BATCH_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < 5; i++) {
        buffer_add_text(
            &text, "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n");
    }
    expect_batch(text.data, 413, NULL);
    buffer_free(&text);
}

static void test_a_batch_without_a_body_is_complete_with_its_head(void **state)
{
    (void)state;
    expect(BATCH_HEAD "\r\n", 0);
    expect(BATCH_HEAD "Content-Length: 0\r\n\r\n", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_may_begin_with_a_blank_wherever_the_bytes_are_cut),
        cmocka_unit_test(test_a_line_feed_alone_does_not_end_the_head),
        cmocka_unit_test(test_a_folded_line_is_refused),
        cmocka_unit_test(test_each_refusal_has_its_status),
        cmocka_unit_test(test_a_batch_is_read_part_by_part),
        cmocka_unit_test(test_a_batch_has_a_limit_of_its_own),
        cmocka_unit_test(test_a_batch_without_a_body_is_complete_with_its_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
