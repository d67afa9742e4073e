// SPDX-License-Identifier: Apache-2.0
// From bytes of a connection to one request at a time: llhttp reads, and what it lets through
// although it must not pass (RFC 9112) is refused here. Internal to platform/http.
#pragma once

#include "platform/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX ((size_t)16 * 1024)  /* bytes of request line and headers */
#define HTTP_TARGET_MAX ((size_t)8 * 1024) /* bytes */
#define HTTP_HEADERS_MAX 100
#define HTTP_BUFFER_KEPT                                                                           \
    ((size_t)64 * 1024) /* larger buffers are given back after their request                       \
                         */

// Places in the text of the head, each followed by a NUL there.
struct http_field {
    uint32_t name;
    uint32_t name_length;
    uint32_t value;
};

struct http_request {
    const char *method; /* as in RFC 9110; static text */
    struct buffer head; /* path, query, and the names and values of the headers */
    size_t query;       /* where the query starts in the head */
    size_t header_count;
    struct http_field headers[HTTP_HEADERS_MAX];
    struct buffer body;
    bool keep_alive; /* the client wants the connection to stay */
    bool old;        /* HTTP/1.0 */
    bool is_batch;   /* lines (application/x-ndjson), which are handled as they arrive */
};

struct parser;

struct parser_limits {
    size_t body;  /* bytes */
    size_t batch; /* bytes of a batch's body */
};

enum parse_outcome {
    PARSE_MORE,     /* all bytes were used and the request is not complete */
    PARSE_BATCH,    /* the head of a batch is complete, and a body follows: what of it has come is
                       the request's body until parser_forget_body */
    PARSE_COMPLETE, /* parser_request has it; the bytes after it were not used */
    PARSE_REFUSED,  /* parser_refusal says why; nothing more can be read from the connection */
};

struct parser *parser_new(const struct parser_limits *limits);
void parser_free(struct parser **parser);

enum parse_outcome parser_feed(struct parser *parser, const char *data, size_t length,
                               size_t *ret_used);

// The request so far. The headers of a refused one may be incomplete.
const struct http_request *parser_request(const struct parser *parser);

// The status and, as static text, the detail of the answer to a refused request.
int parser_refusal(const struct parser *parser, const char **ret_detail);

// Whether a part of a request has come.
bool parser_has_begun(const struct parser *parser);

// True once when the client waits for `100 Continue` before it sends the body.
bool parser_take_continue(struct parser *parser);

// Forgets the part of a batch's body that has come so far.
void parser_forget_body(struct parser *parser);

// Forgets the request, to read the next one.
void parser_next(struct parser *parser);
