// SPDX-License-Identifier: Apache-2.0
// Calls to other services: asynchronous on a loop (the gateway forwards) and blocking on a worker's
// thread (the risk model). Connections are kept and used again. A call whose other side goes away
// before it has answered is sent again over a new connection, twice at most, when nothing of it was
// sent or a second arrival changes nothing.
#pragma once

#include "platform/http/exchange.h"
#include "platform/http/passed_on.h"
#include "platform/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_pair {
    const char *name;
    const char *value;
};

struct http_result;
struct forward; /* a forwarder's call */

// What has come so far, or since the last time, of an answer that goes on.
typedef void http_part_fn(void *arg, struct forward *forward, const struct http_result *result);

struct http_call {
    enum http_method method;
    const char *url;
    const struct http_pair *headers;
    size_t header_count;
    struct span body;      /* must stay until the call is done */
    int64_t timeout_ms;    /* of the whole call, with its repeats */
    size_t maximum_answer; /* bytes */
    bool repeatable;       /* a POST whose second arrival changes nothing: may be sent again */
    http_part_fn *part;    /* of a forwarder's call: gets an answer that goes on (text/event-stream)
                              as it comes, for as long as some of it comes every 30 s;
                              NULL: it is gathered as any other */
};

struct http_result {
    int status;               /* 0: no answer (refused, timed out, broken, too large) */
    const char *content_type; /* "" when none */
    const char *passed_on[HTTP_PASSED_ON]; /* of a forwarder's call: values, NULL when none */
    struct span body;
    const char *why; /* of status 0, for people; static text */
};

// ---- blocking, one object for one thread

struct http_client;
struct http_client *http_client_new(void);
void http_client_free(struct http_client **client);

// Makes the call; the result lives until the next call on the same client.
struct http_result http_client_call(struct http_client *client, const struct http_call *call);

// ---- asynchronous, on a loop

struct http_forwarder;
typedef void http_done_fn(void *arg, const struct http_result *result);

struct http_forwarder *http_forwarder_new(struct loop *loop);

// Drops the calls that are still open: their `done` is not called.
void http_forwarder_free(struct http_forwarder **forwarder);

// Ends a call of whose answer a part has come; its `done` is not called. Not inside `part`.
void http_forwarder_cancel(struct forward *forward);

// Starts a call at the end of the loop's round; done(arg, result) is called once, later, on the
// loop's thread; the deadline is kept to a tenth of a second. The strings of the call are copied,
// the body is not. On the loop's thread.
void http_forwarder_call(struct http_forwarder *forwarder, const struct http_call *call,
                         http_done_fn *done, void *arg);
