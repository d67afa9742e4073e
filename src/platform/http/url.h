// SPDX-License-Identifier: Apache-2.0
// The URLs of services: http, https, and those behind a Unix domain socket, whose path ends at a
// colon, as nginx writes it: `unix:/run/ecs/gateway.sock:/healthz`.
#pragma once

#include "platform/span.h"

#include <stdbool.h>

// The parts of a URL, as places in its text (or in static text).
struct url_parts {
    struct span origin; /* scheme, host and port; or scheme and path of the socket */
    struct span host;   /* as a Host header names it */
    struct span target; /* path and query; may be empty, or begin with the query */
};

// False when the text is no such URL, or has a byte that a request line cannot carry.
bool url_split(const char *url, struct url_parts *ret);

// What a path like /healthz is appended to for the URL of a call, from where a service is:
// `http://host:9001`, with a final slash or without, or `unix:/path`. The caller frees it.
char *url_base(const char *service);

// The same from the address at which a process on this machine listens: `host:port` or
// `unix:/path`. An address that stands for all of the machine's is asked on the loopback.
char *url_base_of_listener(const char *address);
