// SPDX-License-Identifier: Apache-2.0
// Instants as microseconds since 1970-01-01T00:00:00Z, and their RFC 3339 text.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t timestamp; /* microseconds since 1970, UTC */

#define TIMESTAMP_TEXT_SIZE 28 /* 2026-01-31T23:59:59.123456Z and the final NUL */
#define MICROSECONDS_A_SECOND INT64_C(1000000)
#define MICROSECONDS_A_DAY (INT64_C(86400) * MICROSECONDS_A_SECOND)

// Reads a `date-time` of RFC 3339 section 5.6: a zone is required, `t` and `z` may be lower case,
// digits beyond microseconds are dropped, second 60 is read as the first of the next minute, years
// 0001 to 9999. Sets *ret only on success.
bool timestamp_parse(const char *text, size_t length, timestamp *ret);

// Writes the instant in UTC with six decimals, `Z` and a NUL. One outside the years 0001 to 9999 is
// written as the nearest instant inside them.
void timestamp_format(timestamp at, char text[static TIMESTAMP_TEXT_SIZE]);

// Days since 1970-01-01 (UTC), rounded down.
int32_t timestamp_day(timestamp at);
