// SPDX-License-Identifier: Apache-2.0
// Everything held about a person as one JSON document, which PostgreSQL writes from one snapshot.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/statements.h"

#include <string.h>

#define RETRY_MS 1000

static void answer_export(struct http_exchange *exchange, struct desk *desk)
{
    char id[UUID_TEXT_SIZE];
    uuid_format(http_person(exchange), id);
    struct db_parameter person[] = {db_text_parameter(id)};
    __attribute__((cleanup(db_result_free))) struct db_result *row =
        desk_find(desk, exchange, &sql_export, person, 1);
    if (row != NULL) {
        const char *document = db_text(row, 0, 0);
        log_info(desk->log, "data exported", LOG_TEXT("user_id", id));
        http_answer_bytes(exchange, 200, "application/json", document, strlen(document));
    }
}

// One at a time: a document can have several megabytes.
void export_data(struct http_exchange *exchange, void *state, void *context)
{
    struct user_credit *service = state;
    if (atomic_flag_test_and_set(&service->exporting)) {
        http_answer_unavailable(exchange, "another export is being made, try again", RETRY_MS);
        return;
    }
    answer_export(exchange, context);
    atomic_flag_clear(&service->exporting);
}
