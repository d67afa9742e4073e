// SPDX-License-Identifier: Apache-2.0
// What an exchange is made of, for the server, which owns it, and the router, which adds what it
// found out. Internal to platform/http.
#pragma once

#include "platform/auth/token.h"
#include "platform/buffer.h"
#include "platform/http/exchange.h"
#include "platform/http/parser.h"
#include "platform/http/proxies.h"
#include "platform/loop.h"

#define REQUEST_ID_SIZE 129 /* with its NUL */
#define PATH_PARTS_MAX 4
#define CONTENT_TYPE_SIZE 128
#define FAULT_TEXTS_MAX 4
#define FAULT_TEXT_SIZE 96

// Random digits, drawn many at a time because each draw is a system call. One thread's.
struct random_digits {
    char digits[4097];
    size_t left;
};

void random_digits_take(struct random_digits *random, char *text, size_t count);

// The part of the path for `{name}`.
struct path_part {
    const char *name; /* in the pattern, not NUL-terminated */
    size_t name_length;
    const char *value;
};

// Messages of faults that are made up at run time.
struct fault_texts {
    size_t count;
    char texts[FAULT_TEXTS_MAX][FAULT_TEXT_SIZE];
};

typedef void exchange_fn(void *arg, struct http_exchange *exchange);

struct http_exchange {
    // Of the server.
    const struct http_request *request;
    enum http_method method;
    char request_id[REQUEST_ID_SIZE];
    struct trace trace;
    struct loop *loop;
    exchange_fn *send; /* on the loop's thread, when the answer is complete */
    exchange_fn *go_on;
    exchange_fn *tell; /* a stream has more to send, or is over */
    void *server_arg;  /* of all three */
    bool body_follows; /* a batch whose reader, if any, gets the body */
    bool held;
    const struct http_batch_reader *reader;
    void *reader_arg;
    const char *peer; /* the address of the other end; NULL when unknown */
    bool peer_trusted;
    const struct proxies *trusted;
    char client_address[ADDRESS_TEXT_SIZE]; /* "" until asked for */

    // Of the router.
    const char *route; /* the pattern; NULL while none was found */
    struct buffer segments;
    struct path_part parts[PATH_PARTS_MAX];
    size_t part_count;
    struct uuid person;
    char operator_name[OPERATOR_NAME_SIZE];
    bool has_internal_key; /* a right one */
    exchange_fn *watch;    /* sees the answer before it is sent; may be NULL */
    void *watch_arg;
    const void *mount;      /* what the router needs on a worker's thread */
    int64_t handed_over_ms; /* when it began to wait for one */

    // The answer.
    int status;     /* 0: not answered */
    bool forgotten; /* finished without an answer */
    char content_type[CONTENT_TYPE_SIZE];
    struct buffer headers;            /* added ones, as they go out */
    struct buffer body;               /* of a stream: what was not handed to the socket yet */
    const struct http_stream *stream; /* NULL: the answer is whole */
    void *stream_arg;
    bool stream_over;
    struct fault_texts fault_texts;
};

// Makes a zeroed exchange ready for a request; its ids come from the request or are new ones.
void exchange_begin(struct http_exchange *exchange, const struct http_request *request,
                    struct random_digits *random);

// Empties it for the next request, and gives its memory back.
void exchange_clear(struct http_exchange *exchange);
void exchange_release(struct http_exchange *exchange);

enum answer_ending {
    ANSWER_STAYS,
    ANSWER_STAYS_OLD, /* HTTP/1.0 must be told */
    ANSWER_CLOSES,
    ANSWER_STREAMS, /* closes, and its length is not known */
};

// Adds the whole answer to `out`. `date` is a header line, or "".
void exchange_write(const struct http_exchange *exchange, const char *date,
                    enum answer_ending ending, struct buffer *out);

// The title of a status (RFC 9110 section 15).
const char *http_status_title(int status);

// Copies a text, or what fits of it, into a place of `size` bytes. Every request takes this way,
// and snprintf would take ten times as long.
void exchange_copy_text(char *to, size_t size, const char *text);
