// SPDX-License-Identifier: Apache-2.0
// Deleting very many rows of one person, portion by portion, each in a transaction of its own under
// the person's lock: none comes near a statement's deadline, and what was deleted stays so.
#pragma once

#include "platform/db/db.h"

#include <stdbool.h>

// A portion by a statement that takes the person and how many rows of a kind to delete, and answers
// whether it deleted so many: if not, few are left, or were all there were. Inside a transaction
// that holds the person's lock. *ret_more: there may be another one.
enum db_status portion_delete(struct db *db, const struct db_statement *statement,
                              const char *person, bool *ret_more);
