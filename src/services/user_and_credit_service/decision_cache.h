// SPDX-License-Identifier: Apache-2.0
// The answers of recent analyses in the cache, one key a person: `ecs:decision:{user_id}`. An
// answer made before a change of consent is never given after it, whatever the cache does.
#pragma once

#include "platform/cache.h"
#include "platform/db/db.h"
#include "platform/json.h"

#include <stdbool.h>
#include <stdint.h>

// What all threads of the process know of the generation that counts.
struct cache_generation;
struct cache_generation *cache_generation_new(void);
void cache_generation_free(struct cache_generation **generation);

// One for a thread. `db` is the thread's connection; it is not owned.
struct decision_cache;
struct decision_cache *decision_cache_open(const char *url, struct cache_health *health,
                                           struct cache_generation *generation, struct db *db);
void decision_cache_close(struct decision_cache **cache);

// The person's answer, which the caller releases; NULL when there is none that counts.
json_t *decision_cache_get(struct decision_cache *cache, const char *person);

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
