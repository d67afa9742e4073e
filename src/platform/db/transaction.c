// SPDX-License-Identifier: Apache-2.0
// Transactions with their few retries; lock and statement deadlines bound how long that takes.
#include "platform/db/transaction.h"

#define TRIES 3

static enum db_status try_once(struct db *db, db_work *work, void *arg)
{
    enum db_status status = db_begin(db);
    if (status != DB_OK) {
        return status;
    }
    status = work(db, arg);
    if (status != DB_OK) {
        db_rollback(db);
        return status;
    }
    return db_commit(db);
}

enum db_status db_transaction(struct db *db, db_work *work, void *arg)
{
    enum db_status status = DB_RETRY;
    for (int i = 0; i < TRIES && status == DB_RETRY; i++) {
        status = try_once(db, work, arg);
    }
    return status;
}
