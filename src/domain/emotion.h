// SPDX-License-Identifier: Apache-2.0
// An emotion event: what it holds and when it is acceptable.
#pragma once

#include "domain/faults.h"
#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMOTION_TYPE_MAX 64 /* bytes of UTF-8 */

// A metric between 0 and 1 in billionths: sums of it are exact in any order.
typedef int32_t metric;
#define METRIC_ONE 1000000000
#define METRIC_DECIMALS 9

struct emotion_event {
    struct uuid event_id;
    bool id_is_new; /* made here, because the sender gave none */
    struct uuid user_id;
    timestamp occurred_at;
    char type[EMOTION_TYPE_MAX + 1];
    metric positivity;
    metric intensity;
    metric stress_level;
};

// The window in which an event's own time is acceptable.
struct event_window {
    timestamp now;
    int64_t max_ahead; /* microseconds that a sender's clock may be ahead */
    int64_t max_age;   /* microseconds after which the data would be dropped anyway */
};

// Turns a JSON number into a metric, rounded to the nearest billionth. False when it is not
// between 0 and 1 or not a number; *ret is set only on success.
bool metric_from_double(double value, metric *ret);

// Reads a decimal such as `0`, `0.25` or `1.0` exactly; the same as metric_from_double of the same
// number. False for what is not between 0 and 1, has more than nine decimals, or is written another
// way; *ret is set only on success.
bool metric_from_decimal(const char *text, size_t length, metric *ret);

// The type must be 1 to 64 bytes without control characters.
void emotion_check_type(const char *type, size_t length, struct faults *faults);

// Whether an event's time lies inside the window.
bool event_is_timely(timestamp at, const struct event_window *window);

// A fault of the `field` that holds the time when it does not.
void event_check_time(timestamp at, const struct event_window *window, const char *field,
                      struct faults *faults);
