// SPDX-License-Identifier: Apache-2.0
// A table of sets: a key's hash chooses a set, and a place in it is taken from whoever was there in
// another window, which a clock set back may have put ahead, or has counted least. Keys are kept as
// hashes under a random key, so nobody can choose keys that meet in one set.
#include "platform/rate_limit.h"

#include "platform/memory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define SET_SIZE 8

struct place {
    uint64_t hash;
    int64_t window; /* its number; 0: never used */
    int64_t count;
};

struct rate_limit {
    pthread_mutex_t lock;
    int64_t limit;
    int64_t seconds;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    size_t sets; /* a power of two */
    struct place *places;
};

struct rate_limit *rate_limit_new(int64_t limit, int64_t seconds, size_t slots)
{
    if (limit == 0) {
        return NULL;
    }
    struct rate_limit *made = memory_zeroed(1, sizeof *made);
    pthread_mutex_init(&made->lock, NULL);
    made->limit = limit;
    made->seconds = seconds;
    made->sets = 1;
    while (made->sets * SET_SIZE < slots) {
        made->sets *= 2;
    }
    crypto_shorthash_keygen(made->hash_key);
    made->places = memory_zeroed(made->sets * SET_SIZE, sizeof *made->places);
    return made;
}

void rate_limit_free(struct rate_limit **limit)
{
    if (*limit != NULL) {
        pthread_mutex_destroy(&(*limit)->lock);
        free((*limit)->places);
        free(*limit);
        *limit = NULL;
    }
}

int64_t rate_limit_window(const struct rate_limit *limit, int64_t now_seconds)
{
    return now_seconds / limit->seconds + 1; /* never the 0 of an unused place */
}

int64_t rate_limit_seconds(const struct rate_limit *limit)
{
    return limit->seconds;
}

struct rate_verdict rate_limit_judge(const struct rate_limit *limit, int64_t count,
                                     int64_t now_seconds)
{
    return (struct rate_verdict){
        .allowed = count <= limit->limit,
        .limit = limit->limit,
        .remaining = count < limit->limit ? limit->limit - count : 0,
        .reset_seconds = limit->seconds - now_seconds % limit->seconds,
    };
}

// What keeping a place is worth in a window.
static int64_t worth(const struct place *place, int64_t window)
{
    return place->window == window ? place->count : -1;
}

static struct place *find_place(struct place *set, uint64_t hash, int64_t window)
{
    struct place *least = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (set[i].hash == hash && set[i].window == window) {
            return &set[i];
        }
        if (worth(&set[i], window) < worth(least, window)) {
            least = &set[i];
        }
    }
    *least = (struct place){.hash = hash, .window = window};
    return least;
}

struct rate_verdict rate_limit_count(struct rate_limit *limit, const void *key, size_t length,
                                     int64_t weight, int64_t now_seconds)
{
    uint64_t hash = 0;
    crypto_shorthash((unsigned char *)&hash, key, length, limit->hash_key);
    struct place *set = &limit->places[(hash & (limit->sets - 1)) * SET_SIZE];
    pthread_mutex_lock(&limit->lock);
    struct place *place = find_place(set, hash, rate_limit_window(limit, now_seconds));
    place->count += weight;
    place->count = place->count > 0 ? place->count : 0;
    int64_t count = place->count;
    pthread_mutex_unlock(&limit->lock);
    return rate_limit_judge(limit, count, now_seconds);
}
