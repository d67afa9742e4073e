// SPDX-License-Identifier: Apache-2.0
// Every statement of this service. Parameters and result columns are in the order in which they
// stand in the SQL.
#pragma once

#include "platform/db/db.h"

extern const struct db_statement sql_lock_activations;
extern const struct db_statement sql_lock_accepted_offer;
extern const struct db_statement sql_erasure;
extern const struct db_statement sql_supersede_active_credit;
extern const struct db_statement sql_activate_offer;
extern const struct db_statement sql_expire_unaccepted_offer;
extern const struct db_statement sql_insert_notification;
extern const struct db_statement sql_unpublished_notifications;
extern const struct db_statement sql_mark_notifications_published;
