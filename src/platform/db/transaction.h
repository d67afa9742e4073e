// SPDX-License-Identifier: Apache-2.0
// A transaction as one call: begin, the work, commit; tried again when PostgreSQL asks for that.
#pragma once

#include "platform/db/db.h"

// The statements of a transaction. Anything but DB_OK rolls back. May run several times.
typedef enum db_status db_work(struct db *db, void *arg);

// Runs the work and commits; a deadlock, a serialization failure or a lock that was waited for too
// long (DB_RETRY) is tried again twice. DB_UNKNOWN: the outcome of the commit is not known.
enum db_status db_transaction(struct db *db, db_work *work, void *arg);
