// SPDX-License-Identifier: Apache-2.0
// The connection of a db: made when it is first needed and again after a loss, each time with the
// session's settings in the start-up message. A server that is away is asked at most once a second.
#include "platform/db/internal.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_TIMEOUT_MS 5000
#define PATIENCE_MARGIN_MS 2000
#define PATIENCE_MAXIMUM_MS (INT64_C(3600) * 1000)
#define BACKOFF_LEAST_MS 100
#define BACKOFF_MOST_MS 1000

#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number

// What the URL sets comes after these and wins; what our reading of results rests on comes last.
// Nothing is compiled (jit), which takes a second where a statement takes milliseconds.
#define SESSION_DEFAULTS                                                                           \
    "-c statement_timeout=" TEXT_OF(                                                               \
        STATEMENT_TIMEOUT_MS) " -c lock_timeout=3000"                                              \
                              " -c idle_in_transaction_session_timeout=30000 -c "                  \
                              "client_min_messages=warning -c jit=off"
#define SESSION_FORMATS "-c TimeZone=UTC -c DateStyle=ISO"

// The options of the URL, "" when it has none. NULL when the URL cannot be read.
static char *url_options(const char *url)
{
    PQconninfoOption *read = PQconninfoParse(url, NULL);
    if (read == NULL) {
        return NULL;
    }
    const char *options = "";
    for (const PQconninfoOption *option = read; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "options") == 0 && option->val != NULL) {
            options = option->val;
        }
    }
    char *copy = memory_copy_text(options);
    PQconninfoFree(read);
    return copy;
}

struct db *db_open(const char *url, const char *name, struct log *log,
                   char error[static DB_ERROR_SIZE])
{
    char *from_url = url_options(url);
    if (from_url == NULL) {
        // The library's own words would quote the URL, and with it a password.
        snprintf(error, DB_ERROR_SIZE, "not a PostgreSQL URL such as postgresql://user@host/name");
        return NULL;
    }
    struct db *db = memory_zeroed(1, sizeof *db);
    db->url = memory_copy_text(url);
    db->name = memory_copy_text(name);
    buffer_add_format(&db->options, "%s %s %s", SESSION_DEFAULTS, from_url, SESSION_FORMATS);
    db->own_deadline = strstr(from_url, "statement_timeout") != NULL;
    db->log = log;
    db->backoff_ms = BACKOFF_LEAST_MS;
    free(from_url);
    return db;
}

void db_plan_once(struct db *db)
{
    // A plan made while a table was small would go on to read all of it: never without an index.
    buffer_add_text(&db->options, " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off");
}

void db_close(struct db **db)
{
    if (*db == NULL) {
        return;
    }
    PQfinish((*db)->connection);
    free((*db)->prepared);
    buffer_free(&(*db)->options);
    free((*db)->name);
    free((*db)->url);
    free(*db);
    *db = NULL;
}

static void note_failure(struct db *db)
{
    db->retry_at_ms = clock_monotonic_ms() + db->backoff_ms;
    db->backoff_ms *= 2;
    if (db->backoff_ms < BACKOFF_LEAST_MS) {
        db->backoff_ms = BACKOFF_LEAST_MS;
    } else if (db->backoff_ms > BACKOFF_MOST_MS) {
        db->backoff_ms = BACKOFF_MOST_MS;
    }
    if (!db->away) {
        db->away = true;
        log_warning(db->log, "database is away", LOG_TEXT("connection", db->name),
                    LOG_TEXT("why", db->error));
    }
}

void connection_works(struct db *db)
{
    // Only an answered exchange ends the back-off: a server that accepts and then fails is away
    // too.
    db->backoff_ms = 0;
    if (db->away) {
        db->away = false;
        log_info(db->log, "database is back", LOG_TEXT("connection", db->name));
    }
}

void connection_drop(struct db *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
    db->prepared_count = 0;
    db->queued_count = 0;
    note_failure(db);
}

static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

