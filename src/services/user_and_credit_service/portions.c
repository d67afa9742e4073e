// SPDX-License-Identifier: Apache-2.0
// A portion takes a fraction of a second.
#include "services/user_and_credit_service/portions.h"

#include "platform/clock.h"
#include "services/user_and_credit_service/statements.h"

#define ROWS "10000"
#define TIME_MS 3000 /* of a request's, which may need it twice */
#define RETRY_MS 1000

enum db_status portion_delete(struct db *db, const struct db_statement *statement,
                              const char *person, bool *ret_more)
{
    struct db_parameter parameters[] = {db_text_parameter(person), db_text_parameter(ROWS)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, statement, parameters, 2, &row);
    *ret_more = status == DB_OK && db_flag(row, 0, 0);
    return status;
}

struct portions {
    portion_fn *portion;
    const char *person;
    bool more;
};

static enum db_status delete_one(struct db *db, void *arg)
{
    struct portions *portions = arg;
    struct db_parameter person[] = {db_text_parameter(portions->person)};
    enum db_status status = db_run_later(db, &sql_lock_person, person, 1);
    return status == DB_OK ? portions->portion(db, portions->person, &portions->more) : status;
}

enum db_status portions_delete(struct desk *desk, portion_fn *portion, const char *person,
                               bool *ret_more)
{
    const int64_t until = clock_monotonic_ms() + TIME_MS;
    struct portions portions = {.portion = portion, .person = person};
    enum db_status status = DB_OK;
    do {
        status = desk_transaction(desk, delete_one, &portions);
    } while (status == DB_OK && portions.more && clock_monotonic_ms() < until);
    *ret_more = portions.more;
    return status;
}

void portions_answer_more(struct http_exchange *exchange)
{
    http_answer_unavailable(exchange, "there is much to delete, ask again until it is done",
                            RETRY_MS);
}
