// SPDX-License-Identifier: Apache-2.0
// The two clocks: the wall clock for what is stored and shown, the monotonic one for deadlines.
#pragma once

#include "domain/timestamp.h"

#include <stdint.h>

timestamp clock_now(void);
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
