// SPDX-License-Identifier: Apache-2.0
// The request's side of an exchange: what handlers read, and the ids it goes by.
#include "platform/http/exchange_internal.h"

#include "platform/http/server.h"
#include "platform/ids.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_DIGITS_MAX 20

// ---- ids

void random_digits_take(struct random_digits *random, char *text, size_t count)
{
    if (random->left < count) {
        random->left = sizeof random->digits - 1;
        ids_random_hex(random->digits, random->left / 2);
    }
    random->left -= count;
    memcpy(text, random->digits + random->left, count);
    text[count] = '\0';
}

static bool is_request_id(const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        if (length == REQUEST_ID_SIZE - 1 || text[length] < 0x21 || text[length] > 0x7e) {
            return false;
        }
    }
    return length > 0;
}

// ---- life

static enum http_method method_of(const char *name)
{
    for (int method = HTTP_GET; name != NULL && method <= HTTP_OPTIONS; method++) {
        if (strcmp(name, http_method_name((enum http_method)method)) == 0) {
            return (enum http_method)method;
        }
    }
    return HTTP_GET;
}

void exchange_copy_text(char *to, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(to, text, length);
    to[length] = '\0';
}

void exchange_begin(struct http_exchange *exchange, const struct http_request *request,
                    struct random_digits *random)
{
    exchange->request = request;
    exchange->fault_texts.count = 0;
    exchange->method = method_of(request->method);
    const char *id = http_header(exchange, "X-Request-ID");
    if (id != NULL && is_request_id(id)) {
        exchange_copy_text(exchange->request_id, sizeof exchange->request_id, id);
    } else {
        random_digits_take(random, exchange->request_id, 32);
    }
    struct trace *trace = &exchange->trace;
    if (!trace_continues(trace, http_header(exchange, "traceparent"))) {
        random_digits_take(random, trace->trace_id, TRACE_ID_SIZE - 1);
        trace->sampled = false;
    }
    random_digits_take(random, trace->span_id, SPAN_ID_SIZE - 1);
}

static void end_stream(struct http_exchange *exchange)
{
    const struct http_stream *stream = exchange->stream;
    exchange->stream = NULL;
    exchange->stream_over = false;
    if (stream != NULL) {
        stream->ended(exchange->stream_arg);
    }
}

void exchange_clear(struct http_exchange *exchange)
{
    end_stream(exchange);
    exchange->body_follows = false;
    exchange->held = false;
    exchange->reader = NULL;
    exchange->route = NULL;
    exchange->part_count = 0;
    exchange->has_internal_key = false;
    exchange->watch = NULL;
    exchange->mount = NULL;
    exchange->client_address[0] = '\0';
    exchange->status = 0;
    buffer_recycle(&exchange->segments, HTTP_BUFFER_KEPT);
    buffer_recycle(&exchange->headers, HTTP_BUFFER_KEPT);
    buffer_recycle(&exchange->body, HTTP_BUFFER_KEPT);
}

void exchange_release(struct http_exchange *exchange)
{
    end_stream(exchange);
    buffer_free(&exchange->segments);
    buffer_free(&exchange->headers);
    buffer_free(&exchange->body);
}

// ---- what handlers read

enum http_method http_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    return names[method];
}

const char *http_path(const struct http_exchange *exchange)
{
    return exchange->request->head.data;
}

const char *http_query(const struct http_exchange *exchange)
{
    return exchange->request->head.data + exchange->request->query;
}

struct span http_body(const struct http_exchange *exchange)
{
    const struct buffer *body = &exchange->request->body;
    return (struct span){body->data != NULL ? body->data : "", body->length};
}

void http_read_batch(struct http_exchange *exchange, const struct http_batch_reader *reader,
                     void *arg)
{
    exchange->reader = reader;
    exchange->reader_arg = arg;
}

void http_hold_batch(struct http_exchange *exchange)
{
    exchange->held = true;
}

void http_go_on_with_batch(struct http_exchange *exchange)
{
    if (exchange->held) {
        exchange->held = false;
        exchange->go_on(exchange->server_arg, exchange);
    }
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    const struct http_request *request = exchange->request;
    size_t length = strlen(name);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_field *field = &request->headers[i];
        if (field->name_length == length &&
            strcasecmp(request->head.data + field->name, name) == 0) {
            return request->head.data + field->value;
        }
    }
    return NULL;
}

