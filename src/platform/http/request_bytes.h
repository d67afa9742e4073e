// SPDX-License-Identifier: Apache-2.0
// A call as the bytes of a request (RFC 9112). Internal to platform/http.
#pragma once

#include "platform/buffer.h"
#include "platform/http/client.h"
#include "platform/http/url.h"

#include <stdbool.h>
#include <stddef.h>

// Whether a header cannot end its own line.
bool http_pair_is_clean(const struct http_pair *header);

// Adds the request line and the headers; those that are not clean are left out.
void request_add_head(struct buffer *out, const struct http_call *call,
                      const struct url_parts *url);
