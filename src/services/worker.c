// SPDX-License-Identifier: Apache-2.0
// From lines to one transaction: read, store, mark what can never be stored, tell how it ended.
#include "services/worker.h"

#include "platform/db/transaction.h"
#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_WITH_CARE 100 /* after one in which something was stored before */

struct worker {
    const struct worker_rules *rules;
    const struct service_environment *environment;
    void *state;
    char *setting;
};

// The context of a consumer: its connection, and the columns of the batch at hand.
struct worker_thread {
    struct worker *worker;
    struct db *db;
    struct db_array columns[WORKER_COLUMNS_MAX];
    size_t with_care; /* so many batches more hardly have nothing but new lines */
};

struct good_line {
    struct event_line *line;
    struct uuid person;
};

struct batch {
    struct worker_thread *thread;
    struct event_line *lines;
    size_t count;
    struct good_line *good; /* those that were read, in their order */
    size_t good_count;
    struct worker_outcome outcome;
};

// ---- life

struct worker *worker_new(const struct worker_rules *rules, void *state,
                          const struct service_environment *environment, const char *setting)
{
    struct worker *worker = memory_zeroed(1, sizeof *worker);
    worker->rules = rules;
    worker->environment = environment;
    worker->state = state;
    worker->setting = setting != NULL ? memory_copy_text(setting) : NULL;
    return worker;
}

void worker_free(struct worker **worker)
{
    if (*worker == NULL) {
        return;
    }
    free((*worker)->setting);
    free(*worker);
    *worker = NULL;
}

void *worker_open(struct worker *worker)
{
    const struct worker_rules *rules = worker->rules;
    const struct service_environment *environment = worker->environment;
    struct worker_thread *thread = memory_zeroed(1, sizeof *thread);
    char error[DB_ERROR_SIZE];
    thread->worker = worker;
    thread->db = db_open(environment->database_url, rules->name, environment->log, error);
    if (thread->db == NULL) {
        log_error(environment->log, "the database URL cannot be used", LOG_TEXT("why", error));
        abort(); /* it was checked at start */
    }
    for (size_t i = 0; i < rules->column_count; i++) {
        db_array_init(&thread->columns[i], rules->column_kinds[i]);
    }
    return thread;
}

void worker_close(void *context)
{
    struct worker_thread *thread = context;
    for (size_t i = 0; i < thread->worker->rules->column_count; i++) {
        db_array_free(&thread->columns[i]);
    }
    db_close(&thread->db);
    free(thread);
}

// ---- a batch

static void read_lines(struct batch *batch)
{
    struct worker_thread *thread = batch->thread;
    const struct worker_rules *rules = thread->worker->rules;
    for (size_t i = 0; i < rules->column_count; i++) {
        db_array_clear(&thread->columns[i]);
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct event_line *line = &batch->lines[i];
        struct good_line *good = &batch->good[batch->good_count];
        line->rejected = NULL;
        if (rules->read(thread->columns, line->data, line->length, &good->person,
                        &line->rejected)) {
            good->line = line;
            batch->good_count++;
        }
    }
}

static int compare_ids(const void *id, const void *other)
{
    return memcmp(id, other, UUID_TEXT_SIZE - 1);
}

// A comma follows each id but the last.
static void reject_unknown(struct batch *batch, const char *unknown_people)
{
    const size_t count = (strlen(unknown_people) + 1) / UUID_TEXT_SIZE;
    for (size_t i = 0; count > 0 && i < batch->good_count; i++) {
        char id[UUID_TEXT_SIZE];
        uuid_format(&batch->good[i].person, id);
        if (bsearch(id, unknown_people, count, UUID_TEXT_SIZE, compare_ids) != NULL) {
            batch->good[i].line->rejected = "unknown user";
        }
    }
}

static enum db_status run(struct worker_thread *thread, const struct db_statement *statement,
                          const char *setting, struct db_result **ret_result)
{
    struct db_parameter parameters[WORKER_COLUMNS_MAX + 1];
    size_t count = 0;
    for (; count < thread->worker->rules->column_count; count++) {
        parameters[count] = db_array_parameter(&thread->columns[count]);
    }
    if (setting != NULL) {
        parameters[count++] = db_text_parameter(setting);
    }
    return db_run(thread->db, statement, parameters, count, ret_result);
}

