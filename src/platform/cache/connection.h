// SPDX-License-Identifier: Apache-2.0
// One connection to Redis (hiredis), for the modules of this folder. After any failure it is of no
// use: a late answer would be taken for that of another command.
#pragma once

#include "platform/cache/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_OPERATION_MS 80 /* a whole operation, connecting included */
#define CACHE_WORDS_MAX 6

struct redisReply;
struct cache_connection;

// The words of one command; they are not copied.
struct cache_command {
    const char *words[CACHE_WORDS_MAX];
    size_t lengths[CACHE_WORDS_MAX];
    int count;
};

void cache_command_add(struct cache_command *command, const char *word, size_t length);

// Connects, with the address' password and database, waiting at most until the deadline (monotonic
// milliseconds). Never NULL: cache_connection_error says whether it is of use.
struct cache_connection *cache_connect(const struct cache_address *address, int64_t deadline_ms);

// Closes it at once: what was written and has not arrived yet is not sent any more, so that it
// cannot arrive after what another connection writes later.
void cache_disconnect(struct cache_connection **connection);

// Why the connection is of no use; NULL while it is. Lives as long as the connection.
const char *cache_connection_error(const struct cache_connection *connection);

// Whether something came that nobody asked for: its end, or an answer too many.
bool cache_connection_is_stale(const struct cache_connection *connection);

// Sends one command and waits for its answer, which the caller frees (freeReplyObject); NULL after
// a failure.
struct redisReply *cache_ask(struct cache_connection *connection,
                             const struct cache_command *command, int64_t deadline_ms);

// ---- without waiting, for the loop

int cache_connection_socket(const struct cache_connection *connection);

// From now on nothing waits.
void cache_connection_unblock(struct cache_connection *connection);

// Adds a command to what will be written.
void cache_append(struct cache_connection *connection, const struct cache_command *command);

// Writes what the socket takes; *ret_all: nothing is left. False after a failure.
bool cache_write(struct cache_connection *connection, bool *ret_all);

// Reads what the socket has; false after a failure. Then cache_next_reply gives each whole answer,
// NULL when there is none, or after a failure.
bool cache_read(struct cache_connection *connection);
struct redisReply *cache_next_reply(struct cache_connection *connection);
