// SPDX-License-Identifier: Apache-2.0
// Reads of the cache on a loop: what is asked for in one round leaves in one write, and nobody
// waits. While Redis is away, or a connection is being made, every key is absent at once. All calls
// on the loop's thread.
#pragma once

#include "platform/cache/cache.h"
#include "platform/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct cache_reader;

// `value` lasts for the call; NULL: absent, or unknown because Redis does not answer in time.
typedef void cache_read_fn(void *arg, const char *value, size_t length);

// `url` as for cache_new; "" makes a reader that finds nothing.
struct cache_reader *cache_reader_new(struct loop *loop, const char *url,
                                      struct cache_health *health);

// No reads may be under way. NULL is allowed.
void cache_reader_free(struct cache_reader **reader);

// Asks for the value of a key; done is called once, at once or later.
void cache_reader_get(struct cache_reader *reader, const char *key, cache_read_fn *done, void *arg);
