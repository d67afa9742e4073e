// SPDX-License-Identifier: Apache-2.0
// A batch lives from the head of its request to its answer. What it holds does not grow with its
// length but for a note on each rejected line: while many lines wait for the broker the sender
// waits too. Bytes after a failure are read and thrown away, so that the sender gets its answer.
#include "services/emotion_ingestion_service/batch.h"

#include "domain/transaction.h"
#include "platform/buffer.h"
#include "platform/json.h"
#include "platform/line_reader.h"
#include "platform/memory.h"
#include "services/emotion_ingestion_service/event_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 10000
#define LINE_BYTES_MAX ((size_t)64 * 1024)
#define OPEN_MAX 2000      /* lines that wait for the broker before the sender has to wait */
#define EXPLAINED_MAX 1000 /* rejected lines with all that is wrong; the others are only named */
#define RETRY_MS 1000
#define LINE_KEY_SIZE (IDEMPOTENCY_KEY_MAX + 24)

struct batch {
    struct http_exchange *exchange;
    struct ingestion *ingestion;
    struct event_window window;
    const char *key; /* NULL: none */
    struct line_reader reader;
    size_t line;     /* the number of the last one, blank ones included */
    size_t events;   /* lines that were not blank */
    size_t accepted; /* handed to the broker */
    size_t open;     /* of those, not yet acknowledged */
    enum bus_result result;
    bool complete; /* no more lines will come */
    int status;    /* of a body that is not whole; 0: it is */
    const char *detail;
    struct buffer rejected; /* a JSON text for each, with commas between */
    size_t rejected_count;
};

// ---- the answer

static void answer_problem(const struct batch *batch)
{
    char detail[256];
    if (batch->status != 0) {
        snprintf(detail, sizeof detail, "%s Lines that arrived may have been stored.",
                 batch->detail);
        http_answer_problem(batch->exchange, batch->status, detail);
    } else if (batch->result != BUS_OK) {
        http_answer_unavailable(batch->exchange,
                                "Some lines may not have been stored; send the batch again with "
                                "the ids of its events or its Idempotency-Key.",
                                RETRY_MS);
    } else if (batch->events > LINES_MAX) {
        snprintf(detail, sizeof detail,
                 "A batch has at most %d lines. Of the first %d, %zu were stored; send those after "
                 "them as another batch.",
                 LINES_MAX, LINES_MAX, batch->accepted);
        http_answer_problem(batch->exchange, 413, detail);
    } else {
        http_answer_problem(batch->exchange, 400, "The batch is empty.");
    }
}

static void answer_accepted(struct batch *batch)
{
    struct buffer body = {0};
    buffer_add_format(&body, "{\"accepted\":%zu,\"rejected\":[", batch->accepted);
    buffer_add(&body, batch->rejected.data, batch->rejected.length);
    buffer_add_format(&body, "],\"traceId\":\"%s\"}", http_trace(batch->exchange)->trace_id);
    http_answer_bytes(batch->exchange, 202, "application/json", body.data, body.length);
    buffer_free(&body);
}

static void finish_if_done(struct batch *batch)
{
    if (!batch->complete || batch->open > 0) {
        return;
    }
    if (batch->status != 0 || batch->result != BUS_OK || batch->events == 0 ||
        batch->events > LINES_MAX) {
        answer_problem(batch);
    } else {
        answer_accepted(batch);
    }
    http_finish(batch->exchange);
    line_reader_free(&batch->reader);
    buffer_free(&batch->rejected);
    free(batch);
}

// ---- one line

static void add_errors(struct buffer *to, const struct faults *faults)
{
    __attribute__((cleanup(json_release))) json_t *errors = json_faults(faults);
    size_t length = 0;
    char *text = json_text(errors, &length);
    buffer_add(to, text, length);
    free(text);
}

