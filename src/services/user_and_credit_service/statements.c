// SPDX-License-Identifier: Apache-2.0
// The SQL of this service. Instants of decisions and consents are taken by clock_timestamp() after
// the person's lock, so that their order is the order in which they were made.
#include "services/user_and_credit_service/statements.h"

const struct db_statement sql_lock_person = {
    "lock_person",
    "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))",
};

const struct db_statement sql_insert_user = {
    "insert_user",
    "INSERT INTO users (id, email, password_hash) VALUES ($1, $2, $3)"
    " RETURNING created_at, updated_at",
};

const struct db_statement sql_user_by_id = {
    "user_by_id",
    "SELECT created_at, updated_at FROM users WHERE id = $1",
};

const struct db_statement sql_login_by_email = {
    "login_by_email",
    "SELECT u.id, u.password_hash, lower($1::text)"
    "  FROM (SELECT) AS one LEFT JOIN users u ON lower(u.email) = lower($1::text)"
    "   AND NOT EXISTS (SELECT FROM unfinished_deletions"
    "                   WHERE user_id = u.id AND what = 'account')",
};

const struct db_statement sql_profile = {
    "profile",
    "SELECT u.email, u.created_at, u.updated_at,"
    "       EXISTS (SELECT FROM consents c WHERE c.user_id = u.id"
    "               AND c.purpose = 'emotional_data' AND c.withdrawn_at IS NULL),"
    "       (a.credit_limit * 100)::bigint, (a.interest_rate * 100)::bigint,"
    "       a.credit_type, a.activated_at,"
    "       d.id, d.approved, (d.risk_score * 1000000)::bigint, d.reason, d.created_at"
    " FROM users u"
    " LEFT JOIN credit_limits a ON a.user_id = u.id AND a.status = 'active'"
    " LEFT JOIN LATERAL (SELECT * FROM decisions WHERE user_id = u.id"
    "                    ORDER BY created_at DESC LIMIT 1) d ON true"
    " WHERE u.id = $1",
};

// What these two do is in sql/migrations/0010_erasures.sql, since nobody but the tables' owner may
// delete decisions and the like.
const struct db_statement sql_erase_portion = {
    "erase_portion",
    "SELECT erase_portion($1, $2)",
};

const struct db_statement sql_erase_person = {
    "erase_person",
    "SELECT erase_person($1)",
};

const struct db_statement sql_is_erased = {
    "is_erased",
    "SELECT FROM erasures WHERE user_id = $1",
};

const struct db_statement sql_erased_lately = {
    "erased_lately",
    "SELECT user_id FROM erasures WHERE erased_at > now() - make_interval(secs => $1::int)"
    " UNION ALL SELECT user_id FROM unfinished_deletions WHERE what = 'account'",
};

const struct db_statement sql_begin_deletion = {
    "begin_deletion",
    "INSERT INTO unfinished_deletions (user_id, what) VALUES ($1, $2) ON CONFLICT DO NOTHING",
};

const struct db_statement sql_end_deletion = {
    "end_deletion",
    "DELETE FROM unfinished_deletions WHERE user_id = $1 AND what = $2",
};

// Any of them: one that fails again and again holds up no other.
const struct db_statement sql_unfinished_deletion = {
    "unfinished_deletion",
    "SELECT user_id, what FROM unfinished_deletions ORDER BY random() LIMIT 1",
};

// A period begins after the one before it, also when the clock was set back; all but the first
// cover only what was felt since they began.
const struct db_statement sql_grant_consent = {
    "grant_consent",
    "INSERT INTO consents (user_id, purpose, granted_at, covers_from)"
    " SELECT $1, 'emotional_data', begins, CASE WHEN earlier = 0 THEN '-infinity' ELSE begins END"
    " FROM (SELECT count(*) AS earlier,"
    "              greatest(clock_timestamp(),"
    "                       max(withdrawn_at) + interval '1 microsecond') AS begins"
    "       FROM consents WHERE user_id = $1 AND purpose = 'emotional_data'"
    "       HAVING count(*) FILTER (WHERE withdrawn_at IS NULL) = 0) AS period",
};

