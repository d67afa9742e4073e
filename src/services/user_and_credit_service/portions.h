// SPDX-License-Identifier: Apache-2.0
// Deleting very many rows of one person, portion by portion, each in a transaction of its own under
// the person's lock: none comes near a statement's deadline, and what was deleted stays so when the
// request runs out of time.
#pragma once

#include "services/user_and_credit_service/desk.h"

// Deletes a portion, inside a transaction that holds the person's lock. *ret_more: there may be
// another one.
typedef enum db_status portion_fn(struct db *db, const char *person, bool *ret_more);

// A portion by a statement that takes the person and how many rows of a kind to delete, and answers
// whether it deleted so many: if not, few are left, or were all there were.
enum db_status portion_delete(struct db *db, const struct db_statement *statement,
                              const char *person, bool *ret_more);

// Deletes portion after portion, until there is no other. *ret_more: the time was over before.
enum db_status portions_delete(struct desk *desk, portion_fn *portion, const char *person,
                               bool *ret_more);

// Answers 503: the next request goes on where this one stopped.
void portions_answer_more(struct http_exchange *exchange);
