// SPDX-License-Identifier: Apache-2.0
// Access tokens over libsodium's HMAC-SHA-256. The signature is checked before anything of a token
// is parsed, so that only what we signed reaches the JSON parser.
#include "platform/auth/token.h"

#include "platform/buffer.h"
#include "platform/json.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define ISSUER "ecs"
#define SECONDS_MAX INT64_C(253402300799)                  /* 9999-12-31T23:59:59Z */
#define HEADER_TEXT "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" /* {"alg":"HS256","typ":"JWT"} */
#define CLAIMS_SIZE 256
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define BASE64_SIZE(length) sodium_base64_ENCODED_LEN(length, BASE64)

static const char *const audiences[] = {
    [ROLE_PERSON] = "ecs-api",
    [ROLE_OPERATOR] = "ecs-operators",
};

struct segment {
    const char *text;
    size_t length;
};

struct claims {
    int64_t issued_at;
    int64_t expires_at;
    int64_t not_before; /* 0 when there is none */
    bool ours;          /* iss and aud */
    enum token_role role;
    struct uuid person;
    const char *operator_name; /* within the JSON */
};

static void sign(const struct token_key *key, const char *text, size_t length,
                 unsigned char mac[static crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key->secret, key->length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, length);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

static void add_base64(struct buffer *buffer, const void *bytes, size_t length)
{
    char text[BASE64_SIZE(CLAIMS_SIZE)];
    sodium_bin2base64(text, sizeof text, bytes, length, BASE64);
    buffer_add_text(buffer, text);
}

static char *issue(const struct token_key *key, enum token_role role, const char *subject,
                   timestamp now, int64_t seconds)
{
    int64_t issued_at = now / MICROSECONDS_A_SECOND;
    char claims[CLAIMS_SIZE];
    int length = snprintf(claims, sizeof claims,
                          "{\"iss\":\"" ISSUER "\",\"aud\":\"%s\",\"sub\":\"%s\","
                          "\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}",
                          audiences[role], subject, issued_at, issued_at + seconds);

    struct buffer token = {0};
    buffer_add_text(&token, HEADER_TEXT);
    buffer_add_text(&token, ".");
    add_base64(&token, claims, (size_t)length);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    sign(key, token.data, token.length, mac);
    buffer_add_text(&token, ".");
    add_base64(&token, mac, sizeof mac);
    return token.data;
}

char *token_issue(const struct token_key *key, const struct uuid *person, timestamp now,
                  int64_t seconds)
{
    char subject[UUID_TEXT_SIZE];
    uuid_format(person, subject);
    return issue(key, ROLE_PERSON, subject, now, seconds);
}

char *token_issue_to_operator(const struct token_key *key, const char *name, timestamp now,
                              int64_t seconds)
{
    return issue(key, ROLE_OPERATOR, name, now, seconds);
}

bool operator_name_is_valid(const char *name)
{
    const size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789._@-");
    return length > 0 && length <= OPERATOR_NAME_MAX && name[length] == '\0';
}

// Exactly three segments, separated by dots; base64url itself knows no dot.
static bool split(const char *token, size_t length, struct segment segments[static 3])
{
    for (size_t i = 0; i < 3; i++) {
        const char *dot = memchr(token, '.', length);
        bool last = i == 2;
        if ((dot == NULL) != last) {
            return false;
        }
        size_t here = last ? length : (size_t)(dot - token);
        segments[i] = (struct segment){token, here};
        if (!last) {
            token += here + 1;
            length -= here + 1;
        }
    }
    return true;
}

// libsodium 1.0.18 reads bytes from 0x80 on as if they were letters.
static bool is_ascii(struct segment segment)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < segment.length; i++) {
        bits |= (unsigned char)segment.text[i];
    }
    return bits < 0x80;
}

// Decodes base64url without padding; anything but the one canonical form is refused.
static bool decode(struct segment segment, unsigned char *bytes, size_t size, size_t *ret_length)
{
    return segment.length > 0 && is_ascii(segment) &&
           sodium_base642bin(bytes, size, segment.text, segment.length, NULL, ret_length, NULL,
                             BASE64) == 0;
}

static json_t *read_segment(struct segment segment)
{
    unsigned char text[TOKEN_MAX];
    size_t length = 0;
    char error[JSON_ERROR_SIZE];
    if (!decode(segment, text, sizeof text, &length)) {
        return NULL;
    }
    return json_read_object((const char *)text, length, error);
}

static bool text_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

// Any other member (crit, jwk, zip, ...) would ask for something that we do not do.
static bool header_is_ours(const json_t *header)
{
    const json_t *type = json_object_get(header, "typ");
    return text_is(json_object_get(header, "alg"), "HS256") &&
           (type == NULL || text_is(type, "JWT")) &&
           json_object_size(header) == (type == NULL ? 1u : 2u);
}

static bool read_seconds(const json_t *value, int64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > SECONDS_MAX) {
        return false;
    }
    *ret = json_integer_value(value);
    return true;
}

