// SPDX-License-Identifier: Apache-2.0
// One round trip with the server, in libpq's pipeline mode: commands and a sync go out, answers
// come in until the sync. Nothing here blocks beyond the exchange's deadline, also when the server
// hangs.
#include "platform/db/internal.h"

#include "platform/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

// The unnamed statement is never kept.
static bool is_named(const struct db_statement *statement)
{
    return statement->name[0] != '\0';
}

// Waits for one of the events until the deadline. Answers what happened, 0 when nothing did.
static short wait_for(struct db *db, short events, int64_t deadline_ms)
{
    struct pollfd socket = {.fd = PQsocket(db->connection), .events = events};
    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        int ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) {
            return socket.revents;
        }
        if (ready == 0 || errno != EINTR) {
            db_set_error(db, "the server did not answer in time");
            return 0;
        }
    }
}

static bool take_input(struct db *db)
{
    if (PQconsumeInput(db->connection) == 0) {
        db_set_error(db, "%s", PQerrorMessage(db->connection));
        return false;
    }
    return true;
}

// Reads while it writes: a server that waits for us to read its answers reads nothing more itself.
static bool flush(struct db *db, int64_t deadline_ms)
{
    for (;;) {
        int left = PQflush(db->connection);
        if (left == 0) {
            return true;
        }
        if (left < 0) {
            db_set_error(db, "%s", PQerrorMessage(db->connection));
            return false;
        }
        short events = wait_for(db, POLLIN | POLLOUT, deadline_ms);
        if (events == 0 || ((events & ~POLLOUT) != 0 && !take_input(db))) {
            return false;
        }
    }
}

// The next result; NULL in *ret_result at the end of a command.
static bool next_result(struct db *db, int64_t deadline_ms, PGresult **ret_result)
{
    while (PQisBusy(db->connection)) {
        if (wait_for(db, POLLIN, deadline_ms) == 0 || !take_input(db)) {
            return false;
        }
    }
    *ret_result = PQgetResult(db->connection);
    return true;
}

static bool queue(struct db *db, const struct exchange *exchange)
{
    Oid types[DB_PARAMETERS_MAX];
    const char *values[DB_PARAMETERS_MAX];
    int lengths[DB_PARAMETERS_MAX];
    int formats[DB_PARAMETERS_MAX];
    int count = (int)exchange->count;
    for (size_t i = 0; i < exchange->count; i++) {
        types[i] = exchange->parameters[i].type;
        values[i] = exchange->parameters[i].data;
        lengths[i] = exchange->parameters[i].length;
        formats[i] = exchange->parameters[i].binary;
    }
    PGconn *connection = db->connection;
    const struct db_statement *statement = exchange->statement;
    bool queued = true;
    if (exchange->first != NULL) {
        queued = PQsendQueryParams(connection, exchange->first, 0, NULL, NULL, NULL, NULL, 0);
    }
    if (queued && exchange->prepare) {
        queued = PQsendPrepare(connection, statement->name, statement->sql, count, types);
    }
    if (queued && statement != NULL) {
        queued =
            PQsendQueryPrepared(connection, statement->name, count, values, lengths, formats, 0);
    }
    if (!queued || PQpipelineSync(connection) != 1) {
        db_set_error(db, "%s", PQerrorMessage(connection));
        return false;
    }
    return true;
}

static bool ends_connection(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity == NULL || strcmp(severity, "ERROR") != 0;
}

// What became of an exchange so far.
struct outcome {
    enum db_status status;
    size_t answered;  /* commands */
    PGresult *result; /* of the last command that has one */
    bool lost;        /* the connection is of no use any more */
};

// Takes a result over.
static void take_result(struct db *db, const struct exchange *exchange, struct outcome *outcome,
                        PGresult *result)
{
    size_t prepare_at = exchange->first != NULL ? 1 : 0;
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (exchange->prepare && outcome->answered == prepare_at && is_named(exchange->statement)) {
            connection_note_prepared(db, exchange->statement->name);
        }
        PQclear(outcome->result);
        outcome->result = result;
        return;
    case PGRES_FATAL_ERROR:
        outcome->status = db_take_error(db, result);
        outcome->lost = ends_connection(result);
        break;
    case PGRES_PIPELINE_ABORTED:
    case PGRES_EMPTY_QUERY:
        break;
    default:
        db_set_error(db, "the server answered with %s", PQresStatus(PQresultStatus(result)));
        outcome->status = DB_BROKEN;
        outcome->lost = true;
        break;
    }
    PQclear(result);
}

static void receive(struct db *db, const struct exchange *exchange, int64_t deadline_ms,
                    struct outcome *outcome)
{
    bool between_commands = true;
    while (!outcome->lost) {
        PGresult *result = NULL;
        if (!next_result(db, deadline_ms, &result) || (result == NULL && between_commands)) {
            outcome->status = DB_AWAY;
            outcome->lost = true;
            return;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return;
        }
        between_commands = result == NULL;
        if (result != NULL) {
            take_result(db, exchange, outcome, result);
        } else {
            outcome->answered++;
        }
    }
}

// Whatever ended the connection, the caller may try again on another one.
static enum db_status conclude(struct db *db, struct outcome *outcome, PGresult **ret_result)
{
    if (outcome->lost) {
        connection_drop(db);
    } else {
        connection_works(db);
    }
    if (outcome->status == DB_OK && ret_result != NULL) {
        *ret_result = outcome->result;
    } else {
        PQclear(outcome->result);
    }
    return outcome->status;
}

enum db_status exchange_run(struct db *db, const struct exchange *exchange, PGresult **ret_result)
{
    int64_t deadline_ms = clock_monotonic_ms() + db->patience_ms;
    struct outcome outcome = {.status = DB_OK};
    if (queue(db, exchange) && flush(db, deadline_ms)) {
        receive(db, exchange, deadline_ms, &outcome);
    } else {
        outcome.status = DB_AWAY;
        outcome.lost = true;
    }
    return conclude(db, &outcome, ret_result);
}

enum db_status exchange_script(struct db *db, const char *sql)
{
    // The simple protocol takes several statements at once, and exists outside pipeline mode only.
    int64_t deadline_ms = clock_monotonic_ms() + db->patience_ms;
    static const struct exchange nothing_else = {0};
    struct outcome outcome = {.status = DB_OK};
    if (PQexitPipelineMode(db->connection) != 1 || PQsendQuery(db->connection, sql) != 1) {
        db_set_error(db, "%s", PQerrorMessage(db->connection));
        outcome.lost = true;
    }
    PGresult *result = NULL;
    outcome.lost = outcome.lost || !flush(db, deadline_ms);
    do {
        outcome.lost = outcome.lost || !next_result(db, deadline_ms, &result);
        if (!outcome.lost && result != NULL) {
            take_result(db, &nothing_else, &outcome, result);
        }
    } while (!outcome.lost && result != NULL);
    if (outcome.lost) {
        outcome.status = outcome.status == DB_OK ? DB_AWAY : outcome.status;
    } else {
        outcome.lost = PQenterPipelineMode(db->connection) != 1;
    }
    return conclude(db, &outcome, NULL);
}
