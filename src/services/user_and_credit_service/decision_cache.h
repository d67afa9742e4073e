// SPDX-License-Identifier: Apache-2.0
// The answers of recent analyses in the cache, one key a person: `ecs:decision:{user_id}`. An
// answer made before a change of consent is never given after it, whatever the cache does; and what
// is not sealed by us, for that person and the generation that counts, is no answer.
#pragma once

#include "platform/auth/seal.h"
#include "platform/cache/cache.h"
#include "platform/db/db.h"
#include "platform/json.h"
#include "services/user_and_credit_service/cache_generation.h"

#include <stdbool.h>
#include <stdint.h>

#define DECISION_KEY_SIZE 64

// What makes a cached value count; one for the process.
struct decision_rules {
    struct seal seal;
    struct cache_generation *generation;
};

// The key of a person's answer.
void decision_key(const char *person, char key[static DECISION_KEY_SIZE]);

// The answer, as JSON text, within the value that was found under the person's key. False when it
// does not count, or when that is not known without asking PostgreSQL. From any thread.
bool decision_recall(const struct decision_rules *rules, const char *person, struct span value,
                     struct span *ret_answer);

// Where a thread that may wait keeps and removes them. `db` is the thread's connection; neither it
// nor the rules are owned.
struct decision_cache;
struct decision_cache *decision_cache_open(const struct decision_rules *rules, const char *url,
                                           struct cache_health *health, struct db *db);
void decision_cache_close(struct decision_cache **cache);

// Keeps an answer for some seconds. Only inside a transaction that holds the person's lock, and
// only of a decision that was committed before.
void decision_cache_fill(struct decision_cache *cache, const char *person, const json_t *answer,
                         int64_t seconds);

// Makes sure that the person's answer does not come back. Inside a transaction that holds the
// person's lock. *ret_in_doubt: the change holds for every replica only after
// decision_cache_settle.
enum db_status decision_cache_forget(struct decision_cache *cache, const char *person,
                                     bool *ret_in_doubt);
void decision_cache_settle(void);
