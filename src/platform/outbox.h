// SPDX-License-Identifier: Apache-2.0
// A transactional outbox: rows that wait to be published are their own queue. One thread takes them
// oldest first, publishes each with its id as message id, and marks those that were acknowledged.
// While PostgreSQL or the broker is away it waits; a row published but not yet marked is published
// again, and the message id and the receiver recognise it.
#pragma once

#include "platform/bus/bus.h"
#include "platform/db/db.h"
#include "platform/log.h"

#include <stddef.h>
#include <stdint.h>

// The first columns of the waiting rows; what build() needs comes after them.
enum outbox_column { OUTBOX_ID, OUTBOX_USER_ID, OUTBOX_TRACE_ID, OUTBOX_FIRST_OWN };

struct outbox_spec {
    const char *name; /* of the thread's connection */
    const char *subject;
    const struct db_statement *waiting; /* some rows that wait, locked, those locked skipped */
    const struct db_statement *mark;    /* $1 user ids, $2 ids: these are published */

    // The message of a row; the outbox frees it.
    char *(*build)(const struct db_result *rows, size_t row, size_t *ret_length);
};

struct outbox_options {
    const char *database_url;
    struct bus *bus;
    int64_t publish_timeout_ms;
    struct log *log;
};

struct outbox;

// Starts the thread; `spec` and what the options point to must outlive it, the URL is not copied.
// NULL with one line in `error` when the URL cannot be read.
struct outbox *outbox_start(const struct outbox_spec *spec, const struct outbox_options *options,
                            char error[static DB_ERROR_SIZE]);

// Says that a row was committed; without it the outbox looks once a second. From any thread.
void outbox_wake(struct outbox *outbox);

// Ends the thread after the message at hand, and frees.
void outbox_stop(struct outbox **outbox);
