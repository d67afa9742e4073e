// SPDX-License-Identifier: Apache-2.0
// What each idempotency key was used for, as far as this process remembers: the ids that keys led
// to, each with a hash of its content, in a table of a fixed size that forgets the oldest. It tells
// a repeat from a key that is used for something else. For one thread.
#pragma once

#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>

struct used_keys;

// Remembers `most` ids, rounded up to a power of two.
struct used_keys *used_keys_new(size_t most);
void used_keys_free(struct used_keys **keys);

// False when the id was used before with other content. Remembers the content of an id that is new.
bool used_keys_agree(struct used_keys *keys, const struct uuid *id, const void *content,
                     size_t length);
