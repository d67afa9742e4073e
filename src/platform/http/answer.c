// SPDX-License-Identifier: Apache-2.0
// The answer's side of an exchange: JSON, problem documents (RFC 9457), and the bytes on the wire.
// The first answer of an exchange counts; later ones are dropped.
#include "platform/fault_point.h"
#include "platform/http/exchange_internal.h"
#include "platform/json.h"

#include <stdio.h>
#include <string.h>

#define JSON_FORMAT (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

const char *http_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {202, "Accepted"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Unknown";
}

// ---- answering

static bool take_answer(struct http_exchange *exchange, int status, const char *content_type)
{
    if (exchange->status != 0) {
        return false;
    }
    exchange->status = status;
    exchange_copy_text(exchange->content_type, sizeof exchange->content_type, content_type);
    return true;
}

static int add_json(const char *text, size_t length, void *arg)
{
    return buffer_add(arg, text, length) ? 0 : -1;
}

static void answer_as(struct http_exchange *exchange, int status, const char *content_type,
                      json_t *body)
{
    if (take_answer(exchange, status, content_type)) {
        json_dump_callback(body, add_json, &exchange->body, JSON_FORMAT);
    }
    json_decref(body);
}

void http_answer_json(struct http_exchange *exchange, int status, json_t *body)
{
    if (body == NULL) {
        http_answer_problem(exchange, 500, NULL);
        return;
    }
    answer_as(exchange, status, "application/json", body);
}

void http_answer_bytes(struct http_exchange *exchange, int status, const char *content_type,
                       const char *body, size_t length)
{
    // A content type that came from another server must not smuggle in a header.
    bool clean = content_type[strcspn(content_type, "\r\n")] == '\0';
    if (take_answer(exchange, status, clean ? content_type : "application/octet-stream")) {
        buffer_add(&exchange->body, body, length);
    }
}

void http_answer_stream(struct http_exchange *exchange, const char *content_type,
                        const struct http_stream *stream, void *arg)
{
    exchange->stream = stream;
    exchange->stream_arg = arg;
    http_answer_header(exchange, "Cache-Control", "no-store");
    http_answer_header(exchange, "X-Accel-Buffering", "no"); /* nginx would gather it */
    take_answer(exchange, 200, content_type);
}

void http_stream_add(struct http_exchange *exchange, const char *data, size_t length)
{
    if (!exchange->stream_over) {
        buffer_add(&exchange->body, data, length);
        exchange->tell(exchange->server_arg, exchange);
    }
}

void http_stream_end(struct http_exchange *exchange)
{
    exchange->stream_over = true;
    exchange->tell(exchange->server_arg, exchange);
}

static void answer_problem(struct http_exchange *exchange, int status, const char *detail,
                           json_t *errors)
{
    json_t *problem = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
                                http_status_title(status), "status", status);
    if (detail != NULL) {
        json_object_set_new(problem, "detail", json_string(detail));
    }
    json_object_set_new(problem, "request_id", json_string(exchange->request_id));
    if (errors != NULL) {
        json_object_set_new(problem, "errors", errors);
    }
    answer_as(exchange, status, "application/problem+json", problem);
}

void http_answer_problem(struct http_exchange *exchange, int status, const char *detail)
{
    answer_problem(exchange, status, detail, NULL);
}

void http_answer_faults(struct http_exchange *exchange, const struct faults *faults)
{
    answer_problem(exchange, 422, "The request is well-formed, but not valid.",
                   json_faults(faults));
}

json_t *http_read_object(struct http_exchange *exchange)
{
    const struct span body = http_body(exchange);
    char error[JSON_ERROR_SIZE];
    json_t *value = json_read(body.data, body.length, error);
    if (value == NULL) {
        http_answer_problem(exchange, 400, error);
    } else if (!json_is_object(value)) {
        struct faults faults = {0};
        faults_add(&faults, "", "must be a JSON object");
        http_answer_faults(exchange, &faults);
        json_decref(value);
        value = NULL;
    }
    return value;
}

void http_answer_unavailable(struct http_exchange *exchange, const char *detail, int64_t retry_ms)
{
    char seconds[24];
    int64_t whole = retry_ms > 0 ? (retry_ms - 1) / 1000 + 1 : 1;
    snprintf(seconds, sizeof seconds, "%lld", (long long)whole);
    http_answer_header(exchange, "Retry-After", seconds);
    http_answer_problem(exchange, 503, detail);
}

void http_answer_withdraw(struct http_exchange *exchange)
{
    exchange->status = 0;
    buffer_clear(&exchange->body);
    buffer_clear(&exchange->headers);
}

void http_answer_header(struct http_exchange *exchange, const char *name, const char *value)
{
    if (exchange->status != 0 || value[strcspn(value, "\r\n")] != '\0') {
        return;
    }
    struct buffer *headers = &exchange->headers;
    buffer_add_text(headers, name);
    buffer_add(headers, ": ", 2);
    buffer_add_text(headers, value);
    buffer_add(headers, "\r\n", 2);
}

void http_finish(struct http_exchange *exchange)
{
    exchange->forgotten = exchange->status == 0;
    if (exchange->forgotten) {
        http_answer_problem(exchange, 500, NULL);
    }
    if (exchange->stream == NULL && fault_fires(before_send)) {
        http_answer_withdraw(exchange);
        http_answer_unavailable(exchange, "a fault point", 1000);
    }
    if (exchange->watch != NULL) {
        exchange->watch(exchange->watch_arg, exchange);
    }
    exchange->send(exchange->server_arg, exchange);
    (void)fault_fires(after_send);
}

// ---- on the wire

#define ADD(out, literal) buffer_add((out), (literal), sizeof(literal) - 1)

static void add_line(struct buffer *out, const char *name, size_t name_length, const char *value)
{
    buffer_add(out, name, name_length);
    buffer_add_text(out, value);
    ADD(out, "\r\n");
}

#define ADD_LINE(out, name, value) add_line((out), (name), sizeof(name) - 1, (value))

void exchange_write(const struct http_exchange *exchange, const char *date,
                    enum answer_ending ending, struct buffer *out)
{
    bool has_body = exchange->status != 204 && exchange->status != 304;
    ADD(out, "HTTP/1.1 ");
    buffer_add_number(out, (size_t)exchange->status);
    ADD(out, " ");
    buffer_add_text(out, http_status_title(exchange->status));
    ADD(out, "\r\n");
    buffer_add_text(out, date);
    if (has_body) {
        ADD_LINE(out, "Content-Type: ", exchange->content_type);
    }
    // Of an answer to HEAD that came through a gateway nobody here knows the length.
    if (has_body && ending != ANSWER_STREAMS &&
        (exchange->method != HTTP_HEAD || exchange->body.length > 0)) {
        ADD(out, "Content-Length: ");
        buffer_add_number(out, exchange->body.length);
        ADD(out, "\r\n");
    }
    ADD_LINE(out, "X-Request-ID: ", exchange->request_id);
    buffer_add(out, exchange->headers.data, exchange->headers.length);
    if (ending == ANSWER_CLOSES || ending == ANSWER_STREAMS) {
        ADD(out, "Connection: close\r\n");
    } else if (ending == ANSWER_STAYS_OLD) {
        ADD(out, "Connection: keep-alive\r\n");
    }
    ADD(out, "\r\n");
    if (has_body && exchange->method != HTTP_HEAD) {
        buffer_add(out, exchange->body.data, exchange->body.length);
    }
}
