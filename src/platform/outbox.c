// SPDX-License-Identifier: Apache-2.0
// The work of an outbox: publish until nothing waits; then wait for a signal or a second.
#include "platform/outbox.h"

#include "platform/clock.h"
#include "platform/db/array.h"
#include "platform/db/transaction.h"
#include "platform/ids.h"
#include "platform/memory.h"
#include "platform/ticker.h"
#include "platform/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 1000
#define ROUND_MS 5000 /* a transaction ends then, so that what was acknowledged is marked */

struct outbox {
    const struct outbox_spec *spec;
    struct outbox_options options;
    struct db *db;
    struct db_array users; /* of the rows acknowledged in this transaction */
    struct db_array ids;
    bool refused; /* the broker refused the last message: warned about once */
    struct ticker *ticker;
};

// ---- one round: a transaction over the rows that wait

static void write_traceparent(const char *trace_id, char text[static TRACEPARENT_SIZE])
{
    struct trace trace = {.sampled = true};
    memcpy(trace.trace_id, trace_id, TRACE_ID_SIZE);
    ids_random_hex(trace.span_id, 8);
    trace_write(&trace, text);
}

static enum bus_result publish_row(struct outbox *outbox, const struct db_result *rows, size_t row)
{
    const char *trace_id = db_text(rows, row, OUTBOX_TRACE_ID);
    const bool traced = strlen(trace_id) == TRACE_ID_SIZE - 1;
    char traceparent[TRACEPARENT_SIZE];
    if (traced) {
        write_traceparent(trace_id, traceparent);
    }
    struct bus_header headers[] = {{"traceparent", traceparent}, {NULL, NULL}};
    struct bus_outgoing message = {
        .subject = outbox->spec->subject,
        .message_id = db_text(rows, row, OUTBOX_ID),
        .headers = traced ? headers : NULL,
    };
    char *data = outbox->spec->build(rows, row, &message.length);
    message.data = data;
    enum bus_result result =
        bus_publish(outbox->options.bus, &message, outbox->options.publish_timeout_ms);
    free(data);
    return result;
}

static void note_result(struct outbox *outbox, enum bus_result result)
{
    bool refused = result != BUS_OK;
    if (refused && !outbox->refused) {
        log_warning(outbox->options.log, "outbox waits for the broker",
                    LOG_TEXT("subject", outbox->spec->subject),
                    LOG_TEXT("why", bus_result_text(result)));
    } else if (!refused && outbox->refused) {
        log_info(outbox->options.log, "outbox publishes again",
                 LOG_TEXT("subject", outbox->spec->subject));
    }
    outbox->refused = refused;
}

// Stops at the first message that is not acknowledged, so that the order is kept.
static void publish_rows(struct outbox *outbox, const struct db_result *rows)
{
    const int64_t until = clock_monotonic_ms() + ROUND_MS;
    enum bus_result result = BUS_OK;
    for (size_t row = 0; row < db_rows(rows) && result == BUS_OK; row++) {
        if (ticker_is_stopping(outbox->ticker) || clock_monotonic_ms() > until) {
            return;
        }
        result = publish_row(outbox, rows, row);
        note_result(outbox, result);
        if (result == BUS_OK) {
            struct uuid user = db_uuid(rows, row, OUTBOX_USER_ID);
            struct uuid id = db_uuid(rows, row, OUTBOX_ID);
            db_array_add_uuid(&outbox->users, &user);
            db_array_add_uuid(&outbox->ids, &id);
        }
    }
}

static enum db_status relay_waiting(struct db *db, void *arg)
{
    struct outbox *outbox = arg;
    db_array_clear(&outbox->users);
    db_array_clear(&outbox->ids);
    struct db_result *rows = NULL;
    enum db_status status = db_run(db, outbox->spec->waiting, NULL, 0, &rows);
    if (status != DB_OK) {
        return status;
    }
    publish_rows(outbox, rows);
    db_result_free(&rows);
    if (outbox->ids.count == 0) {
        return DB_OK;
    }
    struct db_parameter published[] = {db_array_parameter(&outbox->users),
                                       db_array_parameter(&outbox->ids)};
    return db_run_later(db, outbox->spec->mark, published, 2);
}

// True when rows were published, and more may wait.
static bool relay(void *arg)
{
    struct outbox *outbox = arg;
    if (!bus_is_up(outbox->options.bus)) {
        return false;
    }
    enum db_status status = db_transaction(outbox->db, relay_waiting, outbox);
    if (status != DB_OK && !db_may_pass(status)) {
        log_error(outbox->options.log, "outbox cannot be read",
                  LOG_TEXT("subject", outbox->spec->subject),
                  LOG_TEXT("why", db_error(outbox->db)));
    }
    return status == DB_OK && outbox->ids.count > 0;
}

// ---- from start to stop

void outbox_wake(struct outbox *outbox)
{
    ticker_wake(outbox->ticker);
}

struct outbox *outbox_start(const struct outbox_spec *spec, const struct outbox_options *options,
                            char error[static DB_ERROR_SIZE])
{
    struct db *db = db_open(options->database_url, spec->name, options->log, error);
    if (db == NULL) {
        return NULL;
    }
    struct outbox *outbox = memory_zeroed(1, sizeof *outbox);
    outbox->spec = spec;
    bus_declare(options->bus, spec->subject);
    outbox->options = *options;
    outbox->db = db;
    db_array_init(&outbox->users, DB_UUIDS);
    db_array_init(&outbox->ids, DB_UUIDS);
    outbox->ticker = ticker_new("outbox", LOOK_EVERY_MS, relay, outbox);
    ticker_start_later(outbox->ticker);
    return outbox;
}

void outbox_stop(struct outbox **outbox)
{
    if (*outbox == NULL) {
        return;
    }
    ticker_free(&(*outbox)->ticker);
    db_close(&(*outbox)->db);
    db_array_free(&(*outbox)->users);
    db_array_free(&(*outbox)->ids);
    free(*outbox);
    *outbox = NULL;
}
