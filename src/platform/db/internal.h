// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: the state of a connection and one exchange with the server.
// Nobody outside platform/db includes it.
#pragma once

#include "platform/buffer.h"
#include "platform/db/db.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transaction_state {
    TRANSACTION_NONE,
    TRANSACTION_WANTED, /* db_begin was called; BEGIN goes out with the first statement */
    TRANSACTION_OPEN,
    TRANSACTION_FAILED, /* nothing runs until db_rollback or db_commit ends it */
};

#define COMMANDS_MAX 18        /* of one round trip */
#define COMMANDS_A_STATEMENT 3 /* BEGIN, its preparation, itself */

// A command that has no answer yet.
struct command {
    const char *statement; /* its name; "" when it has none */
    bool prepares;         /* the statement, and does not run it */
};

struct db {
    char *url;
    char *name;
    struct buffer options; /* the session's settings, as in PGOPTIONS */
    struct log *log;
    PGconn *connection;    /* NULL: not connected */
    bool own_deadline;     /* the URL sets statement_timeout */
    bool away;             /* a warning was logged and no exchange has succeeded since */
    int64_t backoff_ms;    /* how long the next failure keeps us away from the server */
    int64_t retry_at_ms;   /* on the monotonic clock: not before */
    int64_t patience_ms;   /* how long one command may take */
    const char **prepared; /* the names of this connection's statements */
    size_t prepared_count;
    struct command queued[COMMANDS_MAX]; /* since the last sync, in their order */
    size_t queued_count;
    enum transaction_state transaction;
    enum db_status failure; /* why the transaction failed */
    char sqlstate[6];       /* of the last failure; "" when the server did not speak */
    char error[DB_ERROR_SIZE];
};

struct db_result {
    PGresult *rows;
};

// ---- errors.c

// What an SQLSTATE (five characters, or NULL) means for a caller.
enum db_status db_status_of(const char *sqlstate);

// Keeps a server's refusal as db_error, without the values of parameters; answers its status.
enum db_status db_take_error(struct db *db, const PGresult *result);

// Keeps a message of the client library, or of ours, as db_error.
void db_set_error(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- connection.c

// Connects when there is no connection, unless the server is left alone for a moment. DB_OK or
// DB_AWAY.
enum db_status connection_ready(struct db *db);

// Whether an idle connection was closed by the server meanwhile. Waits for nothing.
bool connection_is_stale(struct db *db);

// Ends a connection that is of no use any more; db_error must say why. Logs when that is news.
void connection_drop(struct db *db);

// Notes that the server answered.
void connection_works(struct db *db);

// Whether the server is inside a transaction, as it said at the end of the last exchange.
bool connection_is_in_transaction(const struct db *db);

// Whether a statement is prepared by now, or by a command that waits.
bool connection_will_have_prepared(const struct db *db, const char *name);
void connection_note_prepared(struct db *db, const char *name);
void connection_forget_prepared(struct db *db, const char *name);

// ---- exchange.c

// The commands of one round trip, sent in this order; what is NULL or false is left out.
struct exchange {
    const char *first; /* SQL without parameters, such as BEGIN */
    bool prepare;      /* the statement, before it runs */
    const struct db_statement *statement;
    const struct db_parameter *parameters;
    size_t count;
};

// Leaves the commands to the next exchange_run, which must have room for its own; nothing of what
// they hold need stay. DB_AWAY: the connection was dropped.
enum db_status exchange_queue(struct db *db, const struct exchange *exchange);

// Sends, after what was queued, and waits for every answer. After an error the later commands do
// not run. *ret_result, when not NULL, is set on DB_OK only: the answer of the last command, for
// PQclear. A connection that is lost or silent for too long is dropped, and db->connection is NULL
// then.
enum db_status exchange_run(struct db *db, const struct exchange *exchange, PGresult **ret_result);

// The same for a script of several statements without parameters.
enum db_status exchange_script(struct db *db, const char *sql);
