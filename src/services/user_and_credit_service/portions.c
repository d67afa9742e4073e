// SPDX-License-Identifier: Apache-2.0
// A portion takes a fraction of a second.
#include "services/user_and_credit_service/portions.h"

#define ROWS "10000"

enum db_status portion_delete(struct db *db, const struct db_statement *statement,
                              const char *person, bool *ret_more)
{
    struct db_parameter parameters[] = {db_text_parameter(person), db_text_parameter(ROWS)};
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status = db_run(db, statement, parameters, 2, &row);
    *ret_more = status == DB_OK && db_flag(row, 0, 0);
    return status;
}
