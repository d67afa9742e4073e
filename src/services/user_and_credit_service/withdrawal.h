// SPDX-License-Identifier: Apache-2.0
// The end of a person's consent to emotional data, and of all that was stored under it. The consent
// and the daily sums end in one transaction, the single emotions with them unless these are very
// many; from then on nothing is stored or used, and the rest goes portion by portion.
#pragma once

#include "platform/db/db.h"

#include <stdbool.h>

// Inside a transaction that holds the person's lock. Ends the consent, if there is one.
// *ret_more: portions of withdrawal_clear have to follow the commit.
enum db_status withdrawal_begin(struct db *db, const char *person, bool *ret_more);

// The same, of single emotions, unless a consent holds: deletes a portion, or all when there are
// fewer. *ret_more: there may be another one.
enum db_status withdrawal_clear(struct db *db, const char *person, bool *ret_more);
