// SPDX-License-Identifier: Apache-2.0
// The generation of cached answers that counts: a sequence in PostgreSQL, which moves on when the
// cache cannot confirm a removal. What a process knows of it holds for a second. From any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CACHE_GENERATION_KNOWN_MS 1000

struct cache_generation;
struct cache_generation *cache_generation_new(void);
void cache_generation_free(struct cache_generation **generation);

// For who cannot ask PostgreSQL: whether *ret_number is known. Towards the end of the second one
// caller is told that it is not, so that who serves it can ask before the others need it.
bool cache_generation_known(struct cache_generation *generation, int64_t *ret_number);

// For who can: false when it is time to ask, and then to note the answer. `asked_ms` (monotonic) is
// taken before the question: the answer is at least as young.
bool cache_generation_is_young(struct cache_generation *generation, int64_t *ret_number);
void cache_generation_note(struct cache_generation *generation, int64_t number, int64_t asked_ms);
