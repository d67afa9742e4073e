// SPDX-License-Identifier: Apache-2.0
// Tokens. The input is tried as a token as it is, and, signed with our key, as the header and the
// claims of one; only a token whose claims name a person may pass, and a changed one of ours never.
#include "fuzz.h"

#include "platform/auth/token.h"
#include "platform/buffer.h"

#include <sodium.h>
#include <string.h>

#define NOW INT64_C(1769904000000000)
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

static const char secret[] = "a secret of the tests, 32 bytes or more";
static const struct token_key key = {.secret = secret, .length = sizeof secret - 1};

static void add_base64(struct buffer *buffer, const void *bytes, size_t length)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t size = sodium_base64_encoded_len(length, variant);
    char *text = malloc(size);
    EXPECT(text != NULL);
    buffer_add_text(buffer, sodium_bin2base64(text, size, bytes, length, variant));
    free(text);
}

static void sign(struct buffer *token)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, sizeof secret - 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token->data, token->length);
    crypto_auth_hmacsha256_final(&state, mac);
    buffer_add_text(token, ".");
    add_base64(token, mac, sizeof mac);
}

static enum token_verdict verify(const char *token, size_t length)
{
    struct token_access access;
    enum token_verdict verdict = token_verify(&key, ROLE_PERSON, token, length, NOW, &access);
    EXPECT(token_verdict_text(verdict) != NULL);
    const enum token_verdict other = token_verify(&key, ROLE_OPERATOR, token, length, NOW, &access);
    EXPECT((verdict == TOKEN_GOOD) == (other == TOKEN_OTHER_ROLE));
    EXPECT((other == TOKEN_GOOD) == (verdict == TOKEN_OTHER_ROLE));
    EXPECT(other != TOKEN_GOOD || operator_name_is_valid(access.operator_name));
    return verdict;
}

// The claims are the whole input; the header is the one we write.
static void try_claims(const uint8_t *data, size_t size)
{
    struct buffer token = {0};
    buffer_add_text(&token, HEADER ".");
    add_base64(&token, data, size);
    sign(&token);
    if (verify(token.data, token.length) == TOKEN_GOOD) {
        EXPECT(token.length <= TOKEN_MAX);
        EXPECT(memmem(data, size, "\"sub\"", 5) != NULL || memchr(data, '\\', size) != NULL);
        // The same under another key is nobody's.
        const struct token_key other = {.secret = "another secret, also of 32 bytes.",
                                        .length = 33};
        struct token_access access;
        EXPECT(token_verify(&other, ROLE_PERSON, token.data, token.length, NOW, &access) ==
               TOKEN_BAD_SIGNATURE);
    }
    buffer_free(&token);
}

// The first byte replaces one of a good token, at the place that the second names.
static void try_changed(const uint8_t *data, size_t size)
{
    const struct uuid person = {{1, 2, 3}};
    char *token = token_issue(&key, &person, NOW, 900);
    size_t length = strlen(token);
    size_t at = size > 1 ? ((size_t)data[1] * 2 + (data[0] & 1)) % length : 0;
    char before = token[at];
    token[at] = (char)data[0];
    EXPECT((verify(token, length) == TOKEN_GOOD) == (token[at] == before));
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EXPECT(verify((const char *)data, size) != TOKEN_GOOD);
    if (size > 0) {
        struct buffer token = {0};
        buffer_add(&token, data, size);
        sign(&token);
        verify(token.data, token.length);
        buffer_free(&token);
        try_claims(data, size);
        try_changed(data, size);
    }
    return 0;
}
