// SPDX-License-Identifier: Apache-2.0
// What each idempotency key was used for, as far as it is remembered: hashes of the ids that keys
// led to, each with a hash of its content, in a table of a fixed size that forgets the oldest. It
// tells a repeat from a key that is used for something else. For one thread at a time.
#pragma once

#include "domain/uuid.h"

#include <stddef.h>
#include <stdint.h>

#define USED_KEYS_SECRET_SIZE 16 /* bytes */

struct used_keys;

// One use of a key. Tables with the same secret have the same hashes.
struct key_use {
    uint64_t id_hash;
    uint64_t content_hash;
};

enum key_news {
    KEY_IS_NEW,
    KEY_IS_REPEATED,
    KEY_IS_MISUSED, /* it stands for other content */
};

// Remembers `most` ids, rounded up to a power of two. Without the secret nobody can choose ids that
// push each other out.
struct used_keys *used_keys_new(size_t most, const unsigned char secret[USED_KEYS_SECRET_SIZE]);
void used_keys_free(struct used_keys **keys);

// SipHash-2-4 of the id that a key led to, and of the id with what it stands for: the same content
// under two ids has two hashes.
struct key_use used_keys_hash(const struct used_keys *keys, const struct uuid *id,
                              const void *content, size_t length);

// Compares with what is remembered, and remembers what is new.
enum key_news used_keys_note(struct used_keys *keys, const struct key_use *use);
