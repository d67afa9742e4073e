// SPDX-License-Identifier: Apache-2.0
// llhttp with its callbacks, which copy the head and the body into the request, and the checks at
// the end of the head. A parser lives as long as its connection; after a refusal it reads no more.
#include "platform/http/parser.h"

#include "platform/http/head_lines.h"
#include "platform/http/media_type.h"
#include "platform/http/target.h"
#include "platform/memory.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRAMING_SLACK ((size_t)16 * 1024) /* bytes */
#define FRAMING_FACTOR 8                  /* chunks of one byte take six */

// Headers that mean something to the framing or to who the sender is: more than one of a kind lets
// two readers of the same bytes disagree.
enum single_header {
    SINGLE_HOST = 1,
    SINGLE_CONTENT_LENGTH = 2,
    SINGLE_TRANSFER_ENCODING = 4,
    SINGLE_CONTENT_TYPE = 8,
    SINGLE_AUTHORIZATION = 16,
    SINGLE_EXPECT = 32,
    SINGLE_INTERNAL_KEY = 64,
    SINGLE_IDEMPOTENCY_KEY = 128,
};

struct parser {
    llhttp_t llhttp;
    struct http_request request;
    struct parser_limits limits;
    size_t body_length; /* so far, also of what was forgotten */
    unsigned singles;   /* of enum single_header: those that came */
    size_t target_size; /* bytes */
    size_t name_start;
    size_t value_start;
    size_t head_bytes;
    size_t body_bytes; /* on the wire, framing included */
    bool begun;
    bool head_done;
    bool complete;
    bool in_name;
    struct head_lines lines;
    bool wants_continue;
    bool letter_first; /* the first byte of the request was a letter */
    int refusal;       /* status; 0: none */
    const char *detail;
};

// ---- refusing

// For callbacks: what llhttp takes as an error.
static int refuse(struct parser *parser, int status, const char *detail)
{
    if (parser->refusal == 0) {
        parser->refusal = status;
        parser->detail = detail;
    }
    return HPE_USER;
}

static void refuse_error(struct parser *parser, llhttp_errno_t error)
{
    switch (error) {
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        refuse(parser, 505, "Use HTTP/1.1.");
        break;
    case HPE_INVALID_METHOD:
        if (parser->letter_first) {
            refuse(parser, 501, "The method is unknown.");
        } else {
            refuse(parser, 400, "This is not an HTTP request.");
        }
        break;
    default:
        refuse(parser, 400, "The request is not well-formed HTTP/1.1.");
    }
}

// ---- callbacks: the head

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
    struct parser *parser = llhttp->data;
    if (parser->request.head.length + length > HTTP_TARGET_MAX) {
        return refuse(parser, 414, "The target is longer than 8 KiB.");
    }
    buffer_add(&parser->request.head, at, length);
    return HPE_OK;
}

static int on_url_complete(llhttp_t *llhttp)
{
    struct parser *parser = llhttp->data;
    parser->target_size = parser->request.head.length;
    buffer_add(&parser->request.head, "", 1);
    return HPE_OK;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
    struct parser *parser = llhttp->data;
    struct http_request *request = &parser->request;
    if (parser->head_done) {
        return HPE_OK; /* trailers mean nothing here */
    }
    if (!parser->in_name) {
        if (request->header_count == HTTP_HEADERS_MAX) {
            return refuse(parser, 431, "There are more than 100 headers.");
        }
        parser->in_name = true;
        parser->name_start = request->head.length;
    }
    buffer_add(&request->head, at, length);
    return HPE_OK;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
    struct parser *parser = llhttp->data;
    if (!parser->head_done) {
        if (!parser->in_name || parser->request.head.length == parser->name_start) {
            return refuse(parser, 400, "A header has no name.");
        }
        buffer_add(&parser->request.head, "", 1);
        parser->value_start = parser->request.head.length;
        parser->in_name = false;
    }
    return HPE_OK;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct parser *parser = llhttp->data;
    if (!parser->head_done) {
        buffer_add(&parser->request.head, at, length);
    }
    return HPE_OK;
}

static unsigned single_of(const char *name, size_t length)
{
    static const struct {
        const char *name;
        size_t length;
        unsigned bit;
    } singles[] = {
        {"host", 4, SINGLE_HOST},
        {"content-length", 14, SINGLE_CONTENT_LENGTH},
        {"transfer-encoding", 17, SINGLE_TRANSFER_ENCODING},
        {"content-type", 12, SINGLE_CONTENT_TYPE},
        {"authorization", 13, SINGLE_AUTHORIZATION},
        {"expect", 6, SINGLE_EXPECT},
        {"x-internal-key", 14, SINGLE_INTERNAL_KEY},
        {"idempotency-key", 15, SINGLE_IDEMPOTENCY_KEY},
    };
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        if (singles[i].length == length && strcasecmp(singles[i].name, name) == 0) {
            return singles[i].bit;
        }
    }
    return 0;
}

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr(".-_~:[]%!$&'()*+;=", c) != NULL;
}

