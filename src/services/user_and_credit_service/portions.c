// SPDX-License-Identifier: Apache-2.0
// A portion takes a fraction of a second.
#include "services/user_and_credit_service/portions.h"

#include "platform/clock.h"
#include "services/user_and_credit_service/statements.h"

#define TIME_MS 3000 /* of a request's, which may need it twice */
#define RETRY_MS 1000

struct portion {
    const struct db_statement *statement;
    const char *person;
    bool more;
};

static enum db_status delete_portion(struct db *db, void *arg)
{
    struct portion *portion = arg;
    struct db_parameter parameters[] = {db_text_parameter(portion->person),
                                        db_text_parameter(PORTION_ROWS)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run_later(db, &sql_lock_person, parameters, 1);
    if (status == DB_OK) {
        status = db_run(db, portion->statement, parameters, 2, &row);
    }
    portion->more = status == DB_OK && db_flag(row, 0, 0);
    return status;
}

enum db_status portions_delete(struct desk *desk, const struct db_statement *statement,
                               const char *person, bool *ret_more)
{
    const int64_t until = clock_monotonic_ms() + TIME_MS;
    struct portion portion = {.statement = statement, .person = person};
    enum db_status status = DB_OK;
    do {
        status = desk_transaction(desk, delete_portion, &portion);
    } while (status == DB_OK && portion.more && clock_monotonic_ms() < until);
    *ret_more = portion.more;
    return status;
}

void portions_answer_more(struct http_exchange *exchange)
{
    http_answer_unavailable(exchange, "there is much to delete, ask again until it is done",
                            RETRY_MS);
}
