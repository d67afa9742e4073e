// SPDX-License-Identifier: Apache-2.0
// A circuit breaker: closed, open after failures in a row, half-open for one trial call.
// Takes the time as a parameter; safe from every thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct breaker;
enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

// Opens after `failures` in a row and stays open for `open_ms`.
struct breaker *breaker_new(int failures, int64_t open_ms);
void breaker_free(struct breaker **breaker);

// Whether a call may go out now. In the half-open state only the first caller gets true; it must
// report with breaker_succeeded or breaker_failed. `ret_retry_ms` (may be NULL) says how long to
// wait when false.
bool breaker_allows(struct breaker *breaker, int64_t now_ms, int64_t *ret_retry_ms);

// Reports how a call ended; answers true when that changed the state (worth one log line).
bool breaker_succeeded(struct breaker *breaker);
bool breaker_failed(struct breaker *breaker, int64_t now_ms);

enum breaker_state breaker_state(struct breaker *breaker, int64_t now_ms);
