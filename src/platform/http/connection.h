// SPDX-License-Identifier: Apache-2.0
// One client's connection: reads requests one after the other, has each answered, and ends when
// either side wants to. It frees itself. Internal to platform/http.
#pragma once

#include "platform/http/exchange_internal.h"
#include "platform/http/server.h"
#include "platform/metrics.h"

#include <stdatomic.h>

#define READ_BUFFER_SIZE ((size_t)64 * 1024) /* bytes */
#define STATUS_CLASSES 5                     /* 1xx to 5xx */
#define DATE_LINE_SIZE 48

struct connection;

// What the connections of one server share. Everything but the count is of the loop's thread.
struct connection_host {
    struct http_server_options options;
    struct loop *loop;
    bool draining;
    struct connection *first;
    atomic_size_t count; /* raised by who accepts, before connection_open */
    struct random_digits random;
    char date[DATE_LINE_SIZE];    /* the Date header's line */
    char input[READ_BUFFER_SIZE]; /* what one read brought, until it is handled */
    struct counter *requests[STATUS_CLASSES];
    struct counter *open;
    struct histogram *seconds;
};

// Takes over an accepted socket, which the host's count has already.
void connection_open(struct connection_host *host, int socket);

// Ends what is past its deadline; `now_ms` is the loop's time.
void connections_expire(struct connection_host *host, uint64_t now_ms);

// Lets every connection end: idle ones after a moment in which a request that is on its way may
// still arrive, the others after their answer.
void connections_drain(struct connection_host *host);

// Closes every connection at once, finished or not; they are gone after the next round of the loop.
void connections_abandon(struct connection_host *host);
