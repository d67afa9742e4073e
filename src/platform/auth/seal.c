// SPDX-License-Identifier: Apache-2.0
// See seal.h. The context's length goes first, so that no part of it can pass for content.
#include "platform/auth/seal.h"

#include <sodium.h>

#include <stdint.h>
#include <string.h>

#define TAG_SIZE 32

struct seal seal_for(const char *purpose, const char *secret, size_t length)
{
    struct seal seal;
    crypto_generichash_state state;
    unsigned char digest[crypto_generichash_KEYBYTES];
    crypto_generichash(digest, sizeof digest, (const unsigned char *)secret, length, NULL, 0);
    crypto_generichash_init(&state, digest, sizeof digest, SEAL_KEY_SIZE);
    crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose));
    crypto_generichash_final(&state, seal.key, SEAL_KEY_SIZE);
    sodium_memzero(digest, sizeof digest);
    return seal;
}

static void make_tag(const struct seal *seal, const char *context, struct span content,
                     unsigned char tag[static TAG_SIZE])
{
    const uint64_t context_length = strlen(context);
    crypto_generichash_state state;
    crypto_generichash_init(&state, seal->key, SEAL_KEY_SIZE, TAG_SIZE);
    crypto_generichash_update(&state, (const unsigned char *)&context_length,
                              sizeof context_length);
    crypto_generichash_update(&state, (const unsigned char *)context, context_length);
    crypto_generichash_update(&state, (const unsigned char *)content.data, content.length);
    crypto_generichash_final(&state, tag, TAG_SIZE);
}

void seal_content(const struct seal *seal, const char *context, struct span content,
                  struct buffer *ret)
{
    unsigned char tag[TAG_SIZE];
    make_tag(seal, context, content, tag);
    buffer_clear(ret);
    buffer_add(ret, tag, TAG_SIZE);
    buffer_add(ret, content.data, content.length);
}

bool seal_open(const struct seal *seal, const char *context, struct span sealed,
               struct span *ret_content)
{
    if (sealed.length < TAG_SIZE) {
        return false;
    }
    const struct span content = {sealed.data + TAG_SIZE, sealed.length - TAG_SIZE};
    unsigned char tag[TAG_SIZE];
    make_tag(seal, context, content, tag);
    if (sodium_memcmp(tag, sealed.data, TAG_SIZE) != 0) {
        return false;
    }
    *ret_content = content;
    return true;
}
