// SPDX-License-Identifier: Apache-2.0
// Commands of one thread that waits for each. Whatever goes wrong, the connection is given up. One
// deadline holds for a whole operation, connecting included.
#include "platform/cache/cache.h"

#include "platform/cache/attempt.h"
#include "platform/cache/connection.h"
#include "platform/cache/health.h"
#include "platform/cache/url.h"
#include "platform/clock.h"
#include "platform/fault_point.h"
#include "platform/memory.h"

#include <hiredis/hiredis.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cache {
    bool enabled;
    struct cache_address address;
    struct cache_health *health;
    struct cache_connection *connection; /* NULL: not connected */
};

bool cache_url_valid(const char *url)
{
    struct cache_address address;
    return url[0] == '\0' || cache_url_parse(url, &address);
}

struct cache *cache_new(const char *url, struct cache_health *health)
{
    struct cache *cache = memory_zeroed(1, sizeof *cache);
    cache->health = health;
    cache->enabled = cache_url_parse(url, &cache->address);
    return cache;
}

void cache_free(struct cache **cache)
{
    if (*cache == NULL) {
        return;
    }
    cache_disconnect(&(*cache)->connection);
    explicit_bzero(&(*cache)->address, sizeof(*cache)->address);
    free(*cache);
    *cache = NULL;
}

static void give_up(struct cache *cache, const char *why)
{
    health_failed(cache->health, why); // `why` may stand in the connection
    cache_disconnect(&cache->connection);
}

// ---- one command

static void reply_release(redisReply **reply)
{
    if (*reply != NULL) {
        freeReplyObject(*reply);
    }
}

// An answer of a kind that the command cannot have.
static void give_up_after(struct cache *cache, const redisReply *reply)
{
    give_up(cache, reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of the wrong kind");
}

static bool is_ok(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0;
}

// Sends one command over a connection that is made if need be. NULL when there is no answer.
static redisReply *run(struct cache *cache, const struct cache_command *command)
{
    if (!cache->enabled || !health_allows(cache->health)) {
        return NULL;
    }
    int64_t deadline_ms = clock_monotonic_ms() + CACHE_OPERATION_MS;
    if (cache->connection != NULL && cache_connection_is_stale(cache->connection)) {
        cache_disconnect(&cache->connection);
    }
    if (cache->connection == NULL) {
        cache->connection = cache_attempt(&cache->address, deadline_ms);
    }
    if (cache->connection == NULL) {
        health_failed(cache->health, "no connection in time");
        return NULL;
    }
    redisReply *reply = NULL;
    if (cache_connection_error(cache->connection) == NULL) {
        reply = cache_ask(cache->connection, command, deadline_ms);
    }
    if (reply == NULL) {
        give_up(cache, cache_connection_error(cache->connection));
    }
    return reply;
}

// The same for a command that changes something.
static redisReply *run_write(struct cache *cache, const struct cache_command *command)
{
    if (fault_fires(before_cache_write)) {
        give_up(cache, "a fault point");
        return NULL;
    }
    redisReply *reply = run(cache, command);
    if (reply != NULL && fault_fires(after_cache_write)) {
        freeReplyObject(reply);
        give_up(cache, "a fault point");
        return NULL;
    }
    return reply;
}

// ---- what callers ask for

// Redis is well but has no room, is a replica, or cannot save.
static bool refuses_values(const redisReply *reply)
{
    static const char *const reasons[] = {"OOM ", "READONLY ", "MISCONF "};
    for (size_t i = 0; reply->type == REDIS_REPLY_ERROR && i < 3; i++) {
        if (strncmp(reply->str, reasons[i], strlen(reasons[i])) == 0) {
            return true;
        }
    }
    return false;
}

void cache_set(struct cache *cache, const char *key, const char *value, size_t length, int seconds)
{
    char lifetime[16];
    snprintf(lifetime, sizeof lifetime, "%d", seconds);
    struct cache_command command = {0};
    cache_command_add(&command, "SET", 3);
    cache_command_add(&command, key, strlen(key));
    cache_command_add(&command, value, length);
    cache_command_add(&command, "EX", 2);
    cache_command_add(&command, lifetime, strlen(lifetime));
    redisReply *reply __attribute__((cleanup(reply_release))) = run_write(cache, &command);
    if (reply == NULL) {
        return;
    }
    if (is_ok(reply) || refuses_values(reply)) {
        health_answered(cache->health);
        health_refuses(cache->health, !is_ok(reply), reply->str);
    } else {
        give_up_after(cache, reply);
    }
}

// Runs a command that answers a number.
static bool run_for_number(struct cache *cache, const struct cache_command *command, int64_t *ret)
{
    redisReply *reply __attribute__((cleanup(reply_release))) = run_write(cache, command);
    if (reply == NULL) {
        return false;
    }
    if (reply->type == REDIS_REPLY_INTEGER || refuses_values(reply)) {
        health_answered(cache->health);
        *ret = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        return reply->type == REDIS_REPLY_INTEGER;
    }
    give_up_after(cache, reply);
    return false;
}

bool cache_remove(struct cache *cache, const char *key)
{
    if (!cache->enabled) {
        return true;
    }
    struct cache_command command = {0};
    cache_command_add(&command, "DEL", 3);
    cache_command_add(&command, key, strlen(key));
    int64_t removed = 0;
    return run_for_number(cache, &command, &removed);
}

// Who begins a count sets its end, which adding does not put off; in one step, so that no count is
// left without an end.
static const char count_script[] = "local count = redis.call('INCRBY', KEYS[1], ARGV[1])"
                                   " if redis.call('TTL', KEYS[1]) < 0 then"
                                   " redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
                                   " return count";

bool cache_count(struct cache *cache, const char *key, int weight, int seconds, int64_t *ret)
{
    char added[16];
    char lifetime[16];
    snprintf(added, sizeof added, "%d", weight);
    snprintf(lifetime, sizeof lifetime, "%d", seconds);
    struct cache_command command = {0};
    cache_command_add(&command, "EVAL", 4);
    cache_command_add(&command, count_script, sizeof count_script - 1);
    cache_command_add(&command, "1", 1);
    cache_command_add(&command, key, strlen(key));
    cache_command_add(&command, added, strlen(added));
    cache_command_add(&command, lifetime, strlen(lifetime));
    return run_for_number(cache, &command, ret);
}
