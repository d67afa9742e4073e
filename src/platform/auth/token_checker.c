// SPDX-License-Identifier: Apache-2.0
// Remembered tokens stand in a table of sets by their hash: SipHash-2-4 with 128 bits under a
// random key, a pseudorandom function, so that who does not know the key finds no token that is
// taken for another. The hash chooses a set, and a new token takes the place of the one there that
// is forgotten first. The tokens themselves are not kept.
#include "platform/auth/token_checker.h"

#include "platform/memory.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#define SETS 512 /* a power of two */
#define SET_SIZE 8
#define HASH_SIZE crypto_shorthash_siphashx24_BYTES
#define REMEMBERED_FOR (60 * MICROSECONDS_A_SECOND)

struct remembered {
    unsigned char hash[HASH_SIZE];
    struct uuid person;
    timestamp since; /* before it nothing is known, should the clock be put back */
    timestamp until; /* 0: the slot is free */
};

struct token_checker {
    struct token_key key;
    struct token_key previous;
    unsigned char hash_key[crypto_shorthash_siphashx24_KEYBYTES];
    struct remembered sets[SETS][SET_SIZE];
};

struct token_checker *token_checker_new(struct token_key key, struct token_key previous)
{
    struct token_checker *checker = memory_zeroed(1, sizeof *checker);
    checker->key = key;
    checker->previous = previous;
    randombytes_buf(checker->hash_key, sizeof checker->hash_key);
    return checker;
}

void token_checker_free(struct token_checker **checker)
{
    free(*checker);
    *checker = NULL;
}

static bool is_remembered(const struct remembered *slot, const unsigned char *hash, timestamp now)
{
    return slot->since <= now && now < slot->until && memcmp(slot->hash, hash, HASH_SIZE) == 0;
}

// The slot that remembers the token of this hash; else the one that shall.
static struct remembered *slot_of(struct token_checker *checker,
                                  const unsigned char hash[static HASH_SIZE], timestamp now)
{
    size_t number = 0;
    memcpy(&number, hash, sizeof number);
    struct remembered *set = checker->sets[number & (SETS - 1)];
    struct remembered *first_to_go = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (is_remembered(&set[i], hash, now)) {
            return &set[i];
        }
        if (set[i].until < first_to_go->until) {
            first_to_go = &set[i];
        }
    }
    return first_to_go;
}

static void remember(struct remembered *slot, const unsigned char *hash,
                     const struct token_access *access, timestamp now)
{
    memcpy(slot->hash, hash, HASH_SIZE);
    slot->person = access->person;
    slot->since = now;
    slot->until =
        access->expires_at < now + REMEMBERED_FOR ? access->expires_at : now + REMEMBERED_FOR;
}

static enum token_verdict verify(const struct token_checker *checker, enum token_role role,
                                 const char *token, size_t length, timestamp now,
                                 struct token_access *ret)
{
    enum token_verdict verdict = token_verify(&checker->key, role, token, length, now, ret);
    if (verdict == TOKEN_BAD_SIGNATURE && checker->previous.length > 0) {
        verdict = token_verify(&checker->previous, role, token, length, now, ret);
    }
    return verdict;
}

enum token_verdict token_check(struct token_checker *checker, const char *token, size_t length,
                               timestamp now, struct uuid *ret_person)
{
    unsigned char hash[HASH_SIZE];
    crypto_shorthash_siphashx24(hash, (const unsigned char *)token, length, checker->hash_key);
    struct remembered *slot = slot_of(checker, hash, now);
    if (is_remembered(slot, hash, now)) {
        *ret_person = slot->person;
        return TOKEN_GOOD;
    }
    struct token_access access;
    enum token_verdict verdict = verify(checker, ROLE_PERSON, token, length, now, &access);
    if (verdict == TOKEN_GOOD) {
        remember(slot, hash, &access, now);
        *ret_person = access.person;
    }
    return verdict;
}

enum token_verdict token_check_operator(const struct token_checker *checker, const char *token,
                                        size_t length, timestamp now,
                                        char name[static OPERATOR_NAME_SIZE])
{
    struct token_access access;
    enum token_verdict verdict = verify(checker, ROLE_OPERATOR, token, length, now, &access);
    if (verdict == TOKEN_GOOD) {
        memcpy(name, access.operator_name, sizeof access.operator_name);
    }
    return verdict;
}
