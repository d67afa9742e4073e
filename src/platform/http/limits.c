// SPDX-License-Identifier: Apache-2.0
// Counts of requests in the memory of the process: each replica of the gateway counts for itself.
#include "platform/http/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void add_number(struct http_exchange *exchange, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    http_answer_header(exchange, name, text);
}

void http_answer_too_many(struct http_exchange *exchange, const struct rate_verdict *verdict,
                          const char *detail)
{
    add_number(exchange, "Retry-After", verdict->reset_seconds);
    add_number(exchange, "RateLimit-Limit", verdict->limit);
    add_number(exchange, "RateLimit-Remaining", verdict->remaining);
    add_number(exchange, "RateLimit-Reset", verdict->reset_seconds);
    http_answer_problem(exchange, 429, detail);
}

static bool allow(struct rate_limit *limit, struct http_exchange *exchange, const void *key,
                  size_t length)
{
    struct rate_verdict verdict = rate_limit_count(limit, key, length, 1, time(NULL));
    if (!verdict.allowed) {
        http_answer_too_many(exchange, &verdict, "Too many requests; wait as Retry-After says.");
    }
    return verdict.allowed;
}

bool http_limits_client(struct http_exchange *exchange, char client[static ADDRESS_TEXT_SIZE])
{
    client[0] = '\0';
    if (http_client_is_trusted(exchange)) {
        return false;
    }
    const char *address = http_client_address(exchange);
    struct in6_addr bytes;
    if (inet_pton(AF_INET6, address, &bytes) == 1 && !IN6_IS_ADDR_V4MAPPED(&bytes)) {
        memset(&bytes.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &bytes, client, ADDRESS_TEXT_SIZE);
    } else {
        snprintf(client, ADDRESS_TEXT_SIZE, "%s", address);
    }
    return true;
}

bool http_limits_address(const struct http_limits *limits, struct http_exchange *exchange)
{
    char client[ADDRESS_TEXT_SIZE];
    return limits->address == NULL || !http_limits_client(exchange, client) ||
           allow(limits->address, exchange, client, strlen(client));
}

bool http_limits_person(const struct http_limits *limits, struct http_exchange *exchange)
{
    if (limits->person == NULL || http_client_is_trusted(exchange)) {
        return true;
    }
    const struct uuid *person = http_person(exchange);
    return allow(limits->person, exchange, person, sizeof *person);
}
