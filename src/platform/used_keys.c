// SPDX-License-Identifier: Apache-2.0
// A table of sets: an id's hash chooses a set, and a new id takes the place of that set's oldest.
// Hashes are made under a secret, so that nobody without it can choose ids that meet in one set.
#include "platform/used_keys.h"

#include "platform/memory.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SET_SIZE 8

_Static_assert(USED_KEYS_SECRET_SIZE == crypto_shorthash_KEYBYTES, "the key of SipHash-2-4");

struct place {
    struct key_use use;
    uint64_t number; /* the how manieth; 0: none */
};

struct used_keys {
    unsigned char secret[USED_KEYS_SECRET_SIZE];
    uint64_t count;
    size_t sets; /* a power of two */
    struct place *places;
};

struct used_keys *used_keys_new(size_t most, const unsigned char secret[USED_KEYS_SECRET_SIZE])
{
    struct used_keys *keys = memory_zeroed(1, sizeof *keys);
    keys->sets = 1;
    while (keys->sets * SET_SIZE < most) {
        keys->sets *= 2;
    }
    memcpy(keys->secret, secret, sizeof keys->secret);
    keys->places = memory_zeroed(keys->sets * SET_SIZE, sizeof *keys->places);
    return keys;
}

void used_keys_free(struct used_keys **keys)
{
    if (*keys != NULL) {
        sodium_memzero((*keys)->secret, sizeof(*keys)->secret);
        free((*keys)->places);
        free(*keys);
        *keys = NULL;
    }
}

static uint64_t hash(const struct used_keys *keys, const void *data, size_t length)
{
    uint64_t hashed = 0;
    crypto_shorthash((unsigned char *)&hashed, data, length, keys->secret);
    return hashed;
}

struct key_use used_keys_hash(const struct used_keys *keys, const struct uuid *id,
                              const void *content, size_t length)
{
    struct {
        struct uuid id;
        uint64_t content_hash;
    } both = {*id, hash(keys, content, length)};
    return (struct key_use){
        .id_hash = hash(keys, id->bytes, sizeof id->bytes),
        .content_hash = hash(keys, &both, sizeof both),
    };
}

enum key_news used_keys_note(struct used_keys *keys, const struct key_use *use)
{
    struct place *set = &keys->places[(use->id_hash & (keys->sets - 1)) * SET_SIZE];
    struct place *oldest = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (set[i].number > 0 && set[i].use.id_hash == use->id_hash) {
            bool same = set[i].use.content_hash == use->content_hash;
            return same ? KEY_IS_REPEATED : KEY_IS_MISUSED;
        }
        if (set[i].number < oldest->number) {
            oldest = &set[i];
        }
    }
    *oldest = (struct place){*use, ++keys->count};
    return KEY_IS_NEW;
}
