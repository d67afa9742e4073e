// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 server: libuv's sockets, llhttp's parser, and the checks at the edge that the parser
// leaves to us (one Host, no folded lines, origin-form targets, limits and deadlines). It knows
// nothing of routes: every well-formed request goes to one function, on the loop's thread.
#pragma once

#include "platform/http/exchange.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "platform/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct proxies;
typedef void http_handle_fn(void *arg, struct http_exchange *exchange);

struct http_server_options {
    const char *address;    /* host:port or unix:/path */
    http_handle_fn *handle; /* gets every request, on the loop's thread */
    void *arg;
    size_t maximum_connections;    /* open at once on all loops; further ones wait in the kernel */
    size_t maximum_body;           /* bytes; beyond it 413 */
    size_t maximum_batch;          /* the same of a batch's body */
    int64_t request_timeout_ms;    /* for a whole header and body, and for the answer to be taken */
    int64_t idle_timeout_ms;       /* for a connection between requests */
    const struct proxies *trusted; /* whose X-Forwarded-For is believed; NULL: nobody's */
    struct log *log;
    struct metrics *metrics;
};

#define HTTP_ERROR_SIZE 256

// Listens and serves on the loop. NULL with one line in `error` when the
// address is bad or taken. Call before loop_run or on the loop's thread.
struct http_server *http_server_start(struct loop *loop, const struct http_server_options *options,
                                      char error[static HTTP_ERROR_SIZE]);

// A server on another loop that shares the address and the options of `first`: each connection that
// `first` accepts goes to the one of them that has the fewest. Its requests go to `arg` instead.
// Before any of the loops runs.
struct http_server *http_server_share(struct http_server *first, struct loop *loop, void *arg);

// Stops listening, closes idle connections, and marks every other to close after its answer.
// On the loop's thread; where servers share an address, of the first before the others, which it
// still gives connections.
void http_server_drain(struct http_server *server);

// Connections still open; zero means that a drain is complete. Any thread.
size_t http_server_connections(const struct http_server *server);

// Closes whatever is left, without running the loop; after loop_run has returned. Where servers
// share a loop or an address all are closed before the first is freed: freeing runs the loop, and
// what runs on it may be about a request to any of them.
void http_server_close(struct http_server *server);

// Closes, if that was not done, and frees.
void http_server_free(struct http_server **server);

// Runs a function on the loop's thread that this exchange lives on; from any thread.
void http_post(struct http_exchange *exchange, loop_fn *fn, void *arg);
