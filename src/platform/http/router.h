// SPDX-License-Identifier: Apache-2.0
// From a request to its handler: the route table, and on every route the same checks in the same
// order: path (404), method (405), credential (401), ownership (403), content type (415), size
// (413).
#pragma once

#include "platform/auth/revocations.h"
#include "platform/auth/token.h"
#include "platform/http/exchange.h"
#include "platform/http/limits.h"
#include "platform/log.h"
#include "platform/metrics.h"
#include "platform/workers.h"

#include <stdbool.h>
#include <stddef.h>

enum auth_rule {
    AUTH_PUBLIC,       /* anybody */
    AUTH_INTERNAL_KEY, /* a trusted sender, X-Internal-Key */
    AUTH_PERSON,       /* a person's token; `{user_id}` in the path must be that person */
    AUTH_OPERATOR,     /* the token of somebody who runs the system */
};

enum run_on {
    RUN_ON_LOOP,      /* asynchronous: must not wait; ends with http_finish */
    RUN_ON_WORKERS,   /* may wait; has the thread's context */
    RUN_ON_PASSWORDS, /* as above, on the few threads for password hashing */
};

// `state` is the service's own; `context` the loop's, or the worker thread's.
typedef void http_handler(struct http_exchange *exchange, void *state, void *context);

struct route {
    enum http_method method;
    const char *pattern; /* /v1/users/{user_id}/offers */
    enum auth_rule auth;
    enum run_on run_on;
    http_handler *handler;
    http_handler *on_loop_first; /* sees it before a worker: answers, or calls router_hand_over */
    http_handler *batch; /* takes lines (application/x-ndjson) by http_read_batch; NULL: nobody */
    bool has_body;       /* application/json is required then, unless it is a batch */
    bool body_optional;  /* with has_body: none at all, and then no type either, is as good */
    bool repeatable;     /* a POST whose second arrival changes nothing, so it may be sent again */
};

// Serves one loop.
struct router;

struct router_options {
    struct token_key token_key;
    struct token_key previous_token_key; /* tokens of it are good too; length 0: none */
    struct revocations *revocations;     /* whose tokens are not; NULL: nobody's */
    const char *internal_key;            /* compared in constant time */
    const char *previous_internal_key;   /* opens as well; NULL or "": none */
    struct http_limits limits;           /* of requests; its parts outlive the router */
    int64_t patience_ms; /* a request that waited longer for its thread is answered 503 there */
    struct log *log;
    struct metrics *metrics;
};

struct router *router_new(const struct router_options *options);
void router_free(struct router **router);

// What the handlers of some routes get, and where they run.
struct route_ground {
    void *state;
    void *loop_context;
    struct workers *workers;   /* NULL: no route runs there */
    struct workers *passwords; /* likewise */
};

// Adds routes; the table must outlive the router.
void router_add(struct router *router, const struct route *routes, size_t count,
                const struct route_ground *ground);

// From a route's on_loop_first: lets the route's handler have the exchange, on a worker thread.
void router_hand_over(struct http_exchange *exchange);

// The server's http_handle_fn; `arg` is the router.
void router_handle(void *arg, struct http_exchange *exchange);
