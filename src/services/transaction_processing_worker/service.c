// SPDX-License-Identifier: Apache-2.0
// A batch of the stream becomes one statement that stores the transactions which are new.
#include "services/transaction_processing_worker/service.h"

#include "events/transaction_json.h"
#include "platform/bus/streams.h"
#include "platform/memory.h"
#include "services/worker.h"

#include <stdlib.h>

#define STORE_TRANSACTIONS(where_an_id_is_there)                                                   \
    "WITH batch AS ("                                                                              \
    "  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::timestamptz[])"                \
    "    AS b (id, user_id, cents, created_at)"                                                    \
    "), allowed AS ("                                                                              \
    "  SELECT b.* FROM batch b JOIN users u ON u.id = b.user_id"                                   \
    "), stored AS ("                                                                               \
    "  INSERT INTO transactions (id, user_id, amount, created_at)"                                 \
    "  SELECT id, user_id, cents / 100.00, created_at FROM allowed"                                \
    "  ORDER BY user_id, id" where_an_id_is_there "  RETURNING 1"                                  \
    ") "                                                                                           \
    "SELECT (SELECT count(*) FROM allowed), (SELECT count(*) FROM stored),"                        \
    "       CASE WHEN (SELECT count(*) FROM allowed) < (SELECT count(*) FROM batch) THEN"          \
    "       " WORKER_UNKNOWN_PEOPLE " END"

static const struct db_statement store_transactions_if_all_new = {
    "store_transactions_if_all_new",
    STORE_TRANSACTIONS(""),
};

static const struct db_statement store_new_transactions = {
    "store_new_transactions",
    STORE_TRANSACTIONS(" ON CONFLICT (user_id, id) DO NOTHING"),
};

// By its amount alone: a repeat without a time gets another one from us.
static const struct db_statement mistaken_transactions = {
    "mistaken_transactions",
    "SELECT b.line - 1"
    " FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::timestamptz[]) WITH ORDINALITY"
    "   AS b (id, user_id, cents, created_at, line)"
    " JOIN transactions t ON t.user_id = b.user_id AND t.id = b.id"
    " WHERE t.amount <> b.cents / 100.00",
};

enum column { EVENT_ID, USER_ID, CENTS, OCCURRED_AT, COLUMN_COUNT };

struct transaction_worker {
    struct worker *worker;
    struct counter *stored;
    struct counter *repeated;
    struct counter *of_erased_people;
};

static bool read_event(struct db_array *columns, const char *line, size_t length,
                       struct uuid *ret_person, const char **ret_reason)
{
    struct transaction_event event;
    if (!transaction_from_line(line, length, &event, ret_reason)) {
        return false;
    }
    db_array_add_uuid(&columns[EVENT_ID], &event.event_id);
    db_array_add_uuid(&columns[USER_ID], &event.user_id);
    db_array_add_int8(&columns[CENTS], event.amount);
    db_array_add_timestamp(&columns[OCCURRED_AT], event.occurred_at);
    *ret_person = event.user_id;
    return true;
}

static void count_events(void *state, const struct worker_outcome *outcome)
{
    const struct transaction_worker *service = state;
    counter_add(service->stored, outcome->stored);
    counter_add(service->repeated, outcome->allowed - outcome->stored);
    counter_add(service->of_erased_people, outcome->known - outcome->allowed);
}

static const struct worker_rules rules = {
    .name = "transaction-processing-worker",
    .column_count = COLUMN_COUNT,
    .column_kinds = {DB_UUIDS, DB_UUIDS, DB_INT8S, DB_TIMESTAMPS},
    .read = read_event,
    .store_if_all_new = &store_transactions_if_all_new,
    .store_what_is_new = &store_new_transactions,
    .mistaken = &mistaken_transactions,
    .count = count_events,
};

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    (void)error;
    struct transaction_worker *service = memory_zeroed(1, sizeof *service);
    struct metrics *metrics = environment->metrics;
    service->worker = worker_new(&rules, service, environment, NULL);
    service->stored =
        metrics_counter(metrics, "ecs_transactions_stored_total", NULL, "Transactions stored.");
    service->repeated = metrics_counter(metrics, "ecs_transactions_repeated_total", NULL,
                                        "Transactions that were stored before.");
    service->of_erased_people =
        metrics_counter(metrics, "ecs_transactions_of_erased_people_total", NULL,
                        "Transactions dropped because their person was erased.");
    return service;
}

static void stop(void *state)
{
    struct transaction_worker *service = state;
    worker_free(&service->worker);
    free(service);
}

static void *open_thread(void *state)
{
    const struct transaction_worker *service = state;
    return worker_open(service->worker);
}

static const struct consumer_spec consumer = {
    .stream = STREAM_TRANSACTIONS,
    .durable = "transaction-processing-worker",
    .subject = SUBJECT_TRANSACTIONS,
    .handle = worker_handle,
    .open = open_thread,
    .close = worker_close,
};

const struct service transaction_processing_worker = {
    .name = "transaction-processing-worker",
    .needs = NEEDS_BUS | NEEDS_DATABASE,
    .listen = SETTING_COUNT,
    .url = SETTING_COUNT,
    .database = SETTING_TRANSACTION_WORKER_DATABASE_URL,
    .broker = SETTING_TRANSACTION_WORKER_NATS_URL,
    .start = start,
    .stop = stop,
    .consumer = &consumer,
    .many_consumers = true,
};