const struct db_statement sql_withdraw_consent = {
    "withdraw_consent",
    "UPDATE consents SET withdrawn_at = greatest(clock_timestamp(), granted_at)"
    " WHERE user_id = $1 AND purpose = 'emotional_data' AND withdrawn_at IS NULL",
};

const struct db_statement sql_consent_history = {
    "consent_history",
    "SELECT granted_at, withdrawn_at FROM consents"
    " WHERE user_id = $1 AND purpose = 'emotional_data' ORDER BY granted_at",
};

// The emotion worker's transactions hold this lock shared.
const struct db_statement sql_wait_for_emotion_batches = {
    "wait_for_emotion_batches",
    "SELECT pg_advisory_xact_lock(hashtext('emotional_data'))",
};

// Beside a consent the daily sums would say something else.
#define UNLESS_A_CONSENT_HOLDS                                                                     \
    " AND NOT EXISTS (SELECT FROM consents WHERE user_id = $1 AND withdrawn_at IS NULL)"

// The first so many events and ids, if there are as many; whether anything was deleted, so that
// there may be more.
const struct db_statement sql_delete_portion_of_emotions = {
    "delete_portion_of_emotions",
    "WITH events AS ("
    "  DELETE FROM emotional_events WHERE user_id = $1 AND (occurred_at, event_id) <= ("
    "    SELECT occurred_at, event_id FROM emotional_events WHERE user_id = $1"
    "    ORDER BY occurred_at, event_id OFFSET $2::int - 1 LIMIT 1)"
    "    " UNLESS_A_CONSENT_HOLDS "  RETURNING 1"
    "), ids AS ("
    "  DELETE FROM emotional_event_ids WHERE user_id = $1 AND event_id <= ("
    "    SELECT event_id FROM emotional_event_ids WHERE user_id = $1"
    "    ORDER BY event_id OFFSET $2::int - 1 LIMIT 1)"
    "    " UNLESS_A_CONSENT_HOLDS "  RETURNING 1"
    ") "
    "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM ids)",
};

const struct db_statement sql_delete_emotional_events = {
    "delete_emotional_events",
    "DELETE FROM emotional_events WHERE user_id = $1" UNLESS_A_CONSENT_HOLDS,
};

const struct db_statement sql_delete_emotional_event_ids = {
    "delete_emotional_event_ids",
    "DELETE FROM emotional_event_ids WHERE user_id = $1" UNLESS_A_CONSENT_HOLDS,
};

const struct db_statement sql_delete_emotional_summary = {
    "delete_emotional_summary",
    "DELETE FROM emotional_events_summary WHERE user_id = $1",
};

// What a decision and its offer are read from, wherever they are looked up.
#define DECISION_COLUMNS                                                                           \
    "d.id, d.created_at, d.approved, (d.risk_score * 1000000)::bigint, d.reason,"                  \
    " to_json(d.reason_codes), d.model_version, d.policy_version,"                                 \
    " o.id AS offer_id, (o.credit_limit * 100)::bigint, (o.interest_rate * 100)::bigint,"          \
    " o.credit_type, o.expires_at"
#define DECISIONS_WITH_OFFERS                                                                      \
    " FROM decisions d"                                                                            \
    " LEFT JOIN credit_limits o"                                                                   \
    "   ON o.user_id = d.user_id AND o.decision_id = d.id AND NOT o.by_review"

