// SPDX-License-Identifier: Apache-2.0
// The review of a decision as its person sees it.
#pragma once

#include "platform/db/db.h"
#include "platform/json.h"

// Looks up the review of a person's decision: its JSON, which the caller releases, or NULL when
// none was asked for.
enum db_status review_find(struct db *db, const char *person, const char *decision_id,
                           json_t **ret);
