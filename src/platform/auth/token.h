// SPDX-License-Identifier: Apache-2.0
// Access tokens: JWT (RFC 7519) signed by HS256 (RFC 7518 section 3.2) and nothing else.
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_MAX 1024          /* characters */
#define TOKEN_LIFETIME_MAX 3600 /* seconds from iat to exp */
#define TOKEN_AHEAD_MAX 60      /* seconds that iat may be ahead of our clock */
#define TOKEN_LASTS_MAX (TOKEN_LIFETIME_MAX + TOKEN_AHEAD_MAX) /* of one that is good now */

struct token_key {
    const char *secret;
    size_t length; /* at least 32 bytes */
};

// Whom a token was made for; its `aud`, so that neither is ever taken for the other.
enum token_role {
    ROLE_PERSON,   /* sub is the person's id */
    ROLE_OPERATOR, /* sub is the operator's name */
};

#define OPERATOR_NAME_MAX 64 /* letters, digits and . _ @ - */
#define OPERATOR_NAME_SIZE (OPERATOR_NAME_MAX + 1)

bool operator_name_is_valid(const char *name);

// Makes the token of a person, valid from `now` for `seconds`. Free with free().
char *token_issue(const struct token_key *key, const struct uuid *person, timestamp now,
                  int64_t seconds);

// The same of an operator; the name must be valid.
char *token_issue_to_operator(const struct token_key *key, const char *name, timestamp now,
                              int64_t seconds);

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MALFORMED,
    TOKEN_BAD_SIGNATURE,
    TOKEN_EXPIRED,
    TOKEN_NOT_OURS,
    TOKEN_OTHER_ROLE, /* good, but not for this */
    TOKEN_REVOKED     /* said by who knows revocations.h */
};

// What a good token gives.
struct token_access {
    struct uuid person;                     /* with ROLE_PERSON */
    char operator_name[OPERATOR_NAME_SIZE]; /* with ROLE_OPERATOR, else empty */
    timestamp expires_at;
};

// Checks a token as RFC 8725 asks: exactly three canonical base64url segments, algorithm exactly
// `HS256`, the signature in constant time, no duplicate claims, iss and aud ours, iat not ahead
// and exp at most an hour after it, nbf if there is one, exp after `now`, sub a UUID or a valid
// name; and that it is of the role. Sets *ret only when good.
enum token_verdict token_verify(const struct token_key *key, enum token_role role,
                                const char *token, size_t length, timestamp now,
                                struct token_access *ret);

// What to say in WWW-Authenticate; static text.
const char *token_verdict_text(enum token_verdict verdict);