// $1 person, $2 how many seconds a decision is answered again, if it was made under the consent
// that still holds or is still missing, $3 stress threshold in billionths. No row: there is no such
// account.
//
// The features are for a new decision, and empty when there is one of late. Their windows are
// exact, and cheap however many events a person has: whole days (UTC) come from the daily sums,
// only the part of the window's first day from single events. Today's sums may hold events of
// clocks ahead of ours; those are taken off again.
//
// Beside each edge's times, known only once the statement runs, stand wider ones: by these
// PostgreSQL leaves out the tables of other days before it begins.
const struct db_statement sql_applicant = {
    "applicant",
    "WITH person AS MATERIALIZED ("
    "  SELECT clock_timestamp() AS now,"
    "         count(c.user_id) FILTER (WHERE c.withdrawn_at IS NULL) > 0 AS consent,"
    "         greatest(max(c.granted_at), max(c.withdrawn_at),"
    "                  clock_timestamp() - make_interval(secs => $2::int)) AS fresh_after"
    "  FROM users u LEFT JOIN consents c ON c.user_id = u.id AND c.purpose = 'emotional_data'"
    "  WHERE u.id = $1 GROUP BY u.id"
    "), recent AS MATERIALIZED ("
    "  SELECT last.* FROM person p CROSS JOIN LATERAL ("
    "    SELECT " DECISION_COLUMNS DECISIONS_WITH_OFFERS
    "    WHERE d.user_id = $1 AND d.created_at > p.fresh_after AND d.created_at <= p.now"
    "      AND d.emotional_consent = p.consent"
    "    ORDER BY d.created_at DESC LIMIT 1"
    "  ) last"
    "), windows AS MATERIALIZED ("
    "  SELECT now AS until, now - interval '7 days' AS week, now - interval '30 days' AS month,"
    "         consent"
    "  FROM person WHERE NOT EXISTS (SELECT FROM recent)"
    "), spent AS ("
    "  SELECT count(*) AS transactions, avg(t.amount) AS average"
    "  FROM transactions t, windows w"
    "  WHERE t.user_id = $1 AND t.created_at BETWEEN w.month AND w.until"
    "), days AS ("
    "  SELECT sum(s.event_count) AS month_events,"
    "         sum(s.stress_event_count) AS month_stress,"
    "         sum(s.event_count) FILTER (WHERE s.summary_date > w.week::date) AS week_events,"
    "         sum(s.positivity_sum_ppb) FILTER (WHERE s.summary_date > w.week::date)"
    "           AS week_positivity"
    "  FROM emotional_events_summary s, windows w"
    "  WHERE w.consent AND s.user_id = $1"
    "    AND s.summary_date > w.month::date AND s.summary_date <= w.until::date"
    "), month_edge AS ("
    "  SELECT count(*) AS events, count(*) FILTER (WHERE e.stress_ppb >= $3::int) AS stress"
    "  FROM emotional_events e"
    "  WHERE (SELECT consent FROM windows) AND e.user_id = $1"
    "    AND e.occurred_at >= (SELECT month FROM windows)"
    "    AND e.occurred_at < (SELECT month::date + 1 FROM windows)"
    "    AND e.occurred_at BETWEEN statement_timestamp() - interval '31 days'"
    "                          AND statement_timestamp() - interval '28 days'"
    "), week_edge AS ("
    "  SELECT count(*) AS events, sum(e.positivity_ppb) AS positivity"
    "  FROM emotional_events e"
    "  WHERE (SELECT consent FROM windows) AND e.user_id = $1"
    "    AND e.occurred_at >= (SELECT week FROM windows)"
    "    AND e.occurred_at < (SELECT week::date + 1 FROM windows)"
    "    AND e.occurred_at BETWEEN statement_timestamp() - interval '8 days'"
    "                          AND statement_timestamp() - interval '5 days'"
    "), ahead AS ("
    "  SELECT count(*) AS events, sum(e.positivity_ppb) AS positivity,"
    "         count(*) FILTER (WHERE e.stress_ppb >= $3::int) AS stress"
    "  FROM emotional_events e"
    "  WHERE (SELECT consent FROM windows) AND e.user_id = $1"
    "    AND e.occurred_at > (SELECT until FROM windows)"
    "    AND e.occurred_at < (SELECT until::date + 1 FROM windows)"
    "    AND e.occurred_at BETWEEN statement_timestamp() - interval '1 hour'"
    "                          AND statement_timestamp() + interval '25 hours'"
    "), totals AS ("
    "  SELECT coalesce(d.month_events, 0) + m.events - a.events AS month_events,"
    "         coalesce(d.month_stress, 0) + m.stress - a.stress AS month_stress,"
    "         coalesce(d.week_events, 0) + w.events - a.events AS week_events,"
    "         coalesce(d.week_positivity, 0) + coalesce(w.positivity, 0)"
    "           - coalesce(a.positivity, 0) AS week_positivity"
    "  FROM days d, month_edge m, week_edge w, ahead a"
    ") "
    "SELECT p.now, p.consent, s.transactions, s.average::float8,"
    "       CASE WHEN t.week_events > 0"
    "            THEN (t.week_positivity / (t.week_events * 1000000000.0))::float8 END,"
    "       CASE WHEN t.month_events > 0 THEN t.month_stress END,"
    "       recent.*"
    " FROM person p CROSS JOIN spent s CROSS JOIN totals t LEFT JOIN recent ON true",
};

