// SPDX-License-Identifier: Apache-2.0
// The SQL of this service. The credit that was active ends before the next one begins: the unique
// index on active credits holds at every step.
#include "services/credit_application_worker/statements.h"

// Replicas activate the offers of one person one after the other.
const struct db_statement sql_lock_activations = {
    "lock_activations",
    "SELECT pg_advisory_xact_lock(hashtextextended('activation ' || $1::text, 0))",
};

const struct db_statement sql_lock_accepted_offer = {
    "lock_accepted_offer",
    "SELECT status, accepted_at, expires_at, credit_limit, interest_rate, credit_type,"
    "       acceptance_trace_id, activated_at"
    " FROM credit_limits WHERE user_id = $1 AND id = $2 FOR UPDATE",
};

const struct db_statement sql_erasure = {
    "erasure",
    "SELECT FROM erasures WHERE user_id = $1",
};

const struct db_statement sql_supersede_active_credit = {
    "supersede_active_credit",
    "UPDATE credit_limits a SET status = 'superseded', updated_at = clock_timestamp()"
    " FROM credit_limits o"
    " WHERE o.user_id = $1 AND o.id = $2"
    "   AND a.user_id = $1 AND a.status = 'active' AND a.accepted_at <= o.accepted_at",
};

// A credit that is still active was accepted later: then this message came late, and its offer has
// been superseded already.
const struct db_statement sql_activate_offer = {
    "activate_offer",
    "UPDATE credit_limits"
    " SET status = CASE WHEN EXISTS (SELECT FROM credit_limits"
    "                                WHERE user_id = $1 AND status = 'active')"
    "              THEN 'superseded' ELSE 'active' END,"
    "     activated_at = clock_timestamp(), updated_at = clock_timestamp()"
    " WHERE user_id = $1 AND id = $2 RETURNING status",
};

const struct db_statement sql_expire_unaccepted_offer = {
    "expire_unaccepted_offer",
    "UPDATE credit_limits SET status = 'expired', updated_at = clock_timestamp()"
    " WHERE user_id = $1 AND id = $2 AND status = 'offered' AND expires_at < clock_timestamp()"
    "   AND (accepted_at IS NULL OR accepted_at > expires_at)",
};

const struct db_statement sql_insert_notification = {
    "insert_notification",
    "INSERT INTO notifications (id, user_id, offer_id, type, title, message, trace_id)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
    " ON CONFLICT (user_id, offer_id, type) DO NOTHING",
};

const struct db_statement sql_unpublished_notifications = {
    "unpublished_notifications",
    "SELECT id, user_id, trace_id, offer_id, type, title, message"
    " FROM notifications WHERE published_at IS NULL"
    " ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED",
};

const struct db_statement sql_mark_notifications_published = {
    "mark_notifications_published",
    "UPDATE notifications n SET published_at = clock_timestamp()"
    " FROM unnest($1::uuid[], $2::uuid[]) AS published (user_id, id)"
    " WHERE n.user_id = published.user_id AND n.id = published.id",
};