// What the nearest proxy saw: the end of the last line, which no client can write.
static const char *last_hop(const struct http_exchange *exchange)
{
    static const char name[] = "X-Forwarded-For";
    const struct http_request *request = exchange->request;
    for (size_t i = request->header_count; i > 0; i--) {
        const struct http_field *field = &request->headers[i - 1];
        if (field->name_length == sizeof name - 1 &&
            strcasecmp(request->head.data + field->name, name) == 0) {
            const char *value = request->head.data + field->value;
            const char *comma = strrchr(value, ',');
            value = comma != NULL ? comma + 1 : value;
            return value + strspn(value, " \t");
        }
    }
    return NULL;
}

const char *http_client_address(struct http_exchange *exchange)
{
    char *address = exchange->client_address;
    if (address[0] != '\0' || exchange->peer == NULL) {
        return address;
    }
    const char *hop = exchange->peer_trusted ? last_hop(exchange) : NULL;
    unsigned char bytes[sizeof(struct in6_addr)];
    bool is_address = hop != NULL &&
                      (inet_pton(AF_INET, hop, bytes) == 1 || inet_pton(AF_INET6, hop, bytes) == 1);
    exchange_copy_text(address, ADDRESS_TEXT_SIZE, is_address ? hop : exchange->peer);
    return address;
}

bool http_client_is_trusted(struct http_exchange *exchange)
{
    if (!exchange->peer_trusted) {
        return false;
    }
    const char *hop = last_hop(exchange);
    return hop == NULL || proxies_have(exchange->trusted, hop);
}

const char *http_path_part(const struct http_exchange *exchange, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < exchange->part_count; i++) {
        const struct path_part *part = &exchange->parts[i];
        if (part->name_length == length && memcmp(part->name, name, length) == 0) {
            return part->value;
        }
    }
    return "";
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}

const struct trace *http_trace(const struct http_exchange *exchange)
{
    return &exchange->trace;
}

bool http_client_has_internal_key(const struct http_exchange *exchange)
{
    return exchange->has_internal_key;
}

const struct uuid *http_person(const struct http_exchange *exchange)
{
    return &exchange->person;
}

const char *http_operator(const struct http_exchange *exchange)
{
    return exchange->operator_name;
}

void http_post(struct http_exchange *exchange, loop_fn *fn, void *arg)
{
    loop_post(exchange->loop, fn, arg);
}

// ---- numbers of the query

// Digits are never percent-encoded by a client that means well, so nothing is decoded: an encoded
// name is another name, and an encoded value is not a number.
static size_t find_parameter(const char *query, const char *name, struct span *ret_value)
{
    size_t found = 0;
    size_t name_length = strlen(name);
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        if (length >= name_length && memcmp(query, name, name_length) == 0 &&
            (length == name_length || query[name_length] == '=')) {
            size_t skipped = length == name_length ? length : name_length + 1;
            *ret_value = (struct span){query + skipped, length - skipped};
            found++;
        }
        query += length + (query[length] == '&');
    }
    return found;
}

static bool read_number(struct span text, int64_t *ret)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    size_t sign = text.length > 0 && text.data[0] == '-';
    if (text.length == sign || text.length > NUMBER_DIGITS_MAX) {
        return false;
    }
    memcpy(digits, text.data, text.length);
    digits[text.length] = '\0';
    if (strspn(digits + sign, "0123456789") != text.length - sign) {
        return false;
    }
    errno = 0;
    *ret = strtoll(digits, NULL, 10);
    return errno == 0;
}

// Faults hold static texts only, so a text with bounds stays with the exchange.
static const char *bounds_text(struct http_exchange *exchange, int64_t minimum, int64_t maximum)
{
    struct fault_texts *kept = &exchange->fault_texts;
    if (kept->count == FAULT_TEXTS_MAX) {
        return "must be a whole number within its bounds";
    }
    char *text = kept->texts[kept->count++];
    if (maximum == INT64_MAX) {
        snprintf(text, FAULT_TEXT_SIZE, "must be a whole number, at least %" PRId64, minimum);
    } else {
        snprintf(text, FAULT_TEXT_SIZE, "must be a whole number between %" PRId64 " and %" PRId64,
                 minimum, maximum);
    }
    return text;
}

bool http_query_number(struct http_exchange *exchange, const char *name, int64_t minimum,
                       int64_t maximum, int64_t fallback, int64_t *ret, struct faults *faults)
{
    struct span value;
    size_t found = find_parameter(http_query(exchange), name, &value);
    if (found == 0) {
        *ret = fallback;
        return true;
    }
    int64_t number = 0;
    if (found == 1 && read_number(value, &number) && number >= minimum && number <= maximum) {
        *ret = number;
        return true;
    }
    faults_add(faults, name,
               found > 1 ? "must be given once" : bounds_text(exchange, minimum, maximum));
    return false;
}
