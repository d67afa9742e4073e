// SPDX-License-Identifier: Apache-2.0
// The erasure of a person: all rows, the cached answer, and the tokens. What is still in a stream
// is dropped by the workers when they come to it, since the id stays in a list of who was erased.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"
#include "services/user_and_credit_service/withdrawal.h"

#include "platform/clock.h"
#include "platform/json.h"

enum outcome { ERASED_NOW, ERASED_BEFORE, NO_SUCH_ACCOUNT };

struct erasure {
    struct desk *desk;
    char person[UUID_TEXT_SIZE];
    struct db_parameter id; /* the person as a parameter */
    bool more;              /* so many rows that some are still to be deleted */
    bool tried;             /* by an earlier run of the transaction, whose commit is in doubt */
    bool in_doubt;          /* the cache may hold the person's last analysis still, or did before */
    enum outcome outcome;
};

// ---- the emotions, and what else is very much

static enum db_status find_account(struct db *db, const struct erasure *erasure, bool *ret_known)
{
    __attribute__((cleanup(db_result_free))) struct db_result *account = NULL;
    enum db_status status = db_run_later(db, &sql_lock_person, &erasure->id, 1);
    if (status == DB_OK) {
        status = db_run(db, &sql_user_by_id, &erasure->id, 1, &account);
    }
    *ret_known = status == DB_OK && db_rows(account) > 0;
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

static enum db_status end_consent(struct db *db, void *arg)
{
    struct erasure *erasure = arg;
    bool known = false;
    enum db_status status = find_account(db, erasure, &known);
    if (status == DB_OK && known) {
        status = forget_answer(erasure);
    }
    return status == DB_OK && known ? withdrawal_begin(db, erasure->person, &erasure->more)
                                    : status;
}

static enum db_status erase_portion(struct db *db, const char *person, bool *ret_more)
{
    return portion_delete(db, &sql_erase_portion, person, ret_more);
}

static enum db_status erase_most(struct erasure *erasure)
{
    enum db_status status = desk_transaction(erasure->desk, end_consent, erasure);
    if (status == DB_OK && erasure->more) {
        status = portions_delete(erasure->desk, withdrawal_clear, erasure->person, &erasure->more);
    }
    if (status == DB_OK && !erasure->more) {
        status = portions_delete(erasure->desk, erase_portion, erasure->person, &erasure->more);
    }
    return status;
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
    bool known = false;
    enum db_status status = find_account(db, erasure, &known);
    if (status != DB_OK) {
        return status;
    }
    if (!known) {
        return find_outcome(db, erasure);
    }
    erasure->tried = true;
    erasure->outcome = ERASED_NOW;
    status = forget_answer(erasure);
    return status == DB_OK ? db_run_later(db, &sql_erase_person, &erasure->id, 1) : status;
}

static void revoke_tokens(struct erasure *erasure, const struct uuid *person)
{
    const struct user_credit *service = erasure->desk->service;
    revocations_add(service->environment->revocations, person, 1, clock_now());
    erasure_news_wake(service->erasures);
}

// ---- the request

static void answer_erased(struct http_exchange *exchange, const struct erasure *erasure)
{
    if (erasure->outcome == NO_SUCH_ACCOUNT) {
        desk_answer_no_account(exchange);
        return;
    }
    if (erasure->outcome == ERASED_NOW) {
        log_info(erasure->desk->log, "person erased", LOG_TEXT("user_id", erasure->person));
    }
    http_answer_json(
        exchange, 202,
        json_pack("{s:s, s:s}", "status", "the account is erased", "user_id", erasure->person));
}

void erase_person(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct desk *desk = context;
    struct erasure erasure = {.desk = desk};
    uuid_format(http_person(exchange), erasure.person);
    erasure.id = db_text_parameter(erasure.person);
    enum db_status status = erase_most(&erasure);
    if (status == DB_OK && !erasure.more) {
        status = desk_transaction(desk, erase_account, &erasure);
    }
    if (status == DB_OK && !erasure.more && erasure.outcome != NO_SUCH_ACCOUNT) {
        revoke_tokens(&erasure, http_person(exchange));
    }
    if (erasure.in_doubt) {
        decision_cache_settle();
    }
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
    } else if (erasure.more) {
        portions_answer_more(exchange);
    } else {
        answer_erased(exchange, &erasure);
    }
}
