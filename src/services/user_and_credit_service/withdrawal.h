// SPDX-License-Identifier: Apache-2.0
// The end of a person's consent to emotional data, and of all that was stored under it. The consent
// and the daily sums end in one transaction, the single emotions with them unless these are very
// many; from then on nothing is stored or used, and the rest goes portion by portion.
#pragma once

#include "services/user_and_credit_service/desk.h"

// Inside a transaction that holds the person's lock. Ends the consent, if there is one.
// *ret_more: withdrawal_finish has to follow the commit.
enum db_status withdrawal_begin(struct db *db, const char *person, bool *ret_more);

// Inside a transaction that holds the person's lock: deletes what a withdrawal that was not
// finished left, unless a consent holds. *ret_more as above.
enum db_status withdrawal_clear(struct db *db, const char *person, bool *ret_more);

// Deletes what is left, in transactions of its own. *ret_more: there was no time for all of it.
enum db_status withdrawal_finish(struct desk *desk, const char *person, bool *ret_more);
