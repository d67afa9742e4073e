// SPDX-License-Identifier: Apache-2.0
// Statements and transactions over one connection. What the server believes of the transaction and
// what we believe never differ: after a failure nothing runs until the caller has ended it.
#include "platform/db/internal.h"

#include "platform/fault_point.h"
#include "platform/memory.h"

#include <string.h>

static const struct exchange only_a_sync = {0};

struct db_parameter db_text_parameter(const char *text)
{
    return (struct db_parameter){.data = text};
}

// Keeps a failure inside a transaction until its end.
static enum db_status failed(struct db *db, enum db_status status)
{
    if (db->transaction != TRANSACTION_NONE) {
        db->transaction = TRANSACTION_FAILED;
        db->failure = status;
    }
    return status;
}

// The end of a statement, which took BEGIN along when a transaction was wanted.
static enum db_status finished(struct db *db, enum db_status status)
{
    if (status != DB_OK) {
        return failed(db, status);
    }
    if (db->transaction == TRANSACTION_WANTED) {
        db->transaction = TRANSACTION_OPEN;
    }
    return DB_OK;
}

enum db_status db_ping(struct db *db)
{
    enum db_status status = connection_ready(db);
    if (status == DB_OK) {
        status = exchange_run(db, &only_a_sync, NULL);
    }
    return status == DB_OK ? DB_OK : failed(db, status);
}

static const char *wanted_begin(const struct db *db)
{
    return db->transaction == TRANSACTION_WANTED ? "BEGIN" : NULL;
}

// Connects, and adds what must go before the statement.
static enum db_status get_ready(struct db *db, struct exchange *exchange)
{
    enum db_status status = connection_ready(db);
    exchange->first = wanted_begin(db);
    exchange->prepare = !connection_will_have_prepared(db, exchange->statement->name);
    return status;
}

static enum db_status run_once(struct db *db, struct exchange *exchange, PGresult **ret_result)
{
    enum db_status status = get_ready(db, exchange);
    return status == DB_OK ? exchange_run(db, exchange, ret_result) : status;
}

// The server has forgotten a statement that we took for prepared.
static bool statement_is_gone(const struct db *db, const struct exchange *exchange)
{
    return !exchange->prepare && strcmp(db->sqlstate, "26000") == 0;
}

static enum db_status run(struct db *db, struct exchange *exchange, PGresult **ret_result)
{
    enum db_status status = run_once(db, exchange, ret_result);
    // Inside a transaction the refusal has failed it: the caller runs the whole of it again.
    if (status != DB_OK && statement_is_gone(db, exchange) && db->transaction == TRANSACTION_NONE) {
        status = run_once(db, exchange, ret_result);
    }
    return status;
}

static enum db_status may_run(struct db *db, const struct db_statement *statement, size_t count)
{
    if (db->transaction == TRANSACTION_FAILED) {
        return db->failure;
    }
    if (count > DB_PARAMETERS_MAX) {
        db_set_error(db, "%s has more than %d parameters", statement->name, DB_PARAMETERS_MAX);
        return failed(db, DB_BROKEN);
    }
    return DB_OK;
}

enum db_status db_run(struct db *db, const struct db_statement *statement,
                      const struct db_parameter *parameters, size_t count,
                      struct db_result **ret_result)
{
    enum db_status status = may_run(db, statement, count);
    if (status != DB_OK) {
        return status;
    }
    PGresult *rows = NULL;
    struct exchange exchange = {.statement = statement, .parameters = parameters, .count = count};
    status = run(db, &exchange, &rows);
    if (status == DB_OK && ret_result != NULL) {
        *ret_result = memory_new(sizeof **ret_result);
        (*ret_result)->rows = rows;
    } else {
        PQclear(rows);
    }
    return finished(db, status);
}