static bool read_subject(const json_t *subject, struct claims *ret)
{
    if (!json_is_string(subject)) {
        return false;
    }
    if (ret->role == ROLE_OPERATOR) {
        ret->operator_name = json_string_value(subject);
        return operator_name_is_valid(ret->operator_name);
    }
    return uuid_parse(json_string_value(subject), json_string_length(subject), &ret->person);
}

static bool read_claims(const json_t *object, struct claims *ret)
{
    const json_t *audience = json_object_get(object, "aud");
    const json_t *not_before = json_object_get(object, "nbf");
    *ret = (struct claims){.role = text_is(audience, audiences[ROLE_OPERATOR])};
    ret->ours =
        text_is(json_object_get(object, "iss"), ISSUER) && text_is(audience, audiences[ret->role]);
    return read_subject(json_object_get(object, "sub"), ret) &&
           read_seconds(json_object_get(object, "iat"), &ret->issued_at) &&
           read_seconds(json_object_get(object, "exp"), &ret->expires_at) &&
           (not_before == NULL || read_seconds(not_before, &ret->not_before));
}

static enum token_verdict judge(const struct claims *claims, timestamp now)
{
    if (!claims->ours || claims->expires_at - claims->issued_at > TOKEN_LIFETIME_MAX ||
        (claims->issued_at - TOKEN_AHEAD_MAX) * MICROSECONDS_A_SECOND > now ||
        claims->not_before * MICROSECONDS_A_SECOND > now) {
        return TOKEN_NOT_OURS;
    }
    return claims->expires_at * MICROSECONDS_A_SECOND > now ? TOKEN_GOOD : TOKEN_EXPIRED;
}

static enum token_verdict check_signature(const struct token_key *key, const char *token,
                                          const struct segment segments[static 3])
{
    unsigned char given[crypto_auth_hmacsha256_BYTES];
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    size_t length = 0;
    if (!decode(segments[2], given, sizeof given, &length) || length != sizeof given) {
        return TOKEN_MALFORMED;
    }
    sign(key, token, segments[0].length + 1 + segments[1].length, mac);
    return sodium_memcmp(mac, given, sizeof mac) == 0 ? TOKEN_GOOD : TOKEN_BAD_SIGNATURE;
}

// The header that token_issue writes need not be read again.
static enum token_verdict check_header(struct segment segment)
{
    if (segment.length == sizeof HEADER_TEXT - 1 &&
        memcmp(segment.text, HEADER_TEXT, segment.length) == 0) {
        return TOKEN_GOOD;
    }
    __attribute__((cleanup(json_release))) json_t *header = read_segment(segment);
    if (header == NULL) {
        return TOKEN_MALFORMED;
    }
    return header_is_ours(header) ? TOKEN_GOOD : TOKEN_NOT_OURS;
}

static struct token_access access_of(const struct claims *claims)
{
    struct token_access access = {
        .person = claims->person,
        .expires_at = claims->expires_at * MICROSECONDS_A_SECOND,
    };
    if (claims->role == ROLE_OPERATOR) {
        snprintf(access.operator_name, sizeof access.operator_name, "%s", claims->operator_name);
    }
    return access;
}

enum token_verdict token_verify(const struct token_key *key, enum token_role role,
                                const char *token, size_t length, timestamp now,
                                struct token_access *ret)
{
    struct segment segments[3];
    if (length > TOKEN_MAX || !split(token, length, segments)) {
        return TOKEN_MALFORMED;
    }
    enum token_verdict signature = check_signature(key, token, segments);
    if (signature != TOKEN_GOOD) {
        return signature;
    }
    enum token_verdict header = check_header(segments[0]);
    if (header != TOKEN_GOOD) {
        return header;
    }
    __attribute__((cleanup(json_release))) json_t *object = read_segment(segments[1]);
    struct claims claims;
    if (object == NULL || !read_claims(object, &claims)) {
        return TOKEN_MALFORMED;
    }
    enum token_verdict verdict = judge(&claims, now);
    if (verdict == TOKEN_GOOD && claims.role != role) {
        return TOKEN_OTHER_ROLE;
    }
    if (verdict == TOKEN_GOOD) {
        *ret = access_of(&claims);
    }
    return verdict;
}

const char *token_verdict_text(enum token_verdict verdict)
{
    switch (verdict) {
    case TOKEN_GOOD:
        return "the token is valid";
    case TOKEN_MALFORMED:
        return "the token is malformed";
    case TOKEN_BAD_SIGNATURE:
        return "the token's signature is wrong";
    case TOKEN_EXPIRED:
        return "the token has expired";
    case TOKEN_NOT_OURS:
        return "the token was not made for this service or is not valid yet";
    case TOKEN_OTHER_ROLE:
        return "the token is not for this, but for another role";
    case TOKEN_REVOKED:
        return "the account of the token is gone";
    }
    return "the token is not valid";
}
