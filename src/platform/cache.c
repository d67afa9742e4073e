// SPDX-License-Identifier: Apache-2.0
// Redis by hiredis. Whatever goes wrong, the connection is given up: a late answer would be taken
// for that of another command. One deadline holds for a whole operation, connecting included.
#include "platform/cache.h"

#include "platform/cache_health.h"
#include "platform/cache_url.h"
#include "platform/clock.h"
#include "platform/fault_point.h"
#include "platform/memory.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define OPERATION_MS 80
#define CONNECT_MS 40

struct cache {
    bool enabled;
    struct cache_address address;
    struct cache_health *health;
    redisContext *connection; /* NULL: not connected */
    redisReplyObjectFunctions replies;
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

static void disconnect(struct cache *cache)
{
    if (cache->connection != NULL) {
        redisFree(cache->connection);
        cache->connection = NULL;
    }
}

void cache_free(struct cache **cache)
{
    if (*cache == NULL) {
        return;
    }
    disconnect(*cache);
    explicit_bzero(&(*cache)->address, sizeof(*cache)->address);
    free(*cache);
    *cache = NULL;
}

static void give_up(struct cache *cache, const char *why)
{
    health_failed(cache->health, why); // `why` may stand in the connection
    disconnect(cache);
}

// ---- one command

struct command {
    const char *words[5];
    size_t lengths[5];
    int count;
};

static void add_word(struct command *command, const char *word, size_t length)
{
    command->words[command->count] = word;
    command->lengths[command->count++] = length;
}

static bool send_command(redisContext *connection, const struct command *command,
                         int64_t deadline_ms)
{
    const char **words = (const char **)command->words;
    if (redisAppendCommandArgv(connection, command->count, words, command->lengths) != REDIS_OK) {
        return false;
    }
    int done = 0;
    while (!done && clock_monotonic_ms() < deadline_ms) {
        if (redisBufferWrite(connection, &done) != REDIS_OK) {
            return false;
        }
    }
    return done != 0;
}

// Waits until there is something to read. Signals do not cut the wait short, as they would in
// hiredis.
static bool wait_readable(const redisContext *connection, int64_t deadline_ms)
{
    struct pollfd socket = {.fd = connection->fd, .events = POLLIN};
    int ready = 0;
    do {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static redisReply *receive_reply(redisContext *connection, int64_t deadline_ms)
{
    void *reply = NULL;
    while (redisGetReplyFromReader(connection, &reply) == REDIS_OK) {
        if (reply != NULL) {
            return reply;
        }
        if (!wait_readable(connection, deadline_ms) || redisBufferRead(connection) != REDIS_OK) {
            return NULL;
        }
    }
    return NULL;
}

static void reply_release(redisReply **reply)
{
    if (*reply != NULL) {
        freeReplyObject(*reply);
    }
}

// Something that came after the one answer would be taken for the next one.
static bool has_leftover(const redisContext *connection)
{
    return connection->reader->pos < connection->reader->len;
}

// NULL after giving up the connection.
static redisReply *ask(struct cache *cache, const struct command *command, int64_t deadline_ms)
{
    redisReply *reply = NULL;
    if (send_command(cache->connection, command, deadline_ms)) {
        reply = receive_reply(cache->connection, deadline_ms);
    }
    if (reply == NULL) {
        give_up(cache,
                cache->connection->err != 0 ? cache->connection->errstr : "no answer in time");
    } else if (has_leftover(cache->connection)) {
        freeReplyObject(reply);
        reply = NULL;
        give_up(cache, "more than one answer");
    }
    return reply;
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

// ---- the connection

static bool expect_ok(struct cache *cache, const char *name, const char *value, int64_t deadline_ms)
{
    struct command command = {0};
    add_word(&command, name, strlen(name));
    add_word(&command, value, strlen(value));
    redisReply *reply __attribute__((cleanup(reply_release))) = ask(cache, &command, deadline_ms);
    if (reply != NULL && !is_ok(reply)) {
        give_up_after(cache, reply);
    }
    return cache->connection != NULL;
}

static bool introduce(struct cache *cache, int64_t deadline_ms)
{
    const struct cache_address *address = &cache->address;
    if (address->password[0] != '\0' && !expect_ok(cache, "AUTH", address->password, deadline_ms)) {
        return false;
    }
    char database[16];
    snprintf(database, sizeof database, "%d", address->database);
    return address->database == 0 || expect_ok(cache, "SELECT", database, deadline_ms);
}

// No answer of ours is an array; the reader would believe any length of one.
static void *refuse_array(const redisReadTask *task, int elements)
{
    (void)task;
    (void)elements;
    return NULL;
}

static void refuse_arrays(struct cache *cache)
{
    cache->replies = *cache->connection->reader->fn;
    cache->replies.createArray = refuse_array;
    cache->connection->reader->fn = &cache->replies;
}

static bool connect_anew(struct cache *cache, int64_t deadline_ms)
{
    const struct timeval timeout = {.tv_usec = CONNECT_MS * 1000};
    redisContext *connection = NULL;
    do {
        if (connection != NULL) {
            redisFree(connection);
        }
        connection = redisConnectWithTimeout(cache->address.host, cache->address.port, timeout);
        // A signal fails hiredis' wait for the connection.
    } while (connection != NULL && connection->err == REDIS_ERR_IO && errno == EINTR &&
             clock_monotonic_ms() < deadline_ms);
    cache->connection = connection;
    if (connection == NULL || connection->err != 0 ||
        redisSetTimeout(connection, timeout) != REDIS_OK) {
        give_up(cache, connection != NULL ? connection->errstr : "no memory for a connection");
        return false;
    }
    refuse_arrays(cache);
    return introduce(cache, deadline_ms);
}

// Between commands nothing may come: something to read is the end, or an answer that nobody awaits.
static bool is_stale(const redisContext *connection)
{
    return wait_readable(connection, 0);
}

// Sends one command over a connection that is made if need be. NULL when there is no answer.
static redisReply *run(struct cache *cache, const struct command *command)
{
    if (!cache->enabled || !health_allows(cache->health)) {
        return NULL;
    }
    int64_t deadline_ms = clock_monotonic_ms() + OPERATION_MS;
    if (cache->connection != NULL && is_stale(cache->connection)) {
        disconnect(cache);
    }
    if (cache->connection == NULL && !connect_anew(cache, deadline_ms)) {
        return NULL;
    }
    return ask(cache, command, deadline_ms);
}

// The same for a command that changes something.
static redisReply *run_write(struct cache *cache, const struct command *command)
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

char *cache_get(struct cache *cache, const char *key, size_t *ret_length)
{
    struct command command = {0};
    add_word(&command, "GET", 3);
    add_word(&command, key, strlen(key));
    redisReply *reply __attribute__((cleanup(reply_release))) = run(cache, &command);
    if (reply == NULL) {
        return NULL;
    }
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL) {
        give_up_after(cache, reply);
        return NULL;
    }
    health_answered(cache->health);
    if (reply->type == REDIS_REPLY_NIL) {
        return NULL;
    }
    *ret_length = reply->len;
    return memory_copy(reply->str, reply->len);
}

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
    struct command command = {0};
    add_word(&command, "SET", 3);
    add_word(&command, key, strlen(key));
    add_word(&command, value, length);
    add_word(&command, "EX", 2);
    add_word(&command, lifetime, strlen(lifetime));
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

bool cache_remove(struct cache *cache, const char *key)
{
    if (!cache->enabled) {
        return true;
    }
    struct command command = {0};
    add_word(&command, "DEL", 3);
    add_word(&command, key, strlen(key));
    redisReply *reply __attribute__((cleanup(reply_release))) = run_write(cache, &command);
    if (reply == NULL) {
        return false;
    }
    if (reply->type == REDIS_REPLY_INTEGER || refuses_values(reply)) {
        health_answered(cache->health);
        return reply->type == REDIS_REPLY_INTEGER;
    }
    give_up_after(cache, reply);
    return false;
}

// Runs a command that answers a number.
static bool run_for_number(struct cache *cache, const char *name, const char *key, int argument,
                           int64_t *ret)
{
    char number[16];
    snprintf(number, sizeof number, "%d", argument);
    struct command command = {0};
    add_word(&command, name, strlen(name));
    add_word(&command, key, strlen(key));
    add_word(&command, number, strlen(number));
    redisReply *reply __attribute__((cleanup(reply_release))) = run_write(cache, &command);
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

bool cache_count(struct cache *cache, const char *key, int weight, int seconds, int64_t *ret)
{
    if (!run_for_number(cache, "INCRBY", key, weight, ret)) {
        return false;
    }
    // Only who began it sets its end, so that adding does not put the end off.
    int64_t ends = 1;
    return *ret != weight || run_for_number(cache, "EXPIRE", key, seconds, &ends);
}