// Keeps room for a statement after those that wait.
static enum db_status make_room(struct db *db)
{
    return db->queued_count + 2 * COMMANDS_A_STATEMENT > COMMANDS_MAX
               ? exchange_run(db, &only_a_sync, NULL)
               : DB_OK;
}

enum db_status db_run_later(struct db *db, const struct db_statement *statement,
                            const struct db_parameter *parameters, size_t count)
{
    enum db_status status = may_run(db, statement, count);
    if (status != DB_OK) {
        return status;
    }
    if (db->transaction == TRANSACTION_NONE) {
        db_set_error(db, "%s has no transaction to wait in", statement->name);
        return DB_BROKEN;
    }
    struct exchange exchange = {.statement = statement, .parameters = parameters, .count = count};
    status = make_room(db);
    if (status == DB_OK) {
        status = get_ready(db, &exchange);
    }
    if (status == DB_OK) {
        status = exchange_queue(db, &exchange);
    }
    return finished(db, status);
}

enum db_status db_run_script(struct db *db, const char *sql)
{
    if (db->transaction == TRANSACTION_FAILED) {
        return db->failure;
    }
    // What was queued cannot leave with it: a script takes another protocol.
    const struct exchange before = {.first = wanted_begin(db)};
    enum db_status status = connection_ready(db);
    if (status == DB_OK) {
        status = exchange_run(db, &before, NULL);
    }
    if (status == DB_OK) {
        status = exchange_script(db, sql);
    }
    return finished(db, status);
}

enum db_status db_begin(struct db *db)
{
    if (db->transaction != TRANSACTION_NONE) {
        db_set_error(db, "a transaction is open already");
        return failed(db, DB_BROKEN);
    }
    db->transaction = TRANSACTION_WANTED;
    return DB_OK;
}

static enum db_status commit_open(struct db *db)
{
    static const struct exchange commit = {.first = "COMMIT"};
    if (fault_fires(before_commit) || connection_is_stale(db)) {
        connection_drop(db); // before COMMIT was sent: certainly rolled back
        return DB_AWAY;
    }
    PGresult *answer = NULL;
    enum db_status status = exchange_run(db, &commit, &answer);
    if (fault_fires(after_commit) && db->connection != NULL) {
        db_set_error(db, "a fault point after COMMIT");
        connection_drop(db);
    }
    if (db->connection == NULL) {
        PQclear(answer);
        return DB_UNKNOWN;
    }
    if (status == DB_OK && strcmp(PQcmdStatus(answer), "COMMIT") != 0) {
        db_set_error(db, "the transaction was rolled back at its commit");
        status = DB_BROKEN;
    }
    PQclear(answer);
    return status;
}

enum db_status db_commit(struct db *db)
{
    enum db_status status = DB_OK;
    if (db->transaction == TRANSACTION_FAILED) {
        status = db->failure;
        db_rollback(db);
    } else if (db->transaction == TRANSACTION_OPEN) {
        status = commit_open(db);
        if (status != DB_OK && connection_is_in_transaction(db)) {
            db_rollback(db); // a statement before COMMIT was refused
        }
    }
    db->transaction = TRANSACTION_NONE;
    return status;
}

void db_rollback(struct db *db)
{
    static const struct exchange rollback = {.first = "ROLLBACK"};
    bool known_to_server =
        db->transaction == TRANSACTION_OPEN || db->transaction == TRANSACTION_FAILED;
    db->transaction = TRANSACTION_NONE;
    if (!known_to_server || db->connection == NULL) {
        return;
    }
    // The reason of the failure outlives the rollback.
    char error[DB_ERROR_SIZE];
    memcpy(error, db->error, sizeof error);
    if (db->queued_count > 0) {
        exchange_run(db, &only_a_sync, NULL); // one that is refused must not take ROLLBACK along
    }
    if (db->connection != NULL && exchange_run(db, &rollback, NULL) != DB_OK &&
        db->connection != NULL) {
        connection_drop(db);
    }
    memcpy(db->error, error, sizeof error);
}
