// SPDX-License-Identifier: Apache-2.0
// Deleting very many rows of one person, portion by portion, each in a transaction of its own under
// the person's lock: none comes near a statement's deadline, and what was deleted stays so when the
// request runs out of time.
#pragma once

#include "services/user_and_credit_service/desk.h"

#define PORTION_ROWS "10000"

// Runs the statement, which takes the person and PORTION_ROWS and answers whether it deleted so
// many, until it did not: few rows are left then, or were all there were. *ret_more: the time was
// over before.
enum db_status portions_delete(struct desk *desk, const struct db_statement *portion,
                               const char *person, bool *ret_more);

// Answers 503: the next request goes on where this one stopped.
void portions_answer_more(struct http_exchange *exchange);
