// SPDX-License-Identifier: Apache-2.0
// One step at a time, each a transaction or two: several processes may be at the same deletion.
#include "services/user_and_credit_service/deletions.h"

#include "platform/memory.h"
#include "platform/ticker.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/erasure.h"
#include "services/user_and_credit_service/statements.h"
#include "services/user_and_credit_service/withdrawal.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 5000

struct deletions {
    struct user_credit *service;
    struct desk *desk; /* of the thread */
    struct ticker *ticker;
};

static enum db_status run_for(struct db *db, const struct db_statement *statement,
                              const char *person, const char *what)
{
    const struct db_parameter parameters[] = {db_text_parameter(person), db_text_parameter(what)};
    return db_run_later(db, statement, parameters, 2);
}

enum db_status deletion_begin(struct db *db, const char *person, const char *what)
{
    return run_for(db, &sql_begin_deletion, person, what);
}

enum db_status deletion_end(struct db *db, const char *person, const char *what)
{
    return run_for(db, &sql_end_deletion, person, what);
}

// ---- the thread

struct emotions {
    const char *person;
    bool more;
};

static enum db_status clear_emotions(struct db *db, void *arg)
{
    struct emotions *emotions = arg;
    const struct db_parameter person[] = {db_text_parameter(emotions->person)};
    enum db_status status = db_run_later(db, &sql_lock_person, person, 1);
    if (status == DB_OK) {
        status = withdrawal_clear(db, emotions->person, &emotions->more);
    }
    return status == DB_OK && !emotions->more
               ? deletion_end(db, emotions->person, DELETION_OF_EMOTIONS)
               : status;
}

static enum db_status go_on_with(struct desk *desk, const char *person, const char *what)
{
    if (strcmp(what, DELETION_OF_ACCOUNT) == 0) {
        return erasure_continue(desk, person);
    }
    struct emotions emotions = {.person = person};
    return desk_transaction(desk, clear_emotions, &emotions);
}

static struct db_result *find_one(struct desk *desk)
{
    struct db_result *found = NULL;
    const enum db_status status = db_run(desk->db, &sql_unfinished_deletion, NULL, 0, &found);
    if (status != DB_OK && !db_may_pass(status)) {
        log_error(desk->log, "unfinished deletions cannot be read",
                  LOG_TEXT("why", db_error(desk->db)));
    }
    return found;
}

// True when it went on with one: there may be more.
static bool go_on(void *arg)
{
    struct deletions *deletions = arg;
    if (deletions->desk == NULL) {
        deletions->desk = desk_open(deletions->service, "deletions");
    }
    struct desk *desk = deletions->desk;
    __attribute__((cleanup(db_result_free))) struct db_result *found = find_one(desk);
    if (found == NULL || db_rows(found) == 0) {
        return false;
    }
    const char *person = db_text(found, 0, 0);
    const enum db_status status = go_on_with(desk, person, db_text(found, 0, 1));
    if (status != DB_OK && !db_may_pass(status)) {
        log_error(desk->log, "a deletion cannot go on", LOG_TEXT("user_id", person),
                  LOG_TEXT("why", db_error(desk->db)));
    }
    return status == DB_OK;
}

struct deletions *deletions_start(struct user_credit *service)
{
    struct deletions *deletions = memory_zeroed(1, sizeof *deletions);
    deletions->service = service;
    deletions->ticker = ticker_new("deletions", LOOK_EVERY_MS, go_on, deletions);
    ticker_start_later(deletions->ticker);
    return deletions;
}

void deletions_stop(struct deletions **deletions)
{
    if (*deletions == NULL) {
        return;
    }
    ticker_free(&(*deletions)->ticker);
    if ((*deletions)->desk != NULL) {
        desk_close((*deletions)->desk);
    }
    free(*deletions);
    *deletions = NULL;
}

void deletions_wake(struct deletions *deletions)
{
    ticker_wake(deletions->ticker);
}