static bool is_host(const char *value)
{
    size_t length = 0;
    while (value[length] != '\0' && is_host_character(value[length])) {
        length++;
    }
    return length > 0 && value[length] == '\0';
}

static int check_single(struct parser *parser, unsigned single, const char *value)
{
    if ((parser->singles & single) != 0) {
        return refuse(parser, 400, "A header that may come once came twice.");
    }
    parser->singles |= single;
    if (single == SINGLE_HOST && !is_host(value)) {
        return refuse(parser, 400, "The Host is not one.");
    }
    if (single == SINGLE_CONTENT_TYPE) {
        parser->request.is_batch = media_type_is(value, "application/x-ndjson");
    }
    if (single == SINGLE_TRANSFER_ENCODING && strcasecmp(value, "chunked") != 0) {
        return refuse(parser, 501, "The one known Transfer-Encoding is chunked.");
    }
    if (single == SINGLE_EXPECT) {
        if (strcasecmp(value, "100-continue") != 0) {
            return refuse(parser, 417, "The one known expectation is 100-continue.");
        }
        parser->wants_continue = true;
    }
    return HPE_OK;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct parser *parser = llhttp->data;
    struct http_request *request = &parser->request;
    if (parser->head_done) {
        return HPE_OK;
    }
    buffer_add(&request->head, "", 1);
    size_t end = request->head.length - 1;
    char *text = request->head.data;
    while (end > parser->value_start && (text[end - 1] == ' ' || text[end - 1] == '\t')) {
        text[--end] = '\0';
    }
    struct http_field *field = &request->headers[request->header_count++];
    field->name = (uint32_t)parser->name_start;
    field->name_length = (uint32_t)(parser->value_start - 1 - parser->name_start);
    field->value = (uint32_t)parser->value_start;
    unsigned single = single_of(text + field->name, field->name_length);
    return single != 0 ? check_single(parser, single, text + field->value) : HPE_OK;
}

static bool is_served(uint8_t method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_POST || method == HTTP_PUT ||
           method == HTTP_DELETE || method == HTTP_PATCH || method == HTTP_OPTIONS;
}

static size_t body_limit(const struct parser *parser)
{
    return parser->request.is_batch ? parser->limits.batch : parser->limits.body;
}

static int check_head(struct parser *parser)
{
    const llhttp_t *llhttp = &parser->llhttp;
    unsigned singles = parser->singles;
    if (llhttp->http_major != 1 || llhttp->http_minor > 1) {
        return refuse(parser, 505, "Use HTTP/1.1.");
    }
    if (!is_served(llhttp->method)) {
        return refuse(parser, 501, "The method is not served here.");
    }
    if (!target_split(parser->request.head.data, parser->target_size, &parser->request.query)) {
        return refuse(parser, 400, "The target is not a plain absolute path.");
    }
    if ((singles & SINGLE_HOST) == 0 && !parser->request.old) {
        return refuse(parser, 400, "There is no Host header.");
    }
    if ((singles & SINGLE_TRANSFER_ENCODING) != 0 &&
        ((singles & SINGLE_CONTENT_LENGTH) != 0 || parser->request.old)) {
        return refuse(parser, 400, "The length of the body is ambiguous.");
    }
    if ((singles & SINGLE_CONTENT_LENGTH) != 0 && llhttp->content_length > body_limit(parser)) {
        return refuse(parser, 413, "The body is too large.");
    }
    return HPE_OK;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct parser *parser = llhttp->data;
    parser->head_done = true;
    parser->request.method = llhttp_method_name(llhttp->method);
    parser->request.old = llhttp->http_minor == 0;
    parser->request.keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    // Nobody upgrades here (RFC 9110 section 7.8): the request is served as it is.
    llhttp->upgrade = 0;
    if (parser->request.old) {
        parser->wants_continue = false;
    }
    if (check_head(parser) != HPE_OK) {
        return -1;
    }
    bool has_body = llhttp->content_length > 0 || (llhttp->flags & F_CHUNKED) != 0;
    // Other positive answers would tell llhttp that there is no body.
    return parser->request.is_batch && has_body ? HPE_PAUSED : 0;
}

// ---- callbacks: the body

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct parser *parser = llhttp->data;
    if (parser->body_length + length > body_limit(parser)) {
        return refuse(parser, 413, "The body is too large.");
    }
    parser->body_length += length;
    buffer_add(&parser->request.body, at, length);
    return HPE_OK;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct parser *parser = llhttp->data;
    parser->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

