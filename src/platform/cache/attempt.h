// SPDX-License-Identifier: Apache-2.0
// Connecting to Redis within a time, however long its name is looked up. Internal to this folder.
#pragma once

#include "platform/cache/connection.h"

// As cache_connect, but NULL when the deadline passes first.
struct cache_connection *cache_attempt(const struct cache_address *address, int64_t deadline_ms);
