// SPDX-License-Identifier: Apache-2.0
// A call as the bytes of a request (RFC 9112). Internal to platform/http.
#pragma once

#include "platform/buffer.h"
#include "platform/http/client.h"

#include <stdbool.h>
#include <stddef.h>

// The parts of an http or https URL, as places in its text.
struct url_parts {
    struct span origin; /* scheme, host and port */
    struct span host;   /* as a Host header names it */
    struct span target; /* path and query; may be empty, or begin with the query */
};

// False when the text is no such URL, or has a byte that a request line cannot carry.
bool url_split(const char *url, struct url_parts *ret);

// Whether a header cannot end its own line.
bool http_pair_is_clean(const struct http_pair *header);

// Adds the request line and the headers; those that are not clean are left out.
void request_add_head(struct buffer *out, const struct http_call *call,
                      const struct url_parts *url);