static enum db_status store_new(struct batch *batch)
{
    const struct worker *worker = batch->thread->worker;
    const struct db_statement *statement = batch->thread->with_care > 0
                                               ? worker->rules->store_what_is_new
                                               : worker->rules->store_if_all_new;
    struct db_result *result = NULL;
    enum db_status status = run(batch->thread, statement, worker->setting, &result);
    if (status == DB_OK) {
        batch->outcome.allowed = db_number(result, 0, 0);
        batch->outcome.stored = db_number(result, 0, 1);
        reject_unknown(batch, db_text(result, 0, 2));
        db_result_free(&result);
    }
    return status;
}

// Of two events with one id one is stored. The other is no repeat that could be forgotten.
static enum db_status reject_mistaken(struct batch *batch)
{
    struct db_result *result = NULL;
    enum db_status status =
        run(batch->thread, batch->thread->worker->rules->mistaken, NULL, &result);
    if (status != DB_OK) {
        return status;
    }
    for (size_t row = 0; row < db_rows(result); row++) {
        batch->good[db_number(result, row, 0)].line->rejected = "the id is another event's";
    }
    batch->outcome.allowed -= (int64_t)db_rows(result);
    db_result_free(&result);
    return DB_OK;
}

// May run several times, after each of which something else may hold.
static enum db_status store(struct db *db, void *arg)
{
    struct batch *batch = arg;
    const struct worker_rules *rules = batch->thread->worker->rules;
    enum db_status status = DB_OK;
    for (size_t i = 0; i < batch->good_count; i++) {
        batch->good[i].line->rejected = NULL;
    }
    if (rules->lock != NULL) {
        status = db_run_later(db, rules->lock, NULL, 0);
    }
    if (status == DB_OK) {
        status = store_new(batch);
    }
    if (status == DB_OK && batch->outcome.stored < batch->outcome.allowed) {
        status = reject_mistaken(batch);
    }
    return status;
}

// Lines hardly ever come twice; but where one did, others follow: a sender tries again, or the
// broker does.
static enum db_status store_batch(struct batch *batch)
{
    struct worker_thread *thread = batch->thread;
    enum db_status status = db_transaction(thread->db, store, batch);
    if (thread->with_care > 0) {
        thread->with_care--;
    } else if (status == DB_CONFLICT) {
        thread->with_care = BATCHES_WITH_CARE;
        status = db_transaction(thread->db, store, batch);
    }
    return status;
}

static void count_outcome(struct batch *batch)
{
    const struct worker *worker = batch->thread->worker;
    for (size_t i = 0; i < batch->count; i++) {
        batch->outcome.known += batch->lines[i].rejected == NULL;
    }
    worker->rules->count(worker->state, &batch->outcome);
}

enum handled worker_handle(void *context, struct event_line *lines, size_t count)
{
    struct worker_thread *thread = context;
    struct batch batch = {
        .thread = thread,
        .lines = lines,
        .count = count,
        .good = memory_zeroed(count, sizeof(struct good_line)),
    };
    read_lines(&batch);
    enum db_status status = DB_OK;
    if (batch.good_count > 0) {
        status = store_batch(&batch);
    }
    if (status == DB_OK) {
        count_outcome(&batch);
    } else if (status != DB_AWAY) {
        log_warning(thread->worker->environment->log, "batch not stored",
                    LOG_TEXT("worker", thread->worker->rules->name), LOG_NUMBER("lines", count),
                    LOG_TEXT("why", db_error(thread->db)));
    }
    free(batch.good);
    return worker_verdict(status);
}

enum handled worker_verdict(enum db_status status)
{
    switch (status) {
    case DB_OK:
        return HANDLED;
    case DB_AWAY:
    case DB_RETRY:
    case DB_UNKNOWN:
        return HANDLED_AWAY;
    case DB_LATE:
        return HANDLED_LATE;
    case DB_REJECTED:
        return HANDLED_POISONED;
    case DB_CONFLICT:
    case DB_BROKEN:
        break;
    }
    return HANDLED_FAILED;
}
