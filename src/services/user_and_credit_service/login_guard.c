// SPDX-License-Identifier: Apache-2.0
// The keys in Redis carry a hash instead of the account or the address, and the number of the
// window; they end with it.
#include "services/user_and_credit_service/login_guard.h"

#include "platform/http/limits.h"
#include "platform/ids.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEY_SIZE 96

static void write_key(const struct rate_limit *limit, const char *kind, const char *who,
                      int64_t now, char key[static KEY_SIZE])
{
    static const struct uuid nobody;
    char hash[UUID_TEXT_SIZE];
    struct uuid id = ids_from_key(&nobody, who, strlen(who));
    uuid_format(&id, hash);
    snprintf(key, KEY_SIZE, "ecs:login:%s:%s:%lld", kind, hash,
             (long long)rate_limit_window(limit, now));
}

// The stricter of both counts holds.
static struct rate_verdict count(const struct login_attempt *attempt, struct rate_limit *limit,
                                 const char *kind, const char *who, int weight)
{
    int64_t now = time(NULL);
    char key[KEY_SIZE];
    write_key(limit, kind, who, now, key);
    struct rate_verdict here = rate_limit_count(limit, key, strlen(key), weight, now);
    int64_t together = 0;
    if (!cache_count(attempt->cache, key, weight, (int)rate_limit_seconds(limit), &together)) {
        return here;
    }
    struct rate_verdict everywhere = rate_limit_judge(limit, together, now);
    return everywhere.remaining < here.remaining || !everywhere.allowed ? everywhere : here;
}

static struct rate_verdict count_address(const struct login_attempt *attempt,
                                         struct rate_limit *limit, const char *kind, int weight)
{
    if (limit == NULL || attempt->address[0] == '\0') {
        return (struct rate_verdict){.allowed = true};
    }
    return count(attempt, limit, kind, attempt->address, weight);
}

bool registration_begin(const struct login_attempt *attempt, struct http_exchange *exchange)
{
    struct rate_limit *limit = attempt->limits->registrations;
    const struct rate_verdict verdict = count_address(attempt, limit, "registrations", 1);
    if (!verdict.allowed) {
        http_answer_too_many(exchange, &verdict,
                             "Too many registrations; wait as Retry-After says.");
    }
    return verdict.allowed;
}

bool login_attempt_begin(const struct login_attempt *attempt, struct http_exchange *exchange)
{
    const struct login_limits *limits = attempt->limits;
    struct rate_verdict verdict = count_address(attempt, limits->address, "address", 1);
    if (verdict.allowed && limits->account != NULL) {
        verdict = count(attempt, limits->account, "account", attempt->account, 1);
    }
    if (!verdict.allowed) {
        http_answer_too_many(exchange, &verdict,
                             "Too many failed logins; wait as Retry-After says.");
    }
    return verdict.allowed;
}

void login_attempt_succeeded(const struct login_attempt *attempt)
{
    const struct login_limits *limits = attempt->limits;
    count_address(attempt, limits->address, "address", -1);
    if (limits->account != NULL) {
        count(attempt, limits->account, "account", attempt->account, -1);
    }
}
