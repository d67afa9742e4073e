// SPDX-License-Identifier: Apache-2.0
// What the cache connections of all threads tell each other about Redis. For cache.c.
#pragma once

#include "platform/cache/cache.h"

#include <stdbool.h>

// Whether Redis may be asked now. While it is down, one caller a second gets leave to try it.
bool health_allows(struct cache_health *health);

// Redis could not be reached, or answered what it must not.
void health_failed(struct cache_health *health, const char *why);

void health_answered(struct cache_health *health);

// Whether a value was refused although Redis answers.
void health_refuses(struct cache_health *health, bool refuses, const char *why);
