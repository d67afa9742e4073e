// SPDX-License-Identifier: Apache-2.0
// The outbox of accepted offers: an acceptance is published from the offer's own row.
#include "services/user_and_credit_service/acceptances.h"

#include "events/credit_json.h"
#include "platform/bus/streams.h"
#include "services/user_and_credit_service/statements.h"

enum acceptance_column {
    CREDIT_LIMIT = OUTBOX_FIRST_OWN,
    INTEREST_RATE,
    CREDIT_TYPE,
    ACCEPTED_AT,
};

static char *build_message(const struct db_result *rows, size_t row, size_t *ret_length)
{
    struct accepted_offer offer = {
        .offer_id = db_uuid(rows, row, OUTBOX_ID),
        .user_id = db_uuid(rows, row, OUTBOX_USER_ID),
        .credit_limit = db_text(rows, row, CREDIT_LIMIT),
        .interest_rate = db_text(rows, row, INTEREST_RATE),
        .credit_type = db_text(rows, row, CREDIT_TYPE),
        .accepted_at = db_timestamp(rows, row, ACCEPTED_AT),
        .trace_id = db_text(rows, row, OUTBOX_TRACE_ID),
    };
    return accepted_offer_json(&offer, ret_length);
}

const struct outbox_spec acceptances_outbox = {
    .name = "user-and-credit-service outbox",
    .subject = SUBJECT_CREDITS,
    .waiting = &sql_acceptances_to_publish,
    .mark = &sql_mark_acceptances_published,
    .build = build_message,
};
