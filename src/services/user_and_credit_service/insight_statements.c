// SPDX-License-Identifier: Apache-2.0
// Figures of everybody, by the rules of docs/decisions/0026-insights.md. Sessions run in UTC, and
// so do days.
#include "services/user_and_credit_service/insight_statements.h"

#include "services/user_and_credit_service/statements.h"

// A day that was not made yet, of the last so many ($2); the latest was so many ($3) days ago and
// has been over for six hours. Any of them: one that fails again and again holds up no other.
const struct db_statement sql_day_without_insights = {
    "day_without_insights",
    "SELECT day::date FROM generate_series("
    "  (now() - make_interval(days => $2::int - 1))::date,"
    "  (now() - make_interval(days => $3::int, hours => 6))::date, interval '1 day') AS days (day)"
    " WHERE NOT EXISTS (SELECT FROM insight_days i WHERE i.topic = $1 AND i.day = days.day::date)"
    " ORDER BY random() LIMIT 1",
};

// Makes the groups of a day ($1), once: whoever comes second waits for the first, and adds nothing.
// Each person is one row of `facts` for each of their groups, and so counts once however much there
// is of them. A group has ten people or more, and what else `shown` asks for.
#define MAKE_INSIGHTS(topic, facts, figures, shown)                                                \
    "WITH turn AS ("                                                                               \
    "  INSERT INTO insight_days (topic, day) VALUES ('" topic "', $1::date)"                       \
    "  ON CONFLICT DO NOTHING RETURNING day"                                                       \
    "), " facts ", groups AS ("                                                                    \
    "  SELECT f.part, count(*) AS people, jsonb_build_object(" figures ") AS figures"              \
    "  FROM facts f GROUP BY f.part"                                                               \
    ") "                                                                                           \
    "INSERT INTO insights (topic, day, part, people, figures)"                                     \
    " SELECT '" topic "', turn.day, part, people, figures FROM groups CROSS JOIN turn"             \
    " WHERE people >= 10 AND " shown

// Where groups are parts of a whole: or who knows the total could work out the one that is missing.
#define WHOLE_OR_NOT_AT_ALL "(SELECT min(people) FROM groups) >= 10"

#define IN_THE_DAY(column) column " >= $1::date AND " column " < $1::date + 1"

// Of decisions that rest on emotions, those whose consent still holds.
#define DECISIONS_OF_THE_DAY                                                                       \
    " FROM decisions d"                                                                            \
    " WHERE " IN_THE_DAY(                                                                          \
        "d.created_at") "   AND (NOT d.emotional_consent OR EXISTS ("                              \
                        "     SELECT FROM consents c WHERE c.user_id = d.user_id AND c.purpose = " \
                        "'emotional_data'"                                                         \
                        "     AND c.withdrawn_at IS NULL AND c.granted_at <= d.created_at))"

const struct db_statement sql_make_emotion_insights = {
    "make_emotion_insights",
    MAKE_INSIGHTS("emotions",
                  "facts AS (SELECT '{}'::jsonb AS part, avg_positivity_score, avg_intensity_score,"
                  "       avg_stress_level"
                  " FROM emotional_events_summary WHERE summary_date = $1::date)",
                  "'avg_positivity_score', round(avg(f.avg_positivity_score), 3),"
                  "'avg_intensity_score', round(avg(f.avg_intensity_score), 3),"
                  "'avg_stress_level', round(avg(f.avg_stress_level), 3)",
                  "true"),
};

// Whether the emotions changed the outcome is known of decisions under the present policy (its
// version is $2, and it denies scores above so many ($3) millionths), and is told where ten people
// or more are in each group then.
const struct db_statement sql_make_decision_insights = {
    "make_decision_insights",
    MAKE_INSIGHTS(
        "decisions",
        "outcomes AS ("
        "  SELECT d.user_id, d.risk_score, d.approved, CASE WHEN d.policy_version = $2"
        "         THEN d.risk_score_without_emotions * 1000000 <= $3::int END AS "
        "without" DECISIONS_OF_THE_DAY "), detail AS ("
        "  SELECT min(people) >= 10 AS is_told FROM (SELECT count(DISTINCT user_id) AS people"
        "                                            FROM outcomes"
        "                                            GROUP BY approved, without) AS each"
        "), facts AS ("
        "  SELECT user_id, avg(risk_score) AS risk_score,"
        "         jsonb_build_object('approved', approved, 'approved_without_emotions',"
        "                            CASE WHEN is_told THEN without END) AS part"
        "  FROM outcomes CROSS JOIN detail GROUP BY user_id, 3)",
        "'avg_risk_score', round(avg(f.risk_score), 3)", WHOLE_OR_NOT_AT_ALL),
};

// Ten others were denied without the reason: what all have in common, each one has.
const struct db_statement sql_make_reason_insights = {
    "make_reason_insights",
    MAKE_INSIGHTS(
        "reasons",
        "facts AS (SELECT DISTINCT user_id, jsonb_build_object('reason_code', code) AS part"
        " FROM (SELECT d.user_id, unnest(d.reason_codes) AS code" DECISIONS_OF_THE_DAY ") AS each)",
        "", "(SELECT count(DISTINCT user_id) FROM facts) - people >= 10"),
};

// Without those of reviewers, which stand for as long as they choose.
const struct db_statement sql_make_offer_insights = {
    "make_offer_insights",
    MAKE_INSIGHTS("offers",
                  "facts AS (SELECT DISTINCT user_id, jsonb_build_object("
                  "                 'credit_type', credit_type, 'status', " OFFER_STATUS ") AS part"
                  " FROM credit_limits WHERE NOT by_review AND " IN_THE_DAY("created_at") ")",
                  "", WHOLE_OR_NOT_AT_ALL),
};

const struct db_statement sql_insights = {
    "insights",
    "SELECT coalesce(json_agg(jsonb_build_object('date', day, 'people', people) || part || figures"
    "                         ORDER BY day DESC, part), '[]')"
    " FROM insights WHERE topic = $1 AND day > (now() - make_interval(days => $2::int))::date",
};
