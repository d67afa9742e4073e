// SPDX-License-Identifier: Apache-2.0
// A value is the answer beside the generation it was kept in. Filling and forgetting happen under
// the person's lock in PostgreSQL, so that no late filler brings back what was just removed.
//
// When the cache cannot confirm a removal, the generation (a sequence in PostgreSQL) moves on and
// every value kept before counts no more. Each process asks for it once a second at most, and a
// change in doubt is answered a second later: by then all replicas know.
#include "services/user_and_credit_service/decision_cache.h"

#include "platform/clock.h"
#include "platform/memory.h"
#include "services/user_and_credit_service/statements.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KNOWN_FOR_MS 1000
#define SETTLE_MS 1050
#define KEY_SIZE 64

struct cache_generation {
    pthread_mutex_t lock;
    int64_t number;
    int64_t known_until_ms; /* on the monotonic clock */
};

struct decision_cache {
    struct cache *cache;
    struct cache_generation *generation;
    struct db *db;
};

struct cache_generation *cache_generation_new(void)
{
    struct cache_generation *generation = memory_zeroed(1, sizeof *generation);
    pthread_mutex_init(&generation->lock, NULL);
    return generation;
}

void cache_generation_free(struct cache_generation **generation)
{
    if (*generation == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*generation)->lock);
    free(*generation);
    *generation = NULL;
}

struct decision_cache *decision_cache_open(const char *url, struct cache_health *health,
                                           struct cache_generation *generation, struct db *db)
{
    struct decision_cache *cache = memory_zeroed(1, sizeof *cache);
    cache->cache = cache_new(url, health);
    cache->generation = generation;
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

// ---- the generation that counts

static bool is_known(struct cache_generation *generation, int64_t *ret)
{
    pthread_mutex_lock(&generation->lock);
    bool known = clock_monotonic_ms() < generation->known_until_ms;
    *ret = generation->number;
    pthread_mutex_unlock(&generation->lock);
    return known;
}

// `asked_ms` is taken before the question: the answer is at least as young.
static void note(struct cache_generation *generation, int64_t number, int64_t asked_ms)
{
    pthread_mutex_lock(&generation->lock);
    if (asked_ms + KNOWN_FOR_MS > generation->known_until_ms) {
        generation->number = number;
        generation->known_until_ms = asked_ms + KNOWN_FOR_MS;
    }
    pthread_mutex_unlock(&generation->lock);
}

static bool current_generation(struct decision_cache *cache, int64_t *ret)
{
    if (is_known(cache->generation, ret)) {
        return true;
    }
    int64_t asked_ms = clock_monotonic_ms();
    struct db_result *row = NULL;
    if (db_run(cache->db, &sql_cache_generation, NULL, 0, &row) != DB_OK) {
        return false;
    }
    *ret = db_number(row, 0, 0);
    db_result_free(&row);
    note(cache->generation, *ret, asked_ms);
    return true;
}

// ---- values

static void write_key(const char *person, char key[static KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "ecs:decision:%s", person);
}

// The cache may hold anything: only an answer of this person and of this generation counts.
static json_t *answer_of(const json_t *value, const char *person, int64_t generation)
{
    json_t *answer = json_object_get(value, "answer");
    const char *user_id = json_string_value(json_object_get(answer, "user_id"));
    const json_t *kept_in = json_object_get(value, "generation");
    bool counts = user_id != NULL && strcmp(user_id, person) == 0 && json_is_integer(kept_in) &&
                  json_integer_value(kept_in) == generation;
    return counts ? json_incref(answer) : NULL;
}

json_t *decision_cache_get(struct decision_cache *cache, const char *person)
{
    char key[KEY_SIZE];
    write_key(person, key);
    size_t length = 0;
    int64_t generation = 0;
    char *text = cache_get(cache->cache, key, &length);
    if (text == NULL || !current_generation(cache, &generation)) {
        free(text);
        return NULL;
    }
    char error[JSON_ERROR_SIZE];
    json_t *value = json_read_object(text, length, error);
    free(text);
    json_t *answer = answer_of(value, person, generation);
    json_decref(value);
    return answer;
}

void decision_cache_fill(struct decision_cache *cache, const char *person, const json_t *answer,
                         int64_t seconds)
{
    int64_t generation = 0;
    if (seconds < 1 || !current_generation(cache, &generation)) {
        return;
    }
    char key[KEY_SIZE];
    write_key(person, key);
    json_t *value = json_pack("{s:I, s:O}", "generation", (json_int_t)generation, "answer", answer);
    size_t length = 0;
    char *text = json_text(value, &length);
    cache_set(cache->cache, key, text, length, (int)seconds);
    free(text);
    json_decref(value);
}

enum db_status decision_cache_forget(struct decision_cache *cache, const char *person,
                                     bool *ret_in_doubt)
{
    char key[KEY_SIZE];
    write_key(person, key);
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
