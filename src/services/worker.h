// SPDX-License-Identifier: Apache-2.0
// What the two processing workers share: a batch of lines is read into the columns of one
// statement, stored in one transaction, and its end told to the consumer. A worker has a few
// threads, each with a connection of its own. They store at the same time, as replicas do: the
// statements lock rows in one order, so that threads wait for each other but never in a circle.
#pragma once

#include "platform/bus/consumer.h"
#include "platform/db/array.h"
#include "platform/db/db.h"
#include "services/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKER_COLUMNS_MAX 8

// What a batch came to.
struct worker_outcome {
    int64_t known;   /* lines of people who exist or were erased */
    int64_t allowed; /* of these, lines that may be stored, and whose id is no other event's */
    int64_t stored;  /* of these, those that were new */
};

// How one stream is stored.
struct worker_rules {
    const char *name; /* shown in pg_stat_activity */
    size_t column_count;
    enum db_array_kind column_kinds[WORKER_COLUMNS_MAX];

    // Reads a line and adds it to the columns. False, nothing added, and a reason (static text)
    // when it can never be stored.
    bool (*read)(struct db_array *columns, const char *line, size_t length, struct uuid *ret_person,
                 const char **ret_reason);

    // Run first in the transaction, or NULL.
    const struct db_statement *lock;

    // Both take the columns and the setting. They answer one row: how many lines may be stored, how
    // many of them were new, and the ids in the batch that no person has, in their order, with
    // commas. The first fails as a whole (DB_CONFLICT) where a line was stored before, and is
    // cheaper; the second leaves such lines out.
    const struct db_statement *store_if_all_new;
    const struct db_statement *store_what_is_new;

    // Takes the columns, when lines that may be stored were not new. Answers a row for each line
    // whose id is another event's: its place among the lines that were read, from 0.
    const struct db_statement *mistaken;

    // Counts a batch that was committed.
    void (*count)(void *state, const struct worker_outcome *outcome);
};

// For both: the ids in `batch` that no person has, and no person had who was erased. What is
// still on its way to such a person is dropped, and kept nowhere as a letter of somebody unknown.
#define WORKER_UNKNOWN_PEOPLE                                                                      \
    "(SELECT string_agg(DISTINCT b.user_id::text COLLATE \"C\", ',') FROM batch b"                 \
    " WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = b.user_id)"                               \
    "   AND NOT EXISTS (SELECT FROM erasures x WHERE x.user_id = b.user_id))"

struct worker;

// The worker of a service, from its start to its stop. `setting` is the statement's last parameter
// and copied, or NULL: it has none. `state` is what `count` gets.
struct worker *worker_new(const struct worker_rules *rules, void *state,
                          const struct service_environment *environment, const char *setting);
void worker_free(struct worker **worker);

// Makes and frees the context of one of its consumers' threads.
void *worker_open(struct worker *worker);
void worker_close(void *thread);

// The consumer's handle_lines_fn.
enum handled worker_handle(void *thread, struct event_line *lines, size_t count);

// What a transaction's end means for the lines of its batch. A locked table, or a commit whose
// outcome is unknown, is no line's fault and is simply tried again: storing is idempotent.
enum handled worker_verdict(enum db_status status);
