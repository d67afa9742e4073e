// SPDX-License-Identifier: Apache-2.0
// How often somebody may do something: counts by key in fixed windows of time, in a table of a
// fixed size, so that no number of keys makes memory grow. When the table is full the oldest counts
// go. A window is the same for everybody (it begins at a multiple of its length), so counts that
// replicas keep together can use its number. Safe from every thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limit;

// What a count says; the members are those of the header fields RateLimit-Limit, -Remaining and
// -Reset of the IETF draft "RateLimit header fields for HTTP"
// (draft-ietf-httpapi-ratelimit-headers-06).
struct rate_verdict {
    bool allowed;
    int64_t limit;
    int64_t remaining;
    int64_t reset_seconds; /* until the window ends, at least 1 */
};

// At most `limit` in `seconds`; `slots` keys are remembered, rounded up to a power of two. NULL for
// a limit of 0, which is none.
struct rate_limit *rate_limit_new(int64_t limit, int64_t seconds, size_t slots);
void rate_limit_free(struct rate_limit **limit);

// Adds `weight` to the key's count at that time (seconds since 1970) and judges it. A negative
// weight takes back what was counted, never below zero.
struct rate_verdict rate_limit_count(struct rate_limit *limit, const void *key, size_t length,
                                     int64_t weight, int64_t now_seconds);

// Judges a count that was kept elsewhere by the same rules.
struct rate_verdict rate_limit_judge(const struct rate_limit *limit, int64_t count,
                                     int64_t now_seconds);

// The number of the window that a time is in, and the length of one.
int64_t rate_limit_window(const struct rate_limit *limit, int64_t now_seconds);
int64_t rate_limit_seconds(const struct rate_limit *limit);
