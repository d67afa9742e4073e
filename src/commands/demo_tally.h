// SPDX-License-Identifier: Apache-2.0
// What the demo counts: calls by kind and by outcome, and how long they took. Each player has a
// tally of its own; they are added up at the end.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum demo_call {
    DEMO_REGISTER,
    DEMO_LOGIN,
    DEMO_EMOTION,
    DEMO_TRANSACTION,
    DEMO_ANALYSIS,
    DEMO_ACCEPT,
    DEMO_CALLS,
};

#define DEMO_STATUSES 600      /* HTTP statuses; 0 stands for no answer at all */
#define DEMO_LATENCIES 896     /* buckets, each at most 3 % wide, up to an hour */
#define DEMO_COMPLAINT_MAX 160 /* bytes of what the server said of a refused call */

struct demo_calls {
    uint64_t by_status[DEMO_STATUSES];
    uint64_t by_latency[DEMO_LATENCIES];
    char complaint[DEMO_COMPLAINT_MAX]; /* of the last refused call; "" when none was */
};

struct demo_tally {
    struct demo_calls calls[DEMO_CALLS];
};

// The name of a kind of call; static text.
const char *demo_call_name(enum demo_call call);

// Counts one call; status 0 when no answer came.
void demo_tally_add(struct demo_tally *tally, enum demo_call call, int status,
                    int64_t microseconds);

// Keeps what the server said of a refused call, without its control characters.
void demo_tally_complain(struct demo_tally *tally, enum demo_call call, const char *text);

// Adds the counts of `from` to `to`.
void demo_tally_merge(struct demo_tally *to, const struct demo_tally *from);

uint64_t demo_calls_total(const struct demo_calls *calls);
uint64_t demo_calls_good(const struct demo_calls *calls); /* answered 2xx */

// The latency, in microseconds, that the share `quantile` (0..1) of the calls did not exceed; 0
// when there was no call.
int64_t demo_calls_quantile(const struct demo_calls *calls, double quantile);