const struct db_statement sql_decision = {
    "decision",
    "SELECT " DECISION_COLUMNS ","
    "       d.emotional_consent, (d.risk_score_without_emotions * 1000000)::bigint,"
    "       d.features, d.contributions" DECISIONS_WITH_OFFERS
    " WHERE d.user_id = $1 AND d.id = $2",
};

const struct db_statement sql_insert_decision = {
    "insert_decision",
    "INSERT INTO decisions (id, user_id, created_at, approved, risk_score,"
    "                       risk_score_without_emotions, features, contributions, reason_codes,"
    "                       reason, emotional_consent, model_version, policy_version, trace_id)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
};

// A new offer takes the place of any; a denial ($2 is false) does not take back what somebody
// offered after a review.
const struct db_statement sql_supersede_open_offer = {
    "supersede_open_offer",
    "UPDATE credit_limits SET status = 'superseded', updated_at = clock_timestamp()"
    " WHERE user_id = $1 AND status = 'offered' AND accepted_at IS NULL"
    "   AND ($2::boolean OR NOT by_review)",
};

const struct db_statement sql_insert_offer = {
    "insert_offer",
    "INSERT INTO credit_limits (id, user_id, decision_id, credit_limit, interest_rate, credit_type,"
    "                           created_at, updated_at, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
};

// A new sequence stands at its first value before nextval() has given it out.
const struct db_statement sql_cache_generation = {
    "cache_generation",
    "SELECT last_value + is_called::int FROM decision_cache_generation",
};

const struct db_statement sql_next_cache_generation = {
    "next_cache_generation",
    "SELECT nextval('decision_cache_generation')",
};

// Nothing happens when there is no such decision, or a review of it already.
const struct db_statement sql_request_review = {
    "request_review",
    "INSERT INTO reviews (user_id, decision_id, statement, requested_at)"
    " SELECT user_id, id, $3, clock_timestamp() FROM decisions WHERE user_id = $1 AND id = $2"
    " ON CONFLICT (user_id, decision_id) DO NOTHING",
};

const struct db_statement sql_review = {
    "review",
    "SELECT statement, requested_at, coalesce(outcome, 'requested'), explanation, resolved_at,"
    "       offer_id"
    " FROM reviews WHERE user_id = $1 AND decision_id = $2",
};

const struct db_statement sql_offer_state = {
    "offer_state",
    "SELECT status, accepted_at, expires_at FROM credit_limits WHERE user_id = $1 AND id = $2",
};

const struct db_statement sql_accept_offer = {
    "accept_offer",
    "UPDATE credit_limits"
    " SET accepted_at = $3, acceptance_trace_id = $4, updated_at = clock_timestamp()"
    " WHERE user_id = $1 AND id = $2 AND status = 'offered' AND accepted_at IS NULL",
};

const struct db_statement sql_expire_offer = {
    "expire_offer",
    "UPDATE credit_limits SET status = 'expired', updated_at = clock_timestamp()"
    " WHERE user_id = $1 AND id = $2 AND status = 'offered' AND accepted_at IS NULL",
};

// Behind a count of a person's rows: none, not zero, when there is no such account.
#define OF_AN_ACCOUNT " HAVING EXISTS (SELECT FROM users WHERE id = $1)"

const struct db_statement sql_count_offers = {
    "count_offers",
    "SELECT count(*) FROM credit_limits WHERE user_id = $1" OF_AN_ACCOUNT,
};

const struct db_statement sql_list_offers = {
    "list_offers",
    "SELECT id, " OFFER_STATUS ","
    "       (credit_limit * 100)::bigint, (interest_rate * 100)::bigint, credit_type,"
    "       created_at, expires_at, activated_at"
    " FROM credit_limits WHERE user_id = $1"
    " ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint",
};

