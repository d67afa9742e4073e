// SPDX-License-Identifier: Apache-2.0
// The clocks of clock.h, read from the kernel.
#include "platform/clock.h"

#include <time.h>

static int64_t microseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * MICROSECONDS_A_SECOND + now.tv_nsec / 1000;
}

timestamp clock_now(void)
{
    return microseconds(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return microseconds(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return microseconds(CLOCK_MONOTONIC);
}
