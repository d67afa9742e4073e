// SPDX-License-Identifier: Apache-2.0
// UUIDs as 16 bytes: reading and writing their text, and making version 7 from given time and
// random bytes (RFC 9562). Version 5 needs SHA-1 and is made in platform/ids.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* 36 characters and the final NUL */

struct uuid {
    uint8_t bytes[16];
};

// Reads the canonical form of RFC 9562 section 4 (8-4-4-4-12 hexadecimal digits, either case, no
// braces, no prefix). `length` is the number of characters. Sets *ret only on success.
bool uuid_parse(const char *text, size_t length, struct uuid *ret);

// Writes the canonical lower-case form and a NUL.
void uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE]);

// Makes a version 7 UUID (RFC 9562 section 5.7) from milliseconds since 1970 and 10 random bytes.
struct uuid uuid_v7(uint64_t unix_ms, const uint8_t random[static 10]);

// Orders by bytes, as memcmp does: negative, zero or positive.
int uuid_compare(const struct uuid *a, const struct uuid *b);

bool uuid_equal(const struct uuid *a, const struct uuid *b);
