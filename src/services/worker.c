// SPDX-License-Identifier: Apache-2.0
// From lines to one transaction: read, store, mark what can never be stored, tell how it ended.
#include "services/worker.h"

#include "platform/db/transaction.h"
#include "platform/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct worker {
    const struct worker_rules *rules;
    const struct service_environment *environment;
    void *state;
    char *setting;
    pthread_mutex_t turn; /* to store */
};

// The context of a consumer: its connection, and the columns of the batch at hand.
struct worker_thread {
    struct worker *worker;
    struct db *db;
    struct db_array columns[WORKER_COLUMNS_MAX];
};

struct batch {
    struct worker_thread *thread;
    struct event_line *lines;
    struct uuid *people; /* of each line; unset where the line is rejected */
    size_t count;
    size_t good;
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
    pthread_mutex_init(&worker->turn, NULL);
    return worker;
}

void worker_free(struct worker **worker)
{
    if (*worker == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*worker)->turn);
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
        line->rejected = NULL;
        if (rules->read(thread->columns, line->data, line->length, &batch->people[i],
                        &line->rejected)) {
            batch->good++;
        }
    }
}

static void reject_unknown(struct batch *batch, const char *unknown_people)
{
    for (size_t i = 0; unknown_people[0] != '\0' && i < batch->count; i++) {
        char id[UUID_TEXT_SIZE];
        uuid_format(&batch->people[i], id);
        if (batch->lines[i].rejected == NULL && strstr(unknown_people, id) != NULL) {
            batch->lines[i].rejected = "unknown user";
        }
    }
}

static enum db_status run_store(struct worker_thread *thread, struct db_result **ret_result)
{
    const struct worker *worker = thread->worker;
    struct db_parameter parameters[WORKER_COLUMNS_MAX + 1];
    size_t count = 0;
    for (; count < worker->rules->column_count; count++) {
        parameters[count] = db_array_parameter(&thread->columns[count]);
    }
    if (worker->setting != NULL) {
        parameters[count++] = db_text_parameter(worker->setting);
    }
    return db_run(thread->db, worker->rules->store, parameters, count, ret_result);
}

static enum db_status store(struct db *db, void *arg)
{
    struct batch *batch = arg;
    const struct worker_rules *rules = batch->thread->worker->rules;
    enum db_status status = DB_OK;
    if (rules->lock != NULL) {
        status = db_run(db, rules->lock, NULL, 0, NULL);
    }
    struct db_result *result = NULL;
    if (status == DB_OK) {
        status = run_store(batch->thread, &result);
    }
    if (status == DB_OK) {
        batch->outcome.allowed = db_number(result, 0, 0);
        batch->outcome.stored = db_number(result, 0, 1);
        reject_unknown(batch, db_text(result, 0, 2));
        db_result_free(&result);
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

static enum db_status store_in_turn(struct batch *batch)
{
    if (batch->good == 0) {
        return DB_OK;
    }
    pthread_mutex_t *turn = &batch->thread->worker->turn;
    pthread_mutex_lock(turn);
    enum db_status status = db_transaction(batch->thread->db, store, batch);
    pthread_mutex_unlock(turn);
    return status;
}

enum handled worker_handle(void *context, struct event_line *lines, size_t count)
{
    struct worker_thread *thread = context;
    struct batch batch = {
        .thread = thread,
        .lines = lines,
        .people = memory_zeroed(count, sizeof(struct uuid)),
        .count = count,
    };
    read_lines(&batch);
    enum db_status status = store_in_turn(&batch);
    if (status == DB_OK) {
        count_outcome(&batch);
    } else if (status != DB_AWAY) {
        log_warning(thread->worker->environment->log, "batch not stored",
                    LOG_TEXT("worker", thread->worker->rules->name), LOG_NUMBER("lines", count),
                    LOG_TEXT("why", db_error(thread->db)));
    }
    free(batch.people);
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
    case DB_REJECTED:
        return HANDLED_POISONED;
    case DB_CONFLICT:
    case DB_BROKEN:
        break;
    }
    return HANDLED_FAILED;
}