// ---- feeding

static size_t skip_blank_lines(const char *data, size_t length)
{
    size_t skipped = 0;
    while (skipped < length && (data[skipped] == '\r' || data[skipped] == '\n')) {
        skipped++;
    }
    return skipped;
}

static void begin(struct parser *parser, char first)
{
    parser->begun = true;
    parser->letter_first = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

// How many of the bytes llhttp may see now: a head never passes its limit by more than a byte.
static size_t next_slice(const struct parser *parser, size_t length)
{
    if (parser->head_done) {
        return length;
    }
    size_t room = HTTP_HEAD_MAX - parser->head_bytes;
    return length < room ? length : room;
}

static void check_size(struct parser *parser, size_t used, bool was_in_head)
{
    if (!parser->head_done) {
        parser->head_bytes += used;
        if (parser->head_bytes >= HTTP_HEAD_MAX) {
            refuse(parser, 431, "The headers are larger than 16 KiB.");
        }
    } else if (!was_in_head) {
        // Chunk extensions, trailers and zeros before a chunk's size have no other bound.
        parser->body_bytes += used;
        if (parser->body_bytes > FRAMING_FACTOR * parser->body_length + FRAMING_SLACK) {
            refuse(parser, 400, "There is too much framing around the body.");
        }
    }
}

static enum parse_outcome feed_slice(struct parser *parser, const char *data, size_t length,
                                     size_t *ret_used)
{
    bool in_head = !parser->head_done;
    *ret_used = length;
    const char *fault = in_head ? head_lines_fault(&parser->lines, data, length) : NULL;
    if (fault != NULL) {
        refuse(parser, 400, fault);
        return PARSE_REFUSED;
    }
    llhttp_errno_t error = llhttp_execute(&parser->llhttp, data, length);
    if (error == HPE_PAUSED) {
        *ret_used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - data);
        if (parser->complete) {
            return PARSE_COMPLETE;
        }
        llhttp_resume(&parser->llhttp);
        return PARSE_BATCH;
    }
    if (error != HPE_OK) {
        refuse_error(parser, error);
        return PARSE_REFUSED;
    }
    check_size(parser, length, in_head);
    return parser->refusal != 0 ? PARSE_REFUSED : PARSE_MORE;
}

enum parse_outcome parser_feed(struct parser *parser, const char *data, size_t length,
                               size_t *ret_used)
{
    size_t used = parser->begun ? 0 : skip_blank_lines(data, length);
    enum parse_outcome outcome = PARSE_MORE;
    while (used < length && outcome == PARSE_MORE) {
        if (!parser->begun) {
            begin(parser, data[used]);
        }
        size_t slice_used = 0;
        outcome = feed_slice(parser, data + used, next_slice(parser, length - used), &slice_used);
        used += slice_used;
    }
    *ret_used = used;
    return outcome;
}

// ---- life

struct parser *parser_new(const struct parser_limits *limits)
{
    struct parser *parser = memory_zeroed(1, sizeof *parser);
    parser->limits = *limits;
    parser_next(parser);
    return parser;
}

void parser_free(struct parser **parser)
{
    if (*parser != NULL) {
        buffer_free(&(*parser)->request.head);
        buffer_free(&(*parser)->request.body);
        free(*parser);
        *parser = NULL;
    }
}

void parser_forget_body(struct parser *parser)
{
    buffer_clear(&parser->request.body);
}

void parser_next(struct parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &callbacks);
    parser->llhttp.data = parser;
    buffer_recycle(&parser->request.head, HTTP_BUFFER_KEPT);
    buffer_recycle(&parser->request.body, HTTP_BUFFER_KEPT);
    parser->request.method = NULL;
    parser->request.header_count = 0;
    parser->request.query = 0;
    parser->request.keep_alive = false;
    parser->request.old = false;
    parser->request.is_batch = false;
    parser->body_length = 0;
    parser->complete = false;
    parser->singles = 0;
    parser->target_size = 0;
    parser->head_bytes = 0;
    parser->body_bytes = 0;
    parser->begun = false;
    parser->head_done = false;
    parser->in_name = false;
    parser->lines = (struct head_lines){0};
    parser->wants_continue = false;
    parser->refusal = 0;
}

const struct http_request *parser_request(const struct parser *parser)
{
    return &parser->request;
}

int parser_refusal(const struct parser *parser, const char **ret_detail)
{
    *ret_detail = parser->detail;
    return parser->refusal;
}

bool parser_has_begun(const struct parser *parser)
{
    return parser->begun;
}

bool parser_take_continue(struct parser *parser)
{
    bool wanted = parser->wants_continue && parser->head_done && parser->body_length == 0;
    if (wanted) {
        parser->wants_continue = false;
    }
    return wanted;
}
