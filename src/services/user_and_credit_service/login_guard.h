// SPDX-License-Identifier: Apache-2.0
// Against guessing of passwords: how many logins may fail for one account, and from one address.
// Replicas count together in Redis; each also counts by itself, which decides alone while Redis is
// away. An email without an account is counted as one with, so that a refusal tells nothing.
#pragma once

#include "platform/cache/cache.h"
#include "platform/http/exchange.h"
#include "platform/rate_limit.h"

// What all threads share. NULL members: no limit.
struct login_limits {
    struct rate_limit *account;
    struct rate_limit *address;
};

// One attempt to log in.
struct login_attempt {
    const struct login_limits *limits;
    struct cache *cache; /* the thread's own */
    const char *account; /* its email, in one spelling */
    const char *address; /* NULL when it is not counted */
};

// Counts the attempt before the password is looked at, so that attempts at the same moment cannot
// slip through together. False when there were too many: the 429 is answered then.
bool login_attempt_begin(const struct login_attempt *attempt, struct http_exchange *exchange);

// The password was right: it was no failure.
void login_attempt_succeeded(const struct login_attempt *attempt);
