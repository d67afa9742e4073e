// SPDX-License-Identifier: Apache-2.0
// Deleting many rows of one person, portion by portion, each in a transaction of its own: none
// comes near a statement's deadline, nobody waits for it, and what was deleted stays so when the
// request runs out of time.
#pragma once

#include "services/user_and_credit_service/desk.h"

// Deletes portions until a small rest is left, which the caller's own transaction takes along.
// Each statement takes the person and how many rows of a kind at most, and answers whether there
// may be more. *ret_more: the time was over before.
enum db_status portions_delete(struct desk *desk, const struct db_statement *const *statements,
                               size_t count, const char *person, bool *ret_more);

// Answers 503: the next request goes on where this one stopped.
void portions_answer_more(struct http_exchange *exchange);