// Kept as text, which takes a sixth of what the values would.
static void reject(struct batch *batch, const struct faults *faults)
{
    struct buffer *rejected = &batch->rejected;
    buffer_add_format(rejected, "%s{\"line\":%zu,\"errors\":", rejected->length > 0 ? "," : "",
                      batch->line);
    if (batch->rejected_count < EXPLAINED_MAX) {
        add_errors(rejected, faults);
    } else {
        buffer_add_text(rejected, "[{\"field\":\"\",\"message\":\"is not a valid event\"}]");
    }
    buffer_add_text(rejected, "}");
    batch->rejected_count++;
}

static void reject_whole(struct batch *batch, const char *message)
{
    struct faults faults = {0};
    faults_add(&faults, "", message);
    reject(batch, &faults);
}

static void on_durable(void *arg, enum bus_result result)
{
    struct batch *batch = arg;
    batch->open--;
    if (result != BUS_OK) {
        batch->result = result;
    }
    if (batch->open == OPEN_MAX / 2) {
        http_go_on_with_batch(batch->exchange);
    }
    finish_if_done(batch);
}

static bool choose_line_id(const struct batch *batch, struct emotion_event *event,
                           struct faults *faults)
{
    if (batch->key == NULL || !event->id_is_new) {
        return true;
    }
    char key[LINE_KEY_SIZE];
    snprintf(key, sizeof key, "%s#%zu", batch->key, batch->line);
    return event_key_name(batch->ingestion, KEY_OF_LINE, key, event, faults);
}

static void send(struct batch *batch, const struct emotion_event *event)
{
    char line[EMOTION_LINE_MAX];
    size_t length = emotion_to_line(event, http_trace(batch->exchange)->trace_id, line);
    enum bus_result result = ingestion_add(batch->ingestion, line, length, on_durable, batch);
    if (result != BUS_OK) {
        batch->result = result;
        return;
    }
    batch->accepted++;
    batch->open++;
    if (batch->open >= OPEN_MAX) {
        http_hold_batch(batch->exchange);
    }
}

static void take_event(struct batch *batch, const char *line, size_t length)
{
    struct emotion_event event;
    struct faults faults;
    char json_error[JSON_ERROR_SIZE];
    faults_clear(&faults);
    switch (emotion_from_request(line, length, &batch->window, &event, &faults, json_error)) {
    case EVENT_NOT_JSON:
        reject_whole(batch, json_error);
        break;
    case EVENT_FAULTY:
        reject(batch, &faults);
        break;
    case EVENT_GOOD:
        if (choose_line_id(batch, &event, &faults)) {
            send(batch, &event);
        } else {
            reject(batch, &faults);
        }
    }
}

static bool is_blank(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) {
        at++;
    }
    return at == length;
}

static void take_line(void *arg, const char *line, size_t length)
{
    struct batch *batch = arg;
    batch->line++;
    if (line != NULL && is_blank(line, length)) {
        return;
    }
    batch->events++;
    if (batch->result != BUS_OK || batch->events > LINES_MAX) {
        return;
    }
    if (line == NULL) {
        reject_whole(batch, "is longer than 64 KiB");
    } else {
        take_event(batch, line, length);
    }
}

// ---- the body

static void take_part(void *arg, const char *data, size_t length)
{
    struct batch *batch = arg;
    line_reader_feed(&batch->reader, data, length, take_line, batch);
}

static void end(void *arg, int status, const char *detail)
{
    struct batch *batch = arg;
    batch->status = status;
    batch->detail = detail;
    if (status == 0) {
        line_reader_end(&batch->reader, take_line, batch);
    }
    batch->complete = true;
    finish_if_done(batch);
}

void batch_receive(struct http_exchange *exchange, struct ingestion *ingestion,
                   const struct event_window *window, const char *key)
{
    static const struct http_batch_reader reader = {take_part, end};
    struct batch *batch = memory_zeroed(1, sizeof *batch);
    batch->exchange = exchange;
    batch->ingestion = ingestion;
    batch->window = *window;
    batch->key = key;
    batch->reader.maximum = LINE_BYTES_MAX;
    batch->result = BUS_OK;
    http_read_batch(exchange, &reader, batch);
}
