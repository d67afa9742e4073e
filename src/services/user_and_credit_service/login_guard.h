// SPDX-License-Identifier: Apache-2.0
// Against guessing of passwords: how many logins may fail for one account, and from one address.
// And against floods of registrations, whose passwords cost as much time as those of logins.
// Replicas count together in Redis; each also counts by itself, which decides alone while Redis is
// away. An email without an account is counted as one with, so that a refusal tells nothing.
#pragma once

#include "platform/cache/cache.h"
#include "platform/http/exchange.h"
#include "platform/http/proxies.h"
#include "platform/rate_limit.h"

// What all threads share. NULL members: no limit.
struct login_limits {
    struct rate_limit *account;
    struct rate_limit *address;
    struct rate_limit *registrations; /* from one address */
};

// One attempt to log in or to register.
struct login_attempt {
    const struct login_limits *limits;
    struct cache *cache;             /* the thread's own */
    const char *account;             /* its email, in one spelling; of a login */
    char address[ADDRESS_TEXT_SIZE]; /* of http_limits_client */
};

// Counts a registration; false when there were too many: the 429 is answered then.
bool registration_begin(const struct login_attempt *attempt, struct http_exchange *exchange);

// Counts the attempt before the password is looked at, so that attempts at the same moment cannot
// slip through together. False when there were too many: the 429 is answered then.
bool login_attempt_begin(const struct login_attempt *attempt, struct http_exchange *exchange);

// The password was right: it was no failure.
void login_attempt_succeeded(const struct login_attempt *attempt);
