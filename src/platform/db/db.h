// SPDX-License-Identifier: Apache-2.0
// PostgreSQL by libpq: one connection for one thread, connected at the first use and again after a
// loss. Every statement has a deadline. Statements are prepared once a connection.
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"
#include "platform/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_result;

enum db_status {
    DB_OK,
    DB_AWAY,     /* no connection, shutting down, no resources or disk (08, 57P0, 53, 58): wait */
    DB_RETRY,    /* serialization, deadlock, deadline of a lock, or a row that was there when the
                    statement began and is gone (40001, 40P01, 55P03, 23503): again at once */
    DB_LATE,     /* deadline of a statement (57014): again later, or with less to do */
    DB_CONFLICT, /* a unique key is taken (23505) */
    DB_REJECTED, /* the data can never be stored (22, the rest of 23) */
    DB_UNKNOWN,  /* the connection was lost during COMMIT: look the outcome up by id */
    DB_BROKEN,   /* anything else: a defect of ours, or rights that are missing */
};

// Whether the same may succeed later: all but what is wrong with the data, the rights or the code.
bool db_may_pass(enum db_status status);

#define DB_ERROR_SIZE 256

// `url` as PQconninfoParse takes it; `name` is shown in pg_stat_activity. NULL with one line in
// `error` when the URL cannot be read. Does not connect.
struct db *db_open(const char *url, const char *name, struct log *log,
                   char error[static DB_ERROR_SIZE]);
void db_close(struct db **db);

// Before the first use, and whatever the URL sets: each statement is planned once a connection, not
// for each call's parameters, and finds rows by an index even where its tables are small yet. For
// statements whose way through the tables is the same whomever they ask about.
void db_plan_once(struct db *db);

// Connects if need be and asks for one round trip.
enum db_status db_ping(struct db *db);

// The server's message of the last failure, one line; for the log, never for a client.
const char *db_error(const struct db *db);

// ---- statements

#define DB_PARAMETERS_MAX 24

// A named statement; lives as a static const beside the others of its service.
struct db_statement {
    const char *name;
    const char *sql;
};

struct db_parameter {
    const char *data; /* NULL: SQL NULL */
    int length;       /* of binary data */
    bool binary;
    uint32_t type; /* an Oid, or 0: the server's guess */
};

// Parameters as text; the text must stay until the call.
struct db_parameter db_text_parameter(const char *text);
#define DB_NULL ((struct db_parameter){0})

// Runs a statement with its parameters (in binary or text), results as text. *ret_result, when not
// NULL, is set on DB_OK only; free it with db_result_free.
enum db_status db_run(struct db *db, const struct db_statement *statement,
                      const struct db_parameter *parameters, size_t count,
                      struct db_result **ret_result);

// Inside a transaction: leaves a statement to the round trip of the next call, its commit included;
// nothing of the parameters need stay. What it answers is not told, and when it fails that call
// fails as it did and does nothing else.
enum db_status db_run_later(struct db *db, const struct db_statement *statement,
                            const struct db_parameter *parameters, size_t count);

// Runs plain SQL without parameters, several statements allowed (migrations).
enum db_status db_run_script(struct db *db, const char *sql);

// BEGIN goes out with the first statement. After a failure inside a transaction, a lost connection
// included, every statement answers that failure again and runs nothing, until db_rollback;
// db_commit answers it too and rolls back. Both end the transaction whatever they answer.
enum db_status db_begin(struct db *db);
enum db_status db_commit(struct db *db); /* DB_UNKNOWN when the answer was lost */
void db_rollback(struct db *db);         /* never fails: at worst the connection is dropped */

// ---- results

size_t db_rows(const struct db_result *result);
int64_t db_affected(const struct db_result *result); /* rows an INSERT, UPDATE or DELETE touched */
bool db_null(const struct db_result *result, size_t row, int column);
const char *db_text(const struct db_result *result, size_t row, int column); /* "" for NULL */
int64_t db_number(const struct db_result *result, size_t row, int column);   /* 0 for NULL */
double db_real(const struct db_result *result, size_t row, int column);      /* NaN for NULL */
bool db_flag(const struct db_result *result, size_t row, int column);
struct uuid db_uuid(const struct db_result *result, size_t row, int column);
// timestamptz; the session's time zone is UTC and its DateStyle ISO.
timestamp db_timestamp(const struct db_result *result, size_t row, int column);
void db_result_free(struct db_result **result);
