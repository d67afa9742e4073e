// SPDX-License-Identifier: Apache-2.0
// Numbered migrations: sql files NNNN_name.sql in a folder, each applied once, in order, in its own
// transaction, under a lock that makes concurrent runs harmless.
#pragma once

#include "platform/db/db.h"

#include <stdbool.h>
#include <stddef.h>

struct migrations_result {
    size_t applied;   /* in this run */
    size_t total;     /* in the folder */
    char failed[128]; /* the file that failed, or "" */
};

// Told before each file is applied.
typedef void migrations_report_fn(void *arg, const char *file);

// Applies what is missing. DB_BROKEN also when a file that was applied has changed since (by its
// checksum), or one is missing; db_error says which.
enum db_status migrations_run(struct db *db, const char *folder, migrations_report_fn *report,
                              void *arg, struct migrations_result *ret);
