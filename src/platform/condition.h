// SPDX-License-Identifier: Apache-2.0
// Waiting on a pthread_cond_t until a time of the monotonic clock.
#pragma once

#include <pthread.h>
#include <stdint.h>

void condition_init(pthread_cond_t *condition);

// As pthread_cond_timedwait, for one that condition_init made; the deadline is in milliseconds of
// clock_monotonic_ms.
void condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_ms);
