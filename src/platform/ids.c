// SPDX-License-Identifier: Apache-2.0
// New ids from the clock, libsodium's random bytes, and libuuid's SHA-1 names.
#include "platform/ids.h"

#include "domain/hex.h"
#include "platform/clock.h"

// libuuid declares functions of the same names as domain/uuid.h, which are not used here.
#define uuid_parse libuuid_parse
#define uuid_compare libuuid_compare
#include <uuid/uuid.h>
#undef uuid_parse
#undef uuid_compare

#include <sodium.h>
#include <stdlib.h>

#define HEX_CHUNK 2048 /* bytes a draw */
#define IDS_DRAWN 100
#define ID_RANDOM_BYTES 10 /* of which a version 7 UUID takes 74 bits */

// libsodium asks the kernel for 256 bytes at a time, and each call costs more than all else that is
// done for an event: so it is asked for a seed, which ChaCha20 makes as many bytes of.
static void random_bytes(uint8_t *bytes, size_t length)
{
    unsigned char seed[randombytes_SEEDBYTES];
    if (sodium_init() < 0) {
        abort(); /* without randomness no id is unique and no secret is one */
    }
    randombytes_buf(seed, sizeof seed);
    randombytes_buf_deterministic(bytes, length, seed);
    sodium_memzero(seed, sizeof seed);
}

// Each thread draws for many ids at a time.
struct uuid ids_new_at(timestamp now)
{
    static _Thread_local uint8_t drawn[IDS_DRAWN][ID_RANDOM_BYTES];
    static _Thread_local size_t left;
    if (left == 0) {
        random_bytes(drawn[0], sizeof drawn);
        left = IDS_DRAWN;
    }
    return uuid_v7((uint64_t)(now / 1000), drawn[--left]);
}

struct uuid ids_new(void)
{
    return ids_new_at(clock_now());
}

struct uuid ids_from_key(const struct uuid *person, const char *key, size_t key_length)
{
    struct uuid id;
    uuid_generate_sha1(id.bytes, person->bytes, key, key_length);
    return id;
}

void ids_random_hex(char *text, size_t bytes)
{
    while (bytes > 0) {
        uint8_t chunk[HEX_CHUNK];
        size_t length = bytes < sizeof chunk ? bytes : sizeof chunk;
        random_bytes(chunk, length);
        for (size_t i = 0; i < length; i++, text += 2) {
            hex_write(chunk[i], text);
        }
        bytes -= length;
    }
    *text = '\0';
}
