// SPDX-License-Identifier: Apache-2.0
// Filling and forgetting happen under the person's lock in PostgreSQL, so that no late filler
// brings back what was just removed.
//
// When the cache cannot confirm a removal, the generation moves on and every value sealed before
// opens no more. Each process knows the generation of a second ago at the oldest, and a change in
// doubt is answered a second later: by then all replicas know.
#include "services/user_and_credit_service/decision_cache.h"

#include "platform/clock.h"
#include "platform/memory.h"
#include "services/user_and_credit_service/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_MS (CACHE_GENERATION_KNOWN_MS + 50)
#define CONTEXT_SIZE 96

struct decision_cache {
    struct cache *cache;
    const struct decision_rules *rules;
    struct db *db;
};

// ---- values

void decision_key(const char *person, char key[static DECISION_KEY_SIZE])
{
    snprintf(key, DECISION_KEY_SIZE, "ecs:decision:%s", person);
}

static void write_context(const char *person, int64_t generation, char context[static CONTEXT_SIZE])
{
    snprintf(context, CONTEXT_SIZE, "%s %lld", person, (long long)generation);
}

bool decision_recall(const struct decision_rules *rules, const char *person, struct span value,
                     struct span *ret_answer)
{
    int64_t generation = 0;
    if (!cache_generation_known(rules->generation, &generation)) {
        return false;
    }
    char context[CONTEXT_SIZE];
    write_context(person, generation, context);
    return seal_open(&rules->seal, context, value, ret_answer);
}

// ---- keeping and removing

struct decision_cache *decision_cache_open(const struct decision_rules *rules, const char *url,
                                           struct cache_health *health, struct db *db)
{
    struct decision_cache *cache = memory_zeroed(1, sizeof *cache);
    cache->cache = cache_new(url, health);
    cache->rules = rules;
    cache->db = db;
    return cache;
}

void decision_cache_close(struct decision_cache **cache)
{
    if (*cache == NULL) {
        return;
    }
    cache_free(&(*cache)->cache);
    free(*cache);
    *cache = NULL;
}

static bool current_generation(struct decision_cache *cache, int64_t *ret)
{
    struct cache_generation *generation = cache->rules->generation;
    if (cache_generation_is_young(generation, ret)) {
        return true;
    }
    int64_t asked_ms = clock_monotonic_ms();
    struct db_result *row = NULL;
    if (db_run(cache->db, &sql_cache_generation, NULL, 0, &row) != DB_OK) {
        return false;
    }
    *ret = db_number(row, 0, 0);
    db_result_free(&row);
    cache_generation_note(generation, *ret, asked_ms);
    return true;
}

static void keep(struct decision_cache *cache, const char *person, int64_t generation,
                 struct span answer, int64_t seconds)
{
    char key[DECISION_KEY_SIZE];
    char context[CONTEXT_SIZE];
    struct buffer value = {0};
    decision_key(person, key);
    write_context(person, generation, context);
    seal_content(&cache->rules->seal, context, answer, &value);
    cache_set(cache->cache, key, value.data, value.length, (int)seconds);
    buffer_free(&value);
}

void decision_cache_fill(struct decision_cache *cache, const char *person, const json_t *answer,
                         int64_t seconds)
{
    int64_t generation = 0;
    if (seconds < 1 || !current_generation(cache, &generation)) {
        return;
    }
    size_t length = 0;
    char *text = json_text(answer, &length);
    keep(cache, person, generation, (struct span){text, length}, seconds);
    free(text);
}

enum db_status decision_cache_forget(struct decision_cache *cache, const char *person,
                                     bool *ret_in_doubt)
{
    char key[DECISION_KEY_SIZE];
    decision_key(person, key);
    if (cache_remove(cache->cache, key)) {
        return DB_OK;
    }
    *ret_in_doubt = true;
    return db_run(cache->db, &sql_next_cache_generation, NULL, 0, NULL);
}

void decision_cache_settle(void)
{
    struct timespec second = {.tv_sec = SETTLE_MS / 1000, .tv_nsec = SETTLE_MS % 1000 * 1000000};
    nanosleep(&second, NULL);
}
