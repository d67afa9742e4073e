// SPDX-License-Identifier: Apache-2.0
// What is held about a person, shown to that person: emotions by day, transactions one by one.
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"
#include "services/user_and_credit_service/listing.h"
#include "services/user_and_credit_service/statements.h"

#include "platform/json.h"

#include <stdio.h>

// ---- emotions

#define DAYS_USUAL 30
#define DAYS_MAX 3660 /* the daily sums stay until consent ends */

enum day_column { DATE, EVENT_COUNT, STRESS_EVENT_COUNT, POSITIVITY, INTENSITY, STRESS_LEVEL };

static json_t *day_json(const struct db_result *days, size_t row)
{
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f}", "date", db_text(days, row, DATE),
                     "event_count", (json_int_t)db_number(days, row, EVENT_COUNT),
                     "stress_event_count", (json_int_t)db_number(days, row, STRESS_EVENT_COUNT),
                     "avg_positivity_score", db_real(days, row, POSITIVITY), "avg_intensity_score",
                     db_real(days, row, INTENSITY), "avg_stress_level",
                     db_real(days, row, STRESS_LEVEL));
}

// An account without emotions is one row of NULLs.
static json_t *days_json(const struct db_result *days)
{
    json_t *items = json_array();
    for (size_t row = 0; row < db_rows(days); row++) {
        if (!db_null(days, row, DATE)) {
            json_array_append_new(items, day_json(days, row));
        }
    }
    return items;
}

static void answer_days(struct http_exchange *exchange, struct desk *desk, int64_t days)
{
    char person[UUID_TEXT_SIZE];
    char number[24];
    uuid_format(http_person(exchange), person);
    snprintf(number, sizeof number, "%lld", (long long)days);
    struct db_parameter parameters[] = {db_text_parameter(person), db_text_parameter(number)};
    __attribute__((cleanup(db_result_free))) struct db_result *rows =
        desk_find(desk, exchange, &sql_emotional_days, parameters, 2);
    if (rows != NULL) {
        http_answer_json(
            exchange, 200,
            json_pack("{s:I, s:o}", "days", (json_int_t)days, "items", days_json(rows)));
    }
}

void list_emotional_days(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    struct faults faults = {0};
    int64_t days = DAYS_USUAL;
    if (http_query_number(exchange, "days", 1, DAYS_MAX, DAYS_USUAL, &days, &faults)) {
        answer_days(exchange, context, days);
    } else {
        http_answer_faults(exchange, &faults);
    }
}

// ---- transactions

enum transaction_column { TRANSACTION_ID, AMOUNT, OCCURRED_AT };

static json_t *transaction_json(const struct db_result *rows, size_t row)
{
    return json_pack("{s:s, s:o, s:o}", "transaction_id", db_text(rows, row, TRANSACTION_ID),
                     "amount", json_money(db_number(rows, row, AMOUNT)), "occurred_at",
                     json_timestamp(db_timestamp(rows, row, OCCURRED_AT)));
}

void list_transactions(struct http_exchange *exchange, void *state, void *context)
{
    static const struct listing transactions = {
        .count = &sql_count_transactions,
        .rows = &sql_list_transactions,
        .item = transaction_json,
    };
    (void)state;
    listing_answer(exchange, context, &transactions);
}
