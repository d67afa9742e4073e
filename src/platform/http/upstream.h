// SPDX-License-Identifier: Apache-2.0
// One connection to a service elsewhere, with at most one request on it. Internal to platform/http;
// on the loop's thread.
#pragma once

#include "platform/http/client.h"
#include "platform/http/line.h"

#include <stdbool.h>
#include <stddef.h>

struct upstream;

#define UPSTREAM_INPUT_SIZE ((size_t)16 * 1024) /* bytes; libcurl receives no more at a time */

// What the connections of one forwarder share.
struct upstream_host {
    struct loop *loop;
    struct dialler *dialler;
    char input[UPSTREAM_INPUT_SIZE];
};

// What is sent, and how much may come back. The bytes stay until the request has ended.
struct upstream_request {
    bool is_head;     /* whose answer has no body */
    struct span head; /* a small body included */
    struct span body; /* a large one */
    size_t maximum_answer;
};

struct upstream_loss {
    const char *why; /* static text, for people */
    bool gone;       /* the other side went away, or was not there; else it misbehaved */
    bool sent;       /* some of the request may have arrived */
};

// Who has a connection is told of an answer or of a loss, once. The connection is closed already
// when it is lost. An answer lives until the next use of its connection, which is up to the user
// again.
struct upstream_user {
    // What has come so far, or since the last time, of an answer that goes on (text/event-stream).
    // The connection must not be closed inside. NULL: such an answer is gathered as any other.
    void (*part)(void *arg, const struct http_result *result);
    void (*answered)(void *arg, const struct http_result *result);
    void (*lost)(void *arg, const struct upstream_loss *loss);
};

// Starts to connect to the origin of a URL. A request goes out once that is done.
struct upstream *upstream_dial(struct upstream_host *host, const char *origin);

// Gives it a request, once after dialling and after each answer. May be lost before this returns.
void upstream_carry(struct upstream *upstream, const struct upstream_request *request,
                    const struct upstream_user *user, void *arg);

// After an answer: whether it can carry another request.
bool upstream_is_reusable(struct upstream *upstream);

// Keeps it without a request: whatever comes then, it is lost.
void upstream_rest(struct upstream *upstream, const struct upstream_user *user, void *arg);

// Whether nothing has come while it rested; takes a system call.
bool upstream_is_quiet(struct upstream *upstream);

void upstream_close(struct upstream *upstream);