// Also those that were published an hour ago and whose offers are not active yet: the broker may
// have lost their message, and an offer is activated once.
const struct db_statement sql_acceptances_to_publish = {
    "acceptances_to_publish",
    "SELECT id, user_id, acceptance_trace_id, credit_limit, interest_rate, credit_type, accepted_at"
    " FROM credit_limits"
    " WHERE accepted_at IS NOT NULL AND (acceptance_published_at IS NULL OR status = 'offered')"
    "   AND coalesce(acceptance_published_at, '-infinity') < now() - interval '1 hour'"
    " ORDER BY coalesce(acceptance_published_at, '-infinity'), accepted_at"
    " LIMIT 100 FOR UPDATE SKIP LOCKED",
};

const struct db_statement sql_mark_acceptances_published = {
    "mark_acceptances_published",
    "UPDATE credit_limits c SET acceptance_published_at = clock_timestamp()"
    " FROM unnest($1::uuid[], $2::uuid[]) AS published (user_id, id)"
    " WHERE c.user_id = published.user_id AND c.id = published.id",
};

// ---- what is held

const struct db_statement sql_emotional_days = {
    "emotional_days",
    "SELECT s.summary_date, s.event_count, s.stress_event_count,"
    "       s.avg_positivity_score, s.avg_intensity_score, s.avg_stress_level"
    " FROM users u"
    " LEFT JOIN emotional_events_summary s"
    "   ON s.user_id = u.id AND s.summary_date > (now() - make_interval(days => $2::int))::date"
    " WHERE u.id = $1"
    " ORDER BY s.summary_date DESC",
};

const struct db_statement sql_count_transactions = {
    "count_transactions",
    "SELECT count(*) FROM transactions WHERE user_id = $1" OF_AN_ACCOUNT,
};

const struct db_statement sql_list_transactions = {
    "list_transactions",
    "SELECT id, (amount * 100)::bigint, created_at"
    " FROM transactions WHERE user_id = $1"
    " ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint",
};

const struct db_statement sql_count_notifications = {
    "count_notifications",
    "SELECT count(*) FROM notifications WHERE user_id = $1" OF_AN_ACCOUNT,
};

const struct db_statement sql_list_notifications = {
    "list_notifications",
    "SELECT id, type, title, message, offer_id, created_at"
    " FROM notifications WHERE user_id = $1"
    " ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint",
};

// Ids are made one after the other under the lock of a person's activations.
const struct db_statement sql_newest_notification = {
    "newest_notification",
    "SELECT coalesce($2::uuid,"
    "                (SELECT id FROM notifications WHERE user_id = $1 ORDER BY id DESC LIMIT 1),"
    "                '00000000-0000-0000-0000-000000000000')"
    " FROM users WHERE id = $1",
};

const struct db_statement sql_new_notifications = {
    "new_notifications",
    "SELECT id, type, title, message, offer_id, created_at, place"
    " FROM unnest($1::bigint[], $2::uuid[], $3::uuid[]) AS stream (place, person, after)"
    " CROSS JOIN LATERAL (SELECT * FROM notifications WHERE user_id = person AND id > after"
    "                     ORDER BY id LIMIT 50) AS next"
    " ORDER BY place, id LIMIT 1000",
};

// ---- the export

// RFC 3339, as all instants of this API; sessions run in UTC.
#define INSTANT(column) "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define SHARE(column) "trim_scale(" column " * 0.000000001)"

// An array of a person's newest rows, at most so many: the document must fit into memory and
// through the gateway. And how many it leaves out.
#define NEWEST(rows, order, most)                                                                  \
    " ORDER BY " order " DESC), '[]')"                                                             \
    " FROM (SELECT * FROM " rows " WHERE user_id = $1 ORDER BY " order " DESC LIMIT " most         \
    ") AS r)"
#define EXPORTED "(SELECT coalesce(json_agg(json_build_object("
#define LEFT_OUT(rows, most)                                                                       \
    "(SELECT greatest(count(*) - " most ", 0) FROM " rows " WHERE user_id = $1)"
