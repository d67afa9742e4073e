// SPDX-License-Identifier: Apache-2.0
// The cache (Redis by hiredis): may be slow, wrong or gone at any time, and nobody minds. One
// object for one thread that may wait; the loop reads by cache/reader.h. When Redis fails it is
// left alone for a moment, so that its absence costs a caller at most 100 ms, and one warning is
// logged for each change of state.
#pragma once

#include "platform/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

// What all threads share: whether Redis answers, and until when it is left alone.
struct cache_health;
struct cache_health *cache_health_new(struct log *log);
void cache_health_free(struct cache_health **health);
bool cache_is_up(const struct cache_health *health);

// `url` is redis://[:password@]host:port[/database]; "" makes a cache that never holds anything.
// False from cache_url_valid for anything else.
bool cache_url_valid(const char *url);
struct cache *cache_new(const char *url, struct cache_health *health);
void cache_free(struct cache **cache);

// Stores or removes; what goes wrong is only a later miss. cache_remove says whether it is certain.
void cache_set(struct cache *cache, const char *key, const char *value, size_t length, int seconds);
bool cache_remove(struct cache *cache, const char *key);

// Adds to a number that begins at 0 and lasts that long after it was begun; replicas that add at
// the same moment each see their own result. False when Redis does not answer.
bool cache_count(struct cache *cache, const char *key, int weight, int seconds, int64_t *ret);
