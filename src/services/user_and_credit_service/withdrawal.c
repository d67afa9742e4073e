// SPDX-License-Identifier: Apache-2.0
// What is deleted, and in which order. Nothing here deletes single emotions beside a consent.
#include "services/user_and_credit_service/withdrawal.h"

#include "services/user_and_credit_service/portions.h"
#include "services/user_and_credit_service/statements.h"

static enum db_status run_in_order(struct db *db, const struct db_statement *const *statements,
                                   size_t count, const char *person)
{
    const struct db_parameter parameters[] = {db_text_parameter(person)};
    enum db_status status = DB_OK;
    for (size_t i = 0; i < count && status == DB_OK; i++) {
        status = db_run_later(db, statements[i], parameters, 1);
    }
    return status;
}

static enum db_status delete_all(struct db *db, const char *person)
{
    static const struct db_statement *const statements[] = {&sql_delete_emotional_events,
                                                            &sql_delete_emotional_event_ids};
    return run_in_order(db, statements, 2, person);
}

enum db_status withdrawal_clear(struct db *db, const char *person, bool *ret_more)
{
    enum db_status status = portion_delete(db, &sql_delete_portion_of_emotions, person, ret_more);
    return status == DB_OK && !*ret_more ? delete_all(db, person) : status;
}

// The worker's batches under way are waited for: what they store is then seen and deleted, and the
// next ones see that the consent is gone.
enum db_status withdrawal_begin(struct db *db, const char *person, bool *ret_more)
{
    static const struct db_statement *const statements[] = {&sql_withdraw_consent,
                                                            &sql_delete_emotional_summary};
    enum db_status status = db_run_later(db, &sql_wait_for_emotion_batches, NULL, 0);
    if (status == DB_OK) {
        status = run_in_order(db, statements, 2, person);
    }
    return status == DB_OK ? withdrawal_clear(db, person, ret_more) : status;
}
