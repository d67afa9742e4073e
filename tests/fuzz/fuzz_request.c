// SPDX-License-Identifier: Apache-2.0
// Bytes of a connection. The first byte of an input says how the rest is cut: however the bytes
// arrive, the parser must say the same. Every request that passes has one plain target, headers
// inside its head, a body within the limit, and ids that are safe to log.
#include "fuzz.h"

#include "platform/http/exchange_internal.h"
#include "platform/http/parser.h"

#include <string.h>

#define BODY_MAX 2048
#define BATCH_MAX 8192

struct outcome {
    size_t complete;
    int refusal; /* 0: none */
    size_t bytes;
};

static void expect_plain_ids(const struct http_exchange *exchange)
{
    const char *id = http_request_id(exchange);
    size_t length = strlen(id);
    EXPECT(length > 0 && length < REQUEST_ID_SIZE);
    for (size_t i = 0; i < length; i++) {
        EXPECT(id[i] > ' ' && id[i] <= '~');
    }
    const struct trace *trace = http_trace(exchange);
    EXPECT(strspn(trace->trace_id, "0123456789abcdef") == TRACE_ID_SIZE - 1);
    EXPECT(strspn(trace->span_id, "0123456789abcdef") == SPAN_ID_SIZE - 1);
}

static void expect_sound(const struct http_request *request)
{
    static struct random_digits random;
    const struct buffer *head = &request->head;
    EXPECT(request->method != NULL);
    EXPECT(head->data[0] == '/' && head->length <= HTTP_HEAD_MAX + 2 * HTTP_HEADERS_MAX);
    EXPECT(strstr(head->data, "//") == NULL && strstr(head->data, "/../") == NULL);
    EXPECT(request->header_count <= HTTP_HEADERS_MAX && request->query < head->length);
    EXPECT(request->body.length <= (request->is_batch ? BATCH_MAX : BODY_MAX));
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_field *field = &request->headers[i];
        EXPECT(field->name_length > 0 && field->value < head->length);
        EXPECT(strlen(head->data + field->name) == field->name_length);
        EXPECT(strpbrk(head->data + field->value, "\r\n") == NULL);
    }
    struct http_exchange exchange = {0};
    struct faults faults = {0};
    int64_t page = 0;
    exchange_begin(&exchange, request, &random);
    expect_plain_ids(&exchange);
    if (http_query_number(&exchange, "page", 1, 100, 1, &page, &faults)) {
        EXPECT(page >= 1 && page <= 100 && faults.count == 0);
    } else {
        EXPECT(faults.count == 1);
    }
    exchange_release(&exchange);
}

// Feeds everything in pieces of `piece` bytes, 0 for one piece, until the end or a refusal. The
// pieces are copies, so that reading beyond one is seen.
static struct outcome feed(const char *data, size_t size, size_t piece)
{
    struct parser *parser = parser_new(&(struct parser_limits){BODY_MAX, BATCH_MAX});
    struct outcome outcome = {0};
    size_t at = 0;
    while (at < size && outcome.refusal == 0) {
        size_t length = piece == 0 || piece > size - at ? size - at : piece;
        char *copy = malloc(length);
        EXPECT(copy != NULL);
        memcpy(copy, data + at, length);
        size_t used = 0;
        const char *detail = NULL;
        enum parse_outcome parsed = parser_feed(parser, copy, length, &used);
        free(copy);
        EXPECT(used <= length && (parsed != PARSE_MORE || used == length));
        parser_take_continue(parser);
        if (parsed == PARSE_COMPLETE) {
            const struct http_request *request = parser_request(parser);
            expect_sound(request);
            outcome.complete++;
            outcome.bytes += request->head.length + request->body.length;
            parser_next(parser);
        } else if (parsed == PARSE_REFUSED) {
            outcome.refusal = parser_refusal(parser, &detail);
            EXPECT(outcome.refusal >= 400 && outcome.refusal < 600 && detail != NULL);
        }
        at += used;
    }
    parser_free(&parser);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    struct outcome whole = feed(bytes, size - 1, 0);
    struct outcome cut = feed(bytes, size - 1, (size_t)data[0] % 64 + 1);
    EXPECT(whole.complete == cut.complete && whole.bytes == cut.bytes);
    EXPECT((whole.refusal != 0) == (cut.refusal != 0));
    return 0;
}
