// SPDX-License-Identifier: Apache-2.0
// A list of what belongs to a person, newest first and page by page: `total`, `page`, `page_size`,
// `items`.
#pragma once

#include "platform/json.h"
#include "services/user_and_credit_service/desk.h"

struct listing {
    const struct db_statement *count; /* $1 person; no row when there is no such account */
    const struct db_statement *rows;  /* $1 person, $2 at most so many, $3 after so many */
    json_t *(*item)(const struct db_result *rows, size_t row); /* a new reference */
};

// Answers the page that the query's `page` and `page_size` (1 and 10 when absent) ask for; 422 when
// they make no sense.
void listing_answer(struct http_exchange *exchange, struct desk *desk,
                    const struct listing *listing);
