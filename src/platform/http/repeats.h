// SPDX-License-Identifier: Apache-2.0
// The one rule of when a call is sent again: its other side went away before it answered, and a
// second arrival does no harm, or there was no first one. Internal to platform/http.
#pragma once

#include "platform/http/client.h"

#include <stdbool.h>
#include <stdint.h>

// Of one call; zeroed by nobody but repeats_begin.
struct repeats {
    bool may_resend; /* a second arrival changes nothing */
    unsigned done;
    int64_t deadline_ms; /* by the monotonic clock; of the call and its repeats together */
};

void repeats_begin(struct repeats *repeats, const struct http_call *call);

// The answer has begun to come, and goes on: nothing is sent again, and so much time is left for
// more of it.
void repeats_end(struct repeats *repeats, int64_t patience_ms);

// Whether no time is left.
bool repeats_are_late(const struct repeats *repeats);

// After the other side went away: counts one more repeat and answers the milliseconds left for it,
// or 0 when the call shall not be sent again. `sent`: some of it may have arrived. A repeat goes
// over a new connection, since one that was kept may lead to the replica that is gone.
int64_t repeats_take(struct repeats *repeats, bool sent);
