// SPDX-License-Identifier: Apache-2.0
// One HTTP request and its answer. The server makes it, a handler answers it exactly once.
// Everything a getter returns lives until the answer is finished.
#pragma once

#include "domain/faults.h"
#include "domain/uuid.h"
#include "platform/span.h"
#include "platform/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS
};

struct http_exchange;

// ---- the request

enum http_method http_method(const struct http_exchange *exchange);
const char *http_method_name(enum http_method method);
const char *http_path(const struct http_exchange *exchange);  /* as sent, without the query */
const char *http_query(const struct http_exchange *exchange); /* after the `?`, or "" */
struct span http_body(const struct http_exchange *exchange);

// ---- a batch: lines (application/x-ndjson) whose body is handled as it arrives

// Both are called on the loop's thread.
struct http_batch_reader {
    // The next bytes of the body, wherever they were cut; they are gone after the call.
    void (*part)(void *arg, const char *data, size_t length);
    // No more will come. `status` is 0 after the last byte, else the body is not whole, and the
    // answer, which must follow now or later, has this status and detail (static text).
    void (*end)(void *arg, int status, const char *detail);
};

// Takes the body of a batch; only in its handler, which then leaves the answer to the reader.
void http_read_batch(struct http_exchange *exchange, const struct http_batch_reader *reader,
                     void *arg);

// Lets the client wait with the rest of the body, and go on. Parts that are here already may come.
// On the loop's thread, `go_on` not inside a part.
void http_hold_batch(struct http_exchange *exchange);
void http_go_on_with_batch(struct http_exchange *exchange);

// The value of a header, compared without case; NULL when absent.
const char *http_header(const struct http_exchange *exchange, const char *name);

// The part of the path that stands for `{name}` in the route's pattern; "" when there is none.
const char *http_path_part(const struct http_exchange *exchange, const char *name);

// Reads a whole number of the query, `fallback` when absent. False when it is not a whole number
// between minimum and maximum; the fault is then in `faults`.
bool http_query_number(struct http_exchange *exchange, const char *name, int64_t minimum,
                       int64_t maximum, int64_t fallback, int64_t *ret, struct faults *faults);

const char *http_request_id(const struct http_exchange *exchange);
const struct trace *http_trace(const struct http_exchange *exchange);

// Where the client is, as text: the other end of the connection or, when that is a trusted proxy,
// the last hop that it names in X-Forwarded-For. "unix:" is the other end of a Unix domain socket,
// "" an unknown one.
const char *http_client_address(struct http_exchange *exchange);

// Whether that address is itself a trusted one, so that it stands for no client in particular.
bool http_client_is_trusted(struct http_exchange *exchange);

// Whether the internal key, or the previous one, came with the request and was looked at: it is on
// routes for trusted senders, and where requests of an address are limited.
bool http_client_has_internal_key(const struct http_exchange *exchange);

// The person whose token came with the request; only on routes for persons.
const struct uuid *http_person(const struct http_exchange *exchange);

// The name of the operator whose token came with the request; only on routes for operators.
const char *http_operator(const struct http_exchange *exchange);

// ---- the answer: each of these may be called from any thread, one of them once

// A JSON body; steals the reference.
void http_answer_json(struct http_exchange *exchange, int status, json_t *body);

// A body of any type, copied.
void http_answer_bytes(struct http_exchange *exchange, int status, const char *content_type,
                       const char *body, size_t length);

// A problem document (RFC 9457). `detail` is one sentence that says what to do, or NULL.
void http_answer_problem(struct http_exchange *exchange, int status, const char *detail);

// 422 with every fault.
void http_answer_faults(struct http_exchange *exchange, const struct faults *faults);

// Reads the body as a JSON object, which the caller releases. NULL when it is none: the exchange
// has its answer then, 400 for what is no JSON and 422 for another value.
json_t *http_read_object(struct http_exchange *exchange);

// 503 with Retry-After in whole seconds, rounded up.
void http_answer_unavailable(struct http_exchange *exchange, const char *detail, int64_t retry_ms);

// Adds a header to the answer, before answering. Values with CR, LF or NUL are dropped.
void http_answer_header(struct http_exchange *exchange, const char *name, const char *value);

// ---- an answer that goes on for as long as both sides want (server-sent events)

// Both are called on the loop's thread, and never inside http_stream_add or http_stream_end.
struct http_stream {
    // The head is on its way: parts may follow. Not called when the client is gone by then.
    void (*begun)(void *arg, struct http_exchange *exchange);
    // The connection is gone, because of either side; once, whatever happened before. The exchange
    // must not be touched any more.
    void (*ended)(void *arg);
};

// 200 with a body that has no length: it ends with the connection. From any thread.
void http_answer_stream(struct http_exchange *exchange, const char *content_type,
                        const struct http_stream *stream, void *arg);

// Sends a part, copied; between begun and ended, on the loop's thread. A client that does not take
// what it is sent is cut off.
void http_stream_add(struct http_exchange *exchange, const char *data, size_t length);

// Ends the answer after what was added; parts that are added later are dropped.
void http_stream_end(struct http_exchange *exchange);

// ---- around the answer

// Takes back an answer that was prepared ahead and did not come true, so that another can follow;
// before http_finish.
void http_answer_withdraw(struct http_exchange *exchange);

// Sends what was answered. A handler on a worker thread does not call it (the router does when the
// handler returns); an asynchronous handler calls it on the loop's thread.
void http_finish(struct http_exchange *exchange);
