// SPDX-License-Identifier: Apache-2.0
// The statements of insights, apart from those about one person.
#pragma once

#include "platform/db/db.h"

extern const struct db_statement sql_day_without_insights;
extern const struct db_statement sql_make_emotion_insights;
extern const struct db_statement sql_make_decision_insights;
extern const struct db_statement sql_make_reason_insights;
extern const struct db_statement sql_make_offer_insights;
extern const struct db_statement sql_insights;
