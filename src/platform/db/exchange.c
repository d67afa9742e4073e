// SPDX-License-Identifier: Apache-2.0
// One round trip with the server, in libpq's pipeline mode: commands and a sync go out, answers
// come in until the sync. Nothing here blocks beyond the exchange's deadline, also when the server
// hangs.
#include "platform/db/internal.h"

#include "platform/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

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

static void note_queued(struct db *db, const char *statement, bool prepares)
{
    db->queued[db->queued_count++] = (struct command){statement, prepares};
}

static bool queue_plain(struct db *db, const char *sql)
{
    note_queued(db, "", false);
    return PQsendQueryParams(db->connection, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool queue_preparation(struct db *db, const struct exchange *exchange, const Oid *types)
{
    const struct db_statement *statement = exchange->statement;
    note_queued(db, statement->name, true);
    return PQsendPrepare(db->connection, statement->name, statement->sql, (int)exchange->count,
                         types) == 1;
}

static bool queue_statement(struct db *db, const struct exchange *exchange)
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
    if (exchange->prepare && !queue_preparation(db, exchange, types)) {
        return false;
    }
    const char *name = exchange->statement->name;
    note_queued(db, name, false);
    return PQsendQueryPrepared(db->connection, name, count, values, lengths, formats, 0) == 1;
}

static bool queue(struct db *db, const struct exchange *exchange)
{
    const bool queued = (exchange->first == NULL || queue_plain(db, exchange->first)) &&
                        (exchange->statement == NULL || queue_statement(db, exchange));
    if (!queued) {
        db_set_error(db, "%s", PQerrorMessage(db->connection));
    }
    return queued;
}

static bool sync_queued(struct db *db)
{
    if (PQpipelineSync(db->connection) != 1) {
        db_set_error(db, "%s", PQerrorMessage(db->connection));
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

// The command that is answered now; NULL in a script.
static const struct command *answered(const struct db *db, const struct outcome *outcome)
{
    return outcome->answered < db->queued_count ? &db->queued[outcome->answered] : NULL;
}

static void note_success(struct db *db, const struct command *command)
{
    // The unnamed statement is never kept.
    if (command != NULL && command->prepares && command->statement[0] != '\0') {
        connection_note_prepared(db, command->statement);
    }
}

static void note_refusal(struct db *db, const struct command *command)
{
    // The server has forgotten a statement that we take for prepared.
    if (command != NULL && !command->prepares && strcmp(db->sqlstate, "26000") == 0) {
        connection_forget_prepared(db, command->statement);
    }
}

// Takes a result over.
static void take_result(struct db *db, struct outcome *outcome, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        note_success(db, answered(db, outcome));
        PQclear(outcome->result);
        outcome->result = result;
        return;
    case PGRES_FATAL_ERROR:
        outcome->status = db_take_error(db, result);
        note_refusal(db, answered(db, outcome));
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

// Each command has its own time, as it has on the server.
static void receive(struct db *db, struct outcome *outcome)
{
    int64_t deadline_ms = clock_monotonic_ms() + db->patience_ms;
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
            take_result(db, outcome, result);
        } else {
            outcome->answered++;
            deadline_ms = clock_monotonic_ms() + db->patience_ms;
        }
    }
}

// Whatever ended the connection, the caller may try again on another one.
static enum db_status conclude(struct db *db, struct outcome *outcome, PGresult **ret_result)
{
    db->queued_count = 0;
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

enum db_status exchange_queue(struct db *db, const struct exchange *exchange)
{
    if (!queue(db, exchange)) {
        connection_drop(db);
        return DB_AWAY;
    }
    return DB_OK;
}

enum db_status exchange_run(struct db *db, const struct exchange *exchange, PGresult **ret_result)
{
    struct outcome outcome = {.status = DB_OK};
    if (queue(db, exchange) && sync_queued(db) &&
        flush(db, clock_monotonic_ms() + db->patience_ms)) {
        receive(db, &outcome);
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
            take_result(db, &outcome, result);
            deadline_ms = clock_monotonic_ms() + db->patience_ms; // each statement has its own
        }
    } while (!outcome.lost && result != NULL);
    if (outcome.lost) {
        outcome.status = outcome.status == DB_OK ? DB_AWAY : outcome.status;
    } else {
        outcome.lost = PQenterPipelineMode(db->connection) != 1;
    }
    return conclude(db, &outcome, NULL);
}
