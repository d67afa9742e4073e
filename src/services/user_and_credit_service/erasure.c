// SPDX-License-Identifier: Apache-2.0
// The erasure of a person: all rows, the cached answer, and the tokens. From its first commit on it
// will come to its end, whatever becomes of the request (deletions.h). What is still in a stream is
// dropped by the workers when they come to it, since the id stays in a list of who was erased.
#include "services/user_and_credit_service/erasure.h"

#include "services/user_and_credit_service/deletions.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/portions.h"
#include "services/user_and_credit_service/statements.h"
#include "services/user_and_credit_service/withdrawal.h"

#include "platform/clock.h"
#include "platform/json.h"

enum outcome {
    ERASED_NOW,
    ERASED_BEFORE,
    NO_SUCH_ACCOUNT,
    ERASURE_GOES_ON, /* there are so many rows that some are still to be deleted */
};

struct erasure {
    struct desk *desk;
    const char *person;
    struct db_parameter id; /* the person as a parameter */
    bool known;             /* there is an account */
    bool more;              /* so many rows that some are still to be deleted */
    bool tried;             /* by an earlier run of the transaction, whose commit is in doubt */
    bool in_doubt;          /* the cache may hold the person's last analysis still, or did before */
    enum outcome outcome;
};

static struct erasure erasure_of(struct desk *desk, const char *person)
{
    return (struct erasure){.desk = desk, .person = person, .id = db_text_parameter(person)};
}

static enum db_status find_account(struct db *db, struct erasure *erasure)
{
    __attribute__((cleanup(db_result_free))) struct db_result *account = NULL;
    enum db_status status = db_run_later(db, &sql_lock_person, &erasure->id, 1);
    if (status == DB_OK) {
        status = db_run(db, &sql_user_by_id, &erasure->id, 1, &account);
    }
    erasure->known = status == DB_OK && db_rows(account) > 0;
    return status;
}

static enum db_status forget_answer(struct erasure *erasure)
{
    bool in_doubt = false;
    enum db_status status =
        decision_cache_forget(erasure->desk->decisions, erasure->person, &in_doubt);
    erasure->in_doubt |= in_doubt;
    return status;
}

// ---- the beginning: nothing emotional is used any more, and nobody logs in

static enum db_status begin(struct db *db, void *arg)
{
    struct erasure *erasure = arg;
    enum db_status status = find_account(db, erasure);
    if (status != DB_OK || !erasure->known) {
        return status;
    }
    status = forget_answer(erasure);
    if (status == DB_OK) {
        status = withdrawal_begin(db, erasure->person, &erasure->more);
    }
    return status == DB_OK ? deletion_begin(db, erasure->person, DELETION_OF_ACCOUNT) : status;
}

// ---- what is very much

static enum db_status delete_portion(struct db *db, void *arg)
{
    struct erasure *erasure = arg;
    enum db_status status = db_run_later(db, &sql_lock_person, &erasure->id, 1);
    if (status == DB_OK) {
        status = withdrawal_clear(db, erasure->person, &erasure->more);
    }
    return status == DB_OK && !erasure->more
               ? portion_delete(db, &sql_erase_portion, erasure->person, &erasure->more)
               : status;
}

// ---- the account, and all that is left

static enum db_status find_outcome(struct db *db, struct erasure *erasure)
{
    __attribute__((cleanup(db_result_free))) struct db_result *found = NULL;
    enum db_status status = db_run(db, &sql_is_erased, &erasure->id, 1, &found);
    const bool is_erased = status == DB_OK && db_rows(found) > 0;
    erasure->outcome = is_erased ? erasure->tried ? ERASED_NOW : ERASED_BEFORE : NO_SUCH_ACCOUNT;
    return status;
}

static enum db_status erase_account(struct db *db, void *arg)
{
    struct erasure *erasure = arg;
    enum db_status status = find_account(db, erasure);
    if (status != DB_OK) {
        return status;
    }
    if (!erasure->known) {
        return find_outcome(db, erasure);
    }
    erasure->tried = true;
    erasure->outcome = ERASED_NOW;
    status = forget_answer(erasure);
    return status == DB_OK ? db_run_later(db, &sql_erase_person, &erasure->id, 1) : status;
}

static enum db_status go_on(struct erasure *erasure)
{
    erasure->outcome = ERASURE_GOES_ON;
    enum db_status status = desk_transaction(erasure->desk, delete_portion, erasure);
    if (status == DB_OK && !erasure->more) {
        status = desk_transaction(erasure->desk, erase_account, erasure);
    }
    if (erasure->in_doubt) {
        decision_cache_settle();
    }
    if (status == DB_OK && erasure->outcome == ERASED_NOW) {
        log_info(erasure->desk->log, "person erased", LOG_TEXT("user_id", erasure->person));
    }
    return status;
}

enum db_status erasure_continue(struct desk *desk, const char *person)
{
    struct erasure erasure = erasure_of(desk, person);
    return go_on(&erasure);
}

// ---- the request

// Once it is begun the rest need not succeed now: it will.
static enum db_status erase(struct erasure *erasure)
{
    enum db_status status = desk_transaction(erasure->desk, begin, erasure);
    const bool begun = status == DB_OK && erasure->known;
    if (status == DB_OK && !erasure->more) {
        status = go_on(erasure);
    }
    if (!begun || (status == DB_OK && !erasure->more)) {
        return status;
    }
    erasure->outcome = ERASURE_GOES_ON;
    deletions_wake(erasure->desk->service->deletions);
    return DB_OK;
}

static void revoke_tokens(struct desk *desk, const struct uuid *person)
{
    const struct user_credit *service = desk->service;
    revocations_add(service->environment->revocations, person, 1, clock_now());
    erasure_news_wake(service->erasures);
}

void erase_person(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    char person[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), person);
    struct erasure erasure = erasure_of(desk, person);
    const enum db_status status = erase(&erasure);
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
    } else if (erasure.outcome == NO_SUCH_ACCOUNT) {
        desk_answer_no_account(exchange);
    } else {
        const bool goes_on = erasure.outcome == ERASURE_GOES_ON;
        revoke_tokens(desk, http_person(exchange));
        http_answer_json(
            exchange, 202,
            json_pack("{s:s, s:s}", "status",
                      goes_on ? "the account is being erased" : "the account is erased", "user_id",
                      person));
    }
}
