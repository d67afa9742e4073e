// SPDX-License-Identifier: Apache-2.0
// How many requests one client may send. A refused one is answered 429 with Retry-After and the
// RateLimit fields (see platform/rate_limit.h).
#pragma once

#include "platform/http/exchange.h"
#include "platform/http/proxies.h"
#include "platform/rate_limit.h"

struct http_limits {
    struct rate_limit *address; /* NULL: no limit */
    struct rate_limit *person;  /* NULL: no limit */
};

// What a client is counted as: its address, or an IPv6 address's first 64 bits, of which a
// subscriber has all to itself (RFC 6177). False, and "", for a trusted client, which is not
// counted.
bool http_limits_client(struct http_exchange *exchange, char client[static ADDRESS_TEXT_SIZE]);

// Count the request; false when it is one too many, and answered. Trusted clients are not counted.
bool http_limits_address(const struct http_limits *limits, struct http_exchange *exchange);
bool http_limits_person(const struct http_limits *limits, struct http_exchange *exchange);

// Answers 429 to what a verdict forbids, with the time until which waiting helps.
void http_answer_too_many(struct http_exchange *exchange, const struct rate_verdict *verdict,
                          const char *detail);
