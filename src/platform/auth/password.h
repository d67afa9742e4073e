// SPDX-License-Identifier: Apache-2.0
// Passwords by Argon2id (RFC 9106) in libsodium: 19 MiB, two passes, one lane.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_HASH_SIZE 128

// Hashes a password into the PHC text form with its own random salt. False when out of memory.
bool password_hash(const char *password, size_t length, char hash[static PASSWORD_HASH_SIZE]);

// Whether the password fits the hash, in the same time whether or not it does. A NULL hash stands
// for a person who does not exist: as much work is done, and the answer is false.
bool password_verify(const char *password, size_t length, const char *hash);
