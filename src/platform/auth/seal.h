// SPDX-License-Identifier: Apache-2.0
// A seal on what is kept where others might write: a tag of keyed BLAKE2b (RFC 7693) over a context
// and the content, in front of the content. Whoever lacks the key can neither make nor change what
// opens, nor move it to another context.
#pragma once

#include "platform/buffer.h"
#include "platform/span.h"

#include <stdbool.h>
#include <stddef.h>

#define SEAL_KEY_SIZE 32

struct seal {
    unsigned char key[SEAL_KEY_SIZE];
};

// Derives the key of one purpose from a secret of at least 16 bytes; all processes with the secret
// have the same.
struct seal seal_for(const char *purpose, const char *secret, size_t length);

// Writes the sealed content into `ret`, replacing what it held.
void seal_content(const struct seal *seal, const char *context, struct span content,
                  struct buffer *ret);

// Gives the content, which stands within `sealed`. False when it was not sealed with this key for
// this context.
bool seal_open(const struct seal *seal, const char *context, struct span sealed,
               struct span *ret_content);
