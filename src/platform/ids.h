// SPDX-License-Identifier: Apache-2.0
// New ids: random, from the clock, or from a name (RFC 9562).
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"

// A version 7 UUID of now: unique, and growing with time so that indexes grow at their end.
struct uuid ids_new(void);

// The same of an instant near now, for who knows the time already.
struct uuid ids_new_at(timestamp now);

// A version 5 UUID (section 5.5) of `key` in the name space of `person`: the same key of the same
// person gives the same id, always and everywhere.
struct uuid ids_from_key(const struct uuid *person, const char *key, size_t key_length);

// `bytes` random bytes as lower-case hexadecimal digits and a NUL; text has 2 * bytes + 1 places.
void ids_random_hex(char *text, size_t bytes);