static PGconn *connect_to(const struct db *db)
{
    // Later rows win: the URL over ours, except that db->options holds the URL's options already.
    const char *const settings[][2] = {
        {"application_name", db->name}, {"connect_timeout", "3"},
        {"tcp_user_timeout", "5000"},   {"keepalives", "1"},
        {"keepalives_idle", "10"},      {"keepalives_interval", "5"},
        {"keepalives_count", "3"},      {"client_encoding", "UTF8"},
        {"gssencmode", "disable"},      {"dbname", db->url},
        {"options", db->options.data},  {NULL, NULL},
    };
    const char *keys[sizeof settings / sizeof settings[0]];
    const char *values[sizeof settings / sizeof settings[0]];
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        keys[i] = settings[i][0];
        values[i] = settings[i][1];
    }
    return PQconnectdbParams(keys, values, 1);
}

// Our own deadline for an answer must lie behind the server's for a statement.
static void learn_patience(struct db *db)
{
    static const struct db_statement ask = {
        "", "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"};
    db->patience_ms = STATEMENT_TIMEOUT_MS + PATIENCE_MARGIN_MS;
    if (!db->own_deadline) {
        return;
    }
    PGresult *answer = NULL;
    const struct exchange exchange = {.prepare = true, .statement = &ask};
    if (exchange_run(db, &exchange, &answer) == DB_OK) {
        int64_t timeout_ms = strtoll(PQgetvalue(answer, 0, 0), NULL, 10);
        db->patience_ms = timeout_ms > 0 ? timeout_ms + PATIENCE_MARGIN_MS : PATIENCE_MAXIMUM_MS;
        PQclear(answer);
    }
}

enum db_status connection_ready(struct db *db)
{
    if (db->connection != NULL && db->transaction != TRANSACTION_OPEN && connection_is_stale(db)) {
        connection_drop(db);
    }
    if (db->connection != NULL) {
        return DB_OK;
    }
    if (clock_monotonic_ms() < db->retry_at_ms) {
        return DB_AWAY;
    }
    db->connection = connect_to(db);
    if (PQstatus(db->connection) != CONNECTION_OK || PQsetnonblocking(db->connection, 1) != 0 ||
        PQenterPipelineMode(db->connection) != 1) {
        db_set_error(db, "%s", PQerrorMessage(db->connection));
        connection_drop(db);
        return DB_AWAY;
    }
    PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
    learn_patience(db);
    return db->connection != NULL ? DB_OK : DB_AWAY;
}

bool connection_is_stale(struct db *db)
{
    struct pollfd socket = {.fd = PQsocket(db->connection), .events = POLLIN};
    // A farewell of the server and the end of its stream may take two reads.
    for (int reads = 0; reads < 3 && poll(&socket, 1, 0) > 0; reads++) {
        if (PQconsumeInput(db->connection) == 0) {
            db_set_error(db, "the server closed the connection");
            return true;
        }
    }
    return PQstatus(db->connection) != CONNECTION_OK;
}

bool connection_is_in_transaction(const struct db *db)
{
    return db->connection != NULL && PQtransactionStatus(db->connection) != PQTRANS_IDLE;
}

bool connection_will_have_prepared(const struct db *db, const char *name)
{
    for (size_t i = 0; i < db->queued_count; i++) {
        if (db->queued[i].prepares && strcmp(db->queued[i].statement, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < db->prepared_count; i++) {
        if (strcmp(db->prepared[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void connection_note_prepared(struct db *db, const char *name)
{
    db->prepared = memory_resize(db->prepared, (db->prepared_count + 1) * sizeof *db->prepared);
    db->prepared[db->prepared_count++] = name;
}

void connection_forget_prepared(struct db *db, const char *name)
{
    for (size_t i = 0; i < db->prepared_count; i++) {
        if (strcmp(db->prepared[i], name) == 0) {
            db->prepared[i] = db->prepared[--db->prepared_count];
            return;
        }
    }
}
