// SPDX-License-Identifier: Apache-2.0
// Argon2id through libsodium. One call takes 19 MiB and tens of milliseconds: callers run it on the
// few threads made for it.
#include "platform/auth/password.h"

#include <sodium.h>

#define PASSES 2
#define MEMORY_BYTES (19456u * 1024u)

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for libsodium's text form");

// The hash of random bytes that nobody kept, at the same cost as every other hash.
static const char nobodys_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$nm1s3sIvdW+UAltAy5j1OA$k4/"
                                   "HsNHNyvwCFRH/u9WZyVjd4ceUaeMF8RHicPaeDh8";

bool password_hash(const char *password, size_t length, char hash[static PASSWORD_HASH_SIZE])
{
    if (sodium_init() < 0) {
        return false;
    }
    return crypto_pwhash_str(hash, password, length, PASSES, MEMORY_BYTES) == 0;
}

bool password_verify(const char *password, size_t length, const char *hash)
{
    if (sodium_init() < 0) {
        return false;
    }
    const char *against = hash != NULL ? hash : nobodys_hash;
    bool fits = crypto_pwhash_str_verify(against, password, length) == 0;
    return fits && hash != NULL;
}
