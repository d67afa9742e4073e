// SPDX-License-Identifier: Apache-2.0
// A few repeats within the time of the first.
#include "platform/http/repeats.h"

#include "platform/clock.h"

#define REPEATS_MAX 2 /* a kept and a new connection may both lead to a replica that ends */

void repeats_begin(struct repeats *repeats, const struct http_call *call)
{
    bool changes = call->method == HTTP_POST || call->method == HTTP_PATCH;
    repeats->may_resend = call->repeatable || !changes;
    repeats->done = 0;
    repeats->deadline_ms = clock_monotonic_ms() + call->timeout_ms;
}

void repeats_end(struct repeats *repeats, int64_t patience_ms)
{
    repeats->done = REPEATS_MAX;
    repeats->deadline_ms = clock_monotonic_ms() + patience_ms;
}

bool repeats_are_late(const struct repeats *repeats)
{
    return repeats->deadline_ms <= clock_monotonic_ms();
}

int64_t repeats_take(struct repeats *repeats, bool sent)
{
    int64_t left_ms = repeats->deadline_ms - clock_monotonic_ms();
    if (left_ms <= 0 || repeats->done == REPEATS_MAX || (sent && !repeats->may_resend)) {
        return 0;
    }
    repeats->done++;
    return left_ms;
}
