// SPDX-License-Identifier: Apache-2.0
// A list of resting connections for each origin, from the newest to the oldest.
#include "platform/http/pool.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>

#define RESTING_MAX 512 /* of all origins */
#define REST_MS 30000   /* less than servers keep an idle connection */
#define TRUSTED_MS 100  /* a busy connection is not looked at before each request */

struct resting {
    struct upstream *upstream;
    struct origin *origin;
    struct resting *newer;
    struct resting *older;
    int64_t since_ms;
};

struct origin {
    struct pool *pool;
    struct origin *next;
    char *text;
    size_t length;
    struct resting *newest;
    struct resting *oldest;
};

struct pool {
    struct upstream_host host;
    struct origin *origins;
    size_t resting;
};

// ---- resting

static void unlink_resting(struct resting *resting)
{
    struct origin *origin = resting->origin;
    if (resting == origin->newest) {
        origin->newest = resting->older;
    } else {
        resting->newer->older = resting->older;
    }
    if (resting == origin->oldest) {
        origin->oldest = resting->newer;
    } else {
        resting->older->newer = resting->newer;
    }
    origin->pool->resting--;
}

static void lost_at_rest(void *arg, const struct upstream_loss *loss)
{
    (void)loss;
    unlink_resting(arg);
    free(arg);
}

static const struct upstream_user at_rest = {.lost = lost_at_rest};

static void put_to_rest(struct origin *origin, struct upstream *upstream)
{
    struct resting *resting = memory_new(sizeof *resting);
    *resting = (struct resting){
        .upstream = upstream,
        .origin = origin,
        .older = origin->newest,
        .since_ms = clock_monotonic_ms(),
    };
    if (resting->older != NULL) {
        resting->older->newer = resting;
    } else {
        origin->oldest = resting;
    }
    origin->newest = resting;
    origin->pool->resting++;
    upstream_rest(upstream, &at_rest, resting);
}

static struct upstream *wake(struct resting *resting)
{
    struct upstream *upstream = resting->upstream;
    unlink_resting(resting);
    free(resting);
    return upstream;
}

// The other side may have ended it in this very round of the loop.
static bool is_usable(const struct resting *resting)
{
    return clock_monotonic_ms() - resting->since_ms < TRUSTED_MS ||
           upstream_is_quiet(resting->upstream);
}

// Those that have rested since then or longer.
static void close_resting(struct origin *origin, int64_t until_ms)
{
    struct resting *newer = NULL;
    for (struct resting *resting = origin->oldest; resting != NULL; resting = newer) {
        if (resting->since_ms > until_ms) {
            return;
        }
        newer = resting->newer;
        upstream_close(wake(resting));
    }
}

// ---- for the forwarder

struct upstream *pool_take(struct origin *origin, bool fresh)
{
    if (!fresh && origin->newest != NULL) {
        bool usable = is_usable(origin->newest);
        struct upstream *upstream = wake(origin->newest);
        if (usable) {
            return upstream;
        }
        upstream_close(upstream);
    }
    return upstream_dial(&origin->pool->host, origin->text);
}

void pool_put(struct origin *origin, struct upstream *upstream)
{
    if (origin->pool->resting < RESTING_MAX && upstream_is_reusable(upstream)) {
        put_to_rest(origin, upstream);
    } else {
        upstream_close(upstream);
    }
}

void pool_expire(struct pool *pool)
{
    int64_t until_ms = clock_monotonic_ms() - REST_MS;
    for (struct origin *origin = pool->origins; origin != NULL; origin = origin->next) {
        close_resting(origin, until_ms);
    }
}

struct origin *pool_origin(struct pool *pool, struct span text)
{
    for (struct origin *origin = pool->origins; origin != NULL; origin = origin->next) {
        if (origin->length == text.length && memcmp(origin->text, text.data, text.length) == 0) {
            return origin;
        }
    }
    struct origin *origin = memory_zeroed(1, sizeof *origin);
    origin->pool = pool;
    origin->text = memory_copy(text.data, text.length);
    origin->length = text.length;
    origin->next = pool->origins;
    pool->origins = origin;
    return origin;
}

struct pool *pool_new(struct loop *loop)
{
    struct pool *pool = memory_zeroed(1, sizeof *pool);
    pool->host.loop = loop;
    pool->host.dialler = dialler_new(loop);
    return pool;
}

void pool_free(struct pool **pool)
{
    struct pool *old = *pool;
    if (old == NULL) {
        return;
    }
    struct origin *next = NULL;
    for (struct origin *origin = old->origins; origin != NULL; origin = next) {
        next = origin->next;
        close_resting(origin, INT64_MAX);
        free(origin->text);
        free(origin);
    }
    dialler_free(&old->host.dialler);
    free(old);
    *pool = NULL;
}
