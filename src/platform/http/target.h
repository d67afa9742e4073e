// SPDX-License-Identifier: Apache-2.0
// The check of a request's target: origin form only (RFC 9112 section 3.2.1), and nothing in its
// path that two readers could take for different paths. Internal to platform/http.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Checks `target`, whose byte at `length` is a NUL, and ends its path with a NUL in place of the
// `?`. *ret_query is where the query starts, a place of a NUL when there is none. False when the
// target is refused.
bool target_split(char *target, size_t length, size_t *ret_query);
