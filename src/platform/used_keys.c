// SPDX-License-Identifier: Apache-2.0
// A table of sets: an id's hash chooses a set, and a new id takes the place of that set's oldest.
// Hashes are made under a random key, so nobody can choose ids that meet in one set.
#include "platform/used_keys.h"

#include "platform/memory.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

#define SET_SIZE 8

struct use {
    uint64_t id_hash;
    uint64_t content_hash;
    uint64_t number; /* the how manieth; 0: none */
};

struct used_keys {
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    uint64_t count;
    size_t sets; /* a power of two */
    struct use *uses;
};

struct used_keys *used_keys_new(size_t most)
{
    struct used_keys *keys = memory_zeroed(1, sizeof *keys);
    keys->sets = 1;
    while (keys->sets * SET_SIZE < most) {
        keys->sets *= 2;
    }
    crypto_shorthash_keygen(keys->hash_key);
    keys->uses = memory_zeroed(keys->sets * SET_SIZE, sizeof *keys->uses);
    return keys;
}

void used_keys_free(struct used_keys **keys)
{
    if (*keys != NULL) {
        free((*keys)->uses);
        free(*keys);
        *keys = NULL;
    }
}

static uint64_t hash(const struct used_keys *keys, const void *data, size_t length)
{
    uint64_t hashed = 0;
    crypto_shorthash((unsigned char *)&hashed, data, length, keys->hash_key);
    return hashed;
}

bool used_keys_agree(struct used_keys *keys, const struct uuid *id, const void *content,
                     size_t length)
{
    const struct use use = {
        .id_hash = hash(keys, id->bytes, sizeof id->bytes),
        .content_hash = hash(keys, content, length),
        .number = ++keys->count,
    };
    struct use *set = &keys->uses[(use.id_hash & (keys->sets - 1)) * SET_SIZE];
    struct use *oldest = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (set[i].number > 0 && set[i].id_hash == use.id_hash) {
            return set[i].content_hash == use.content_hash;
        }
        if (set[i].number < oldest->number) {
            oldest = &set[i];
        }
    }
    *oldest = use;
    return true;
}
