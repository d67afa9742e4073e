// SPDX-License-Identifier: Apache-2.0
// The connections of a forwarder: those that rest are kept by origin, and the one that rested last
// is used first. Internal to platform/http; on the loop's thread.
#pragma once

#include "platform/http/upstream.h"

struct pool;
struct origin; /* of a URL; lives as long as the pool */

struct pool *pool_new(struct loop *loop);

// Closes those that rest; all others have been closed or kept.
void pool_free(struct pool **pool);

// The origin of this text, such as `http://host:9001` or `unix:/path`.
struct origin *pool_origin(struct pool *pool, struct span text);

// A connection that rested, if there is one and `fresh` is false, else one that is being dialled.
struct upstream *pool_take(struct origin *origin, bool fresh);

// Takes a connection back after an answer; closes it when it or the pool cannot go on with it.
void pool_put(struct origin *origin, struct upstream *upstream);

// Closes what has rested for long; to be called now and then.
void pool_expire(struct pool *pool);
