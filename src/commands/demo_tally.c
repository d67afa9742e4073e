// SPDX-License-Identifier: Apache-2.0
// Counting for the demo. Latencies fall into buckets whose width grows with the value, so that a
// demo of any length takes the same memory.
#include "commands/demo_tally.h"

#include <stdio.h>
#include <string.h>

#define EXACT 64 /* microseconds that have a bucket each */
#define EXACT_BITS 6
#define SUB_BITS 5 /* 32 buckets between a power of two and the next */

const char *demo_call_name(enum demo_call call)
{
    static const char *const names[DEMO_CALLS] = {"register",    "login",    "emotion",
                                                  "transaction", "analysis", "accept"};
    return names[call];
}

static size_t bucket_of(int64_t microseconds)
{
    if (microseconds < EXACT) {
        return microseconds < 0 ? 0 : (size_t)microseconds;
    }
    uint64_t value = (uint64_t)microseconds;
    unsigned exponent = 63U - (unsigned)__builtin_clzll(value);
    size_t sub = (size_t)(value >> (exponent - SUB_BITS)) & ((1U << SUB_BITS) - 1);
    size_t bucket = EXACT + ((size_t)(exponent - EXACT_BITS) << SUB_BITS) + sub;
    return bucket < DEMO_LATENCIES ? bucket : DEMO_LATENCIES - 1;
}

// The largest value that falls into the bucket.
static int64_t bucket_end(size_t bucket)
{
    if (bucket < EXACT) {
        return (int64_t)bucket;
    }
    size_t exponent = ((bucket - EXACT) >> SUB_BITS) + EXACT_BITS;
    uint64_t sub = (bucket - EXACT) & ((1U << SUB_BITS) - 1);
    uint64_t next = ((UINT64_C(1) << SUB_BITS) + sub + 1) << (exponent - SUB_BITS);
    return (int64_t)next - 1;
}

void demo_tally_add(struct demo_tally *tally, enum demo_call call, int status, int64_t microseconds)
{
    struct demo_calls *calls = &tally->calls[call];
    calls->by_status[status < 0 || status >= DEMO_STATUSES ? 0 : status]++;
    calls->by_latency[bucket_of(microseconds)]++;
}

void demo_tally_complain(struct demo_tally *tally, enum demo_call call, const char *text)
{
    char *complaint = tally->calls[call].complaint;
    snprintf(complaint, DEMO_COMPLAINT_MAX, "%s", text);
    for (char *c = complaint; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
}

void demo_tally_merge(struct demo_tally *to, const struct demo_tally *from)
{
    for (size_t call = 0; call < DEMO_CALLS; call++) {
        struct demo_calls *sum = &to->calls[call];
        const struct demo_calls *part = &from->calls[call];
        for (size_t i = 0; i < DEMO_STATUSES; i++) {
            sum->by_status[i] += part->by_status[i];
        }
        for (size_t i = 0; i < DEMO_LATENCIES; i++) {
            sum->by_latency[i] += part->by_latency[i];
        }
        if (part->complaint[0] != '\0') {
            memcpy(sum->complaint, part->complaint, DEMO_COMPLAINT_MAX);
        }
    }
}

uint64_t demo_calls_total(const struct demo_calls *calls)
{
    uint64_t total = 0;
    for (size_t i = 0; i < DEMO_STATUSES; i++) {
        total += calls->by_status[i];
    }
    return total;
}

uint64_t demo_calls_good(const struct demo_calls *calls)
{
    uint64_t good = 0;
    for (size_t i = 200; i < 300; i++) {
        good += calls->by_status[i];
    }
    return good;
}

int64_t demo_calls_quantile(const struct demo_calls *calls, double quantile)
{
    uint64_t total = demo_calls_total(calls);
    uint64_t wanted = (uint64_t)(quantile * (double)total + 0.5);
    uint64_t seen = 0;
    for (size_t i = 0; i < DEMO_LATENCIES && total > 0; i++) {
        seen += calls->by_latency[i];
        if (seen > 0 && seen >= wanted) {
            return bucket_end(i);
        }
    }
    return 0;
}