#define MANY "10000"
#define SOME "1000"
#define FEW "100" /* each has two texts of 2,000 characters */

// clang-format off
const struct db_statement sql_export = {
    "export",
    "SELECT json_build_object("
    "'exported_at', " INSTANT("now()") ","
    "'account', json_build_object("
    "  'id', u.id, 'email', u.email, 'created_at', " INSTANT("u.created_at") ","
    "  'updated_at', " INSTANT("u.updated_at") "),"
    "'consents', " EXPORTED
    "  'purpose', purpose, 'granted_at', " INSTANT("granted_at") ","
    "  'withdrawn_at', " INSTANT("withdrawn_at") ")"
       NEWEST("consents", "granted_at", SOME) ","
    "'emotional_events', " EXPORTED
    "  'event_id', event_id, 'timestamp', " INSTANT("occurred_at") ", 'type', emotion_type,"
    "  'positivity', " SHARE("positivity_ppb") ", 'intensity', " SHARE("intensity_ppb") ","
    "  'stress_level', " SHARE("stress_ppb") ")"
       NEWEST("emotional_events", "occurred_at", MANY) ","
    "'emotions_by_day', " EXPORTED
    "  'date', summary_date, 'event_count', event_count,"
    "  'stress_event_count', stress_event_count, 'avg_positivity_score', avg_positivity_score,"
    "  'avg_intensity_score', avg_intensity_score, 'avg_stress_level', avg_stress_level)"
       NEWEST("emotional_events_summary", "summary_date", SOME) ","
    "'transactions', " EXPORTED
    "  'transaction_id', id, 'amount', amount, 'occurred_at', " INSTANT("created_at") ")"
       NEWEST("transactions", "created_at", MANY) ","
    "'decisions', " EXPORTED
    "  'decision_id', id, 'decided_at', " INSTANT("created_at") ", 'approved', approved,"
    "  'ml_risk_score', risk_score,"
    "  'ml_risk_score_without_emotions', risk_score_without_emotions,"
    "  'emotional_consent', emotional_consent, 'features', features,"
    "  'contributions', contributions, 'reason', reason, 'reason_codes', reason_codes,"
    "  'model_version', model_version, 'policy_version', policy_version)"
       NEWEST("decisions", "created_at", SOME) ","
    "'reviews', " EXPORTED
    "  'decision_id', decision_id, 'status', coalesce(outcome, 'requested'),"
    "  'statement', statement, 'requested_at', " INSTANT("requested_at") ","
    "  'explanation', explanation, 'resolved_at', " INSTANT("resolved_at") ","
    "  'offer_id', offer_id)"
       NEWEST("reviews", "requested_at", FEW) ","
    "'offers', " EXPORTED
    "  'offer_id', id, 'decision_id', decision_id, 'status', status,"
    "  'credit_limit', credit_limit, 'interest_rate', interest_rate, 'credit_type', credit_type,"
    "  'created_at', " INSTANT("created_at") ", 'expires_at', " INSTANT("expires_at") ","
    "  'accepted_at', " INSTANT("accepted_at") ", 'activated_at', " INSTANT("activated_at") ")"
       NEWEST("credit_limits", "created_at", SOME) ","
    "'notifications', " EXPORTED
    "  'notification_id', id, 'type', type, 'title', title, 'message', message,"
    "  'offer_id', offer_id, 'created_at', " INSTANT("created_at") ")"
       NEWEST("notifications", "created_at", SOME) ","
    "'left_out', json_build_object("
    "  'consents', " LEFT_OUT("consents", SOME) ","
    "  'emotional_events', " LEFT_OUT("emotional_events", MANY) ","
    "  'emotions_by_day', " LEFT_OUT("emotional_events_summary", SOME) ","
    "  'transactions', " LEFT_OUT("transactions", MANY) ","
    "  'decisions', " LEFT_OUT("decisions", SOME) ","
    "  'reviews', " LEFT_OUT("reviews", FEW) ","
    "  'offers', " LEFT_OUT("credit_limits", SOME) ","
    "  'notifications', " LEFT_OUT("notifications", SOME) "))"
    " FROM users u WHERE u.id = $1",
};
// clang-format on
