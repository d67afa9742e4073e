// SPDX-License-Identifier: Apache-2.0
// One page of a person's rows, with how many there are in all.
#include "services/user_and_credit_service/listing.h"

#include <stdio.h>

#define PAGE_MAX INT64_C(1000000000000) /* times PAGE_SIZE_MAX it still fits int64 */
#define PAGE_SIZE_MAX 100
#define PAGE_SIZE_USUAL 10

struct page {
    char person[UUID_TEXT_SIZE];
    int64_t number;
    int64_t size;
    json_t *items;
};

// False when the query makes no sense: 422 is answered then.
static bool read_query(struct http_exchange *exchange, struct page *page)
{
    struct faults faults = {0};
    http_query_number(exchange, "page", 1, PAGE_MAX, 1, &page->number, &faults);
    http_query_number(exchange, "page_size", 1, PAGE_SIZE_MAX, PAGE_SIZE_USUAL, &page->size,
                      &faults);
    if (faults.count > 0) {
        http_answer_faults(exchange, &faults);
    }
    return faults.count == 0;
}

static enum db_status read_items(struct db *db, const struct listing *listing, struct page *page)
{
    char limit[24];
    char offset[24];
    snprintf(limit, sizeof limit, "%lld", (long long)page->size);
    snprintf(offset, sizeof offset, "%lld", (long long)((page->number - 1) * page->size));
    struct db_parameter parameters[] = {db_text_parameter(page->person), db_text_parameter(limit),
                                        db_text_parameter(offset)};
    __attribute__((cleanup(db_result_free))) struct db_result *rows = NULL;
    enum db_status status = db_run(db, listing->rows, parameters, 3, &rows);
    if (status != DB_OK) {
        return status;
    }
    page->items = json_array();
    for (size_t row = 0; row < db_rows(rows); row++) {
        json_array_append_new(page->items, listing->item(rows, row));
    }
    return DB_OK;
}

void listing_answer(struct http_exchange *exchange, struct desk *desk,
                    const struct listing *listing)
{
    struct page page = {.number = 1, .size = PAGE_SIZE_USUAL};
    if (!read_query(exchange, &page)) {
        return;
    }
    uuid_format(http_person(exchange), page.person);
    struct db_parameter person[] = {db_text_parameter(page.person)};
    __attribute__((cleanup(db_result_free))) struct db_result *total =
        desk_find(desk, exchange, listing->count, person, 1);
    if (total == NULL) {
        return;
    }
    enum db_status status = read_items(desk->db, listing, &page);
    if (status != DB_OK) {
        desk_answer_failure(desk, exchange, status);
        return;
    }
    http_answer_json(exchange, 200,
                     json_pack("{s:I, s:I, s:I, s:o}", "total", (json_int_t)db_number(total, 0, 0),
                               "page", (json_int_t)page.number, "page_size", (json_int_t)page.size,
                               "items", page.items));
}
