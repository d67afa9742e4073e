// SPDX-License-Identifier: Apache-2.0
// See connection.h. One deadline holds for all that a caller waits for.
#include "platform/cache/connection.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define CONNECT_MS 40

struct cache_connection {
    redisContext *context; /* NULL: there was no memory for one */
    redisReplyObjectFunctions replies;
    const char *refused; /* what is wrong beyond what hiredis knows; NULL: nothing */
    char reason[128];
};

void cache_command_add(struct cache_command *command, const char *word, size_t length)
{
    command->words[command->count] = word;
    command->lengths[command->count++] = length;
}

const char *cache_connection_error(const struct cache_connection *connection)
{
    if (connection->context == NULL) {
        return "no memory for a connection";
    }
    return connection->context->err != 0 ? connection->context->errstr : connection->refused;
}

int cache_connection_socket(const struct cache_connection *connection)
{
    return connection->context->fd;
}

// ---- writing and reading

void cache_append(struct cache_connection *connection, const struct cache_command *command)
{
    // Without memory for it the context has an error, which the writer sees.
    redisAppendCommandArgv(connection->context, command->count, (const char **)command->words,
                           command->lengths);
}

bool cache_write(struct cache_connection *connection, bool *ret_all)
{
    int done = 0;
    if (cache_connection_error(connection) != NULL ||
        redisBufferWrite(connection->context, &done) != REDIS_OK) {
        return false;
    }
    *ret_all = done != 0;
    return true;
}

bool cache_read(struct cache_connection *connection)
{
    return redisBufferRead(connection->context) == REDIS_OK;
}

struct redisReply *cache_next_reply(struct cache_connection *connection)
{
    void *reply = NULL;
    return redisGetReplyFromReader(connection->context, &reply) == REDIS_OK ? reply : NULL;
}

// ---- one command at a time, waiting

static bool write_all(struct cache_connection *connection, int64_t deadline_ms)
{
    bool all = false;
    while (!all && clock_monotonic_ms() < deadline_ms) {
        if (!cache_write(connection, &all)) {
            return false;
        }
    }
    return all;
}

// Waits until there is something to read. Signals do not cut the wait short, as they would in
// hiredis.
static bool wait_readable(const struct cache_connection *connection, int64_t deadline_ms)
{
    struct pollfd socket = {.fd = connection->context->fd, .events = POLLIN};
    int ready = 0;
    do {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static redisReply *wait_reply(struct cache_connection *connection, int64_t deadline_ms)
{
    redisReply *reply = cache_next_reply(connection);
    while (reply == NULL && cache_connection_error(connection) == NULL) {
        if (!wait_readable(connection, deadline_ms) || !cache_read(connection)) {
            return NULL;
        }
        reply = cache_next_reply(connection);
    }
    return reply;
}

// Something that came after the one answer would be taken for the next one.
static bool has_leftover(const struct cache_connection *connection)
{
    return connection->context->reader->pos < connection->context->reader->len;
}

struct redisReply *cache_ask(struct cache_connection *connection,
                             const struct cache_command *command, int64_t deadline_ms)
{
    redisReply *reply = NULL;
    cache_append(connection, command);
    if (write_all(connection, deadline_ms)) {
        reply = wait_reply(connection, deadline_ms);
    }
    if (reply == NULL) {
        connection->refused = "no answer in time";
    } else if (has_leftover(connection)) {
        connection->refused = "more than one answer";
        freeReplyObject(reply);
        reply = NULL;
    }
    return reply;
}

// Between commands nothing may come.
bool cache_connection_is_stale(const struct cache_connection *connection)
{
    return wait_readable(connection, 0);
}

// ---- connecting

// No answer of ours is an array; the reader would believe any length of one.
static void *refuse_array(const redisReadTask *task, int elements)
{
    (void)task;
    (void)elements;
    return NULL;
}

static void refuse_arrays(struct cache_connection *connection)
{
    connection->replies = *connection->context->reader->fn;
    connection->replies.createArray = refuse_array;
    connection->context->reader->fn = &connection->replies;
}

// `value` may be NULL: the command is one word.
static void expect(struct cache_connection *connection, const char *answer, const char *name,
                   const char *value, int64_t deadline_ms)
{
    if (cache_connection_error(connection) != NULL) {
        return;
    }
    struct cache_command command = {0};
    cache_command_add(&command, name, strlen(name));
    if (value != NULL) {
        cache_command_add(&command, value, strlen(value));
    }
    redisReply *reply = cache_ask(connection, &command, deadline_ms);
    if (reply == NULL) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        snprintf(connection->reason, sizeof connection->reason, "%s", reply->str);
        connection->refused = connection->reason;
    } else if (reply->type != REDIS_REPLY_STATUS || strcmp(reply->str, answer) != 0) {
        connection->refused = "an answer of the wrong kind";
    }
    freeReplyObject(reply);
}

// See cache_disconnect. Otherwise the kernel would go on for minutes to send what had no answer.
static void close_at_once(struct cache_connection *connection)
{
    const struct linger at_once = {.l_onoff = 1};
    if (setsockopt(connection->context->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
        connection->refused = "its socket cannot be set to close at once";
    }
}

// Ends with a question, because a server that hangs still accepts.
static void introduce(struct cache_connection *connection, const struct cache_address *address,
                      int64_t deadline_ms)
{
    if (address->password[0] != '\0') {
        expect(connection, "OK", "AUTH", address->password, deadline_ms);
    }
    if (address->database != 0) {
        char database[16];
        snprintf(database, sizeof database, "%d", address->database);
        expect(connection, "OK", "SELECT", database, deadline_ms);
    }
    expect(connection, "PONG", "PING", NULL, deadline_ms);
}

struct cache_connection *cache_connect(const struct cache_address *address, int64_t deadline_ms)
{
    const struct timeval timeout = {.tv_usec = CONNECT_MS * 1000};
    struct cache_connection *connection = memory_zeroed(1, sizeof *connection);
    redisContext *context = NULL;
    do {
        if (context != NULL) {
            redisFree(context);
        }
        context = redisConnectWithTimeout(address->host, address->port, timeout);
        // A signal fails hiredis' wait for the connection.
    } while (context != NULL && context->err == REDIS_ERR_IO && errno == EINTR &&
             clock_monotonic_ms() < deadline_ms);
    connection->context = context;
    if (context != NULL && context->err == 0 && redisSetTimeout(context, timeout) == REDIS_OK) {
        refuse_arrays(connection);
        close_at_once(connection);
        introduce(connection, address, deadline_ms);
    }
    return connection;
}

void cache_disconnect(struct cache_connection **connection)
{
    if (*connection == NULL) {
        return;
    }
    if ((*connection)->context != NULL) {
        redisFree((*connection)->context);
    }
    free(*connection);
    *connection = NULL;
}

void cache_connection_unblock(struct cache_connection *connection)
{
    redisContext *context = connection->context;
    const int flags = fcntl(context->fd, F_GETFL);
    if (flags < 0 || fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        connection->refused = "its socket cannot be set to return at once";
    }
    context->flags &= ~REDIS_BLOCK;
}
