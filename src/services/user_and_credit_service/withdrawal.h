// SPDX-License-Identifier: Apache-2.0
// The end of a person's consent to emotional data, and of all that was stored under it. The consent
// and the daily sums end in one transaction, the single emotions with them unless these are very
// many; from then on nothing is stored or used, and the rest goes portion by portion.
#pragma once

#include "services/user_and_credit_service/portions.h"

// Inside a transaction that holds the person's lock. Ends the consent, if there is one.
// *ret_more: portions of withdrawal_clear have to follow the commit.
enum db_status withdrawal_begin(struct db *db, const char *person, bool *ret_more);

// Deletes single emotions, unless a consent holds: a portion, or all when there are fewer.
portion_fn withdrawal_clear;
