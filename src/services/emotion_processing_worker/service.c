// SPDX-License-Identifier: Apache-2.0
// A batch of the stream becomes one statement: raw events that are new and allowed, and their daily
// sums.
#include "services/emotion_processing_worker/service.h"

#include "events/emotion_json.h"
#include "platform/bus/streams.h"
#include "platform/memory.h"
#include "services/emotion_processing_worker/retention.h"
#include "services/worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Whoever ends a consent takes this lock alone and so waits for every batch under way; a batch
// that begins afterwards sees that the consent is gone.
static const struct db_statement lock_consents = {
    "lock_consents",
    "SELECT pg_advisory_xact_lock_shared(hashtext('emotional_data'))",
};

// The consents that hold, for what they cover. Both stand in one index; a question of its own for
// each event would have PostgreSQL read all consents for every batch.
#define JOIN_CONSENTS                                                                              \
    " JOIN consents c ON c.user_id = b.user_id AND c.purpose = 'emotional_data'"                   \
    " AND c.withdrawn_at IS NULL AND b.occurred_at >= c.covers_from"

// An event is new if neither generation of ids has its own (migration 0009). Ids are looked up, and
// rows stored, in the order of the index.
#define STORE_EMOTIONS(allowed_once, where_an_id_is_there, that_are_new)                           \
    "WITH batch AS ("                                                                              \
    "  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[],"                \
    "                       $5::int4[], $6::int4[], $7::int4[])"                                   \
    "    AS b (event_id, user_id, occurred_at, emotion_type,"                                      \
    "          positivity_ppb, intensity_ppb, stress_ppb)"                                         \
    "), allowed AS ("                                                                              \
    "  SELECT b.* FROM batch b" JOIN_CONSENTS "), unseen AS ("                                     \
    "  SELECT * FROM " allowed_once " a"                                                           \
    "  WHERE NOT EXISTS (SELECT FROM emotional_event_ids i"                                        \
    "                    WHERE i.user_id = a.user_id AND i.event_id = a.event_id"                  \
    "                      AND i.generation = (SELECT 1 - current FROM "                           \
    "emotional_event_generation))"                                                                 \
    "), named AS ("                                                                                \
    "  INSERT INTO emotional_event_ids (user_id, event_id, occurred_at, generation)"               \
    "  SELECT user_id, event_id, occurred_at, (SELECT current FROM emotional_event_generation)"    \
    "  FROM unseen ORDER BY user_id, event_id" where_an_id_is_there "), stored AS ("               \
    "  INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type,"                \
    "                                positivity_ppb, intensity_ppb, stress_ppb)"                   \
    "  SELECT event_id, user_id, occurred_at, emotion_type,"                                       \
    "         positivity_ppb, intensity_ppb, stress_ppb"                                           \
    "  FROM unseen" that_are_new                                                                   \
    "  RETURNING user_id, occurred_at, positivity_ppb, intensity_ppb, stress_ppb"                  \
    "), summed AS ("                                                                               \
    "  INSERT INTO emotional_events_summary AS s"                                                  \
    "    (user_id, summary_date, event_count, stress_event_count,"                                 \
    "     positivity_sum_ppb, intensity_sum_ppb, stress_sum_ppb)"                                  \
    "  SELECT user_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*),"                          \
    "         count(*) FILTER (WHERE stress_ppb >= $8::int4),"                                     \
    "         sum(positivity_ppb), sum(intensity_ppb), sum(stress_ppb)"                            \
    "  FROM stored GROUP BY 1, 2 ORDER BY 1, 2"                                                    \
    "  ON CONFLICT (user_id, summary_date) DO UPDATE SET"                                          \
    "    event_count = s.event_count + excluded.event_count,"                                      \
    "    stress_event_count = s.stress_event_count + excluded.stress_event_count,"                 \
    "    positivity_sum_ppb = s.positivity_sum_ppb + excluded.positivity_sum_ppb,"                 \
    "    intensity_sum_ppb = s.intensity_sum_ppb + excluded.intensity_sum_ppb,"                    \
    "    stress_sum_ppb = s.stress_sum_ppb + excluded.stress_sum_ppb,"                             \
    "    updated_at = now()"                                                                       \
    ") "                                                                                           \
    "SELECT (SELECT count(*) FROM allowed), (SELECT count(*) FROM stored),"                        \
    "       CASE WHEN (SELECT count(*) FROM allowed) < (SELECT count(*) FROM batch) THEN"          \
    "       " WORKER_UNKNOWN_PEOPLE " END"

// The count has PostgreSQL add the ids first, as below: so threads lock in one order, and an id
// that is there fails the batch before anything else is written.
static const struct db_statement store_emotions_if_all_new = {
    "store_emotions_if_all_new",
    STORE_EMOTIONS("(SELECT * FROM allowed ORDER BY user_id, event_id)", " RETURNING 1",
                   " WHERE (SELECT count(*) FROM named) >= 0"),
};

// IS TRUE has PostgreSQL hash the ids that were added: it takes them for a few, and as a join
// compared each with each.
static const struct db_statement store_new_emotions = {
    "store_new_emotions",
    STORE_EMOTIONS("(SELECT DISTINCT ON (user_id, event_id) * FROM allowed"
                   " ORDER BY user_id, event_id)",
                   " ON CONFLICT (user_id, event_id, generation) DO NOTHING"
                   " RETURNING user_id, event_id",
                   " WHERE ((user_id, event_id) IN (SELECT user_id, event_id FROM named)) IS TRUE"),
};

// Not by its time, which some senders stamp anew with each attempt. OFFSET 0 has PostgreSQL look
// each up by its key: otherwise it reads all events of the person.
static const struct db_statement mistaken_emotions = {
    "mistaken_emotions",
    "SELECT b.line - 1"
    " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[],"
    "             $5::int4[], $6::int4[], $7::int4[]) WITH ORDINALITY"
    "   AS b (event_id, user_id, occurred_at, emotion_type,"
    "         positivity_ppb, intensity_ppb, stress_ppb, line)"
    " JOIN emotional_event_ids i ON i.user_id = b.user_id AND i.event_id = b.event_id"
    " CROSS JOIN LATERAL ("
    "   SELECT * FROM emotional_events e WHERE e.user_id = i.user_id"
    "   AND e.occurred_at = i.occurred_at AND e.event_id = i.event_id OFFSET 0) e" JOIN_CONSENTS
    " WHERE (e.emotion_type, e.positivity_ppb, e.intensity_ppb, e.stress_ppb) IS DISTINCT FROM"
    "       (b.emotion_type, b.positivity_ppb, b.intensity_ppb, b.stress_ppb)",
};

enum column {
    EVENT_ID,
    USER_ID,
    OCCURRED_AT,
    EMOTION_TYPE,
    POSITIVITY,
    INTENSITY,
    STRESS,
    COLUMN_COUNT
};

struct emotion_worker {
    struct worker *worker;
    struct retention *retention;
    struct counter *stored;
    struct counter *repeated;
    struct counter *without_consent;
};

static bool read_event(struct db_array *columns, const char *line, size_t length,
                       struct uuid *ret_person, const char **ret_reason)
{
    struct emotion_event event;
    if (!emotion_from_line(line, length, &event, ret_reason)) {
        return false;
    }
    db_array_add_uuid(&columns[EVENT_ID], &event.event_id);
    db_array_add_uuid(&columns[USER_ID], &event.user_id);
    db_array_add_timestamp(&columns[OCCURRED_AT], event.occurred_at);
    db_array_add_text(&columns[EMOTION_TYPE], event.type, strlen(event.type));
    db_array_add_int4(&columns[POSITIVITY], event.positivity);
    db_array_add_int4(&columns[INTENSITY], event.intensity);
    db_array_add_int4(&columns[STRESS], event.stress_level);
    *ret_person = event.user_id;
    return true;
}

static void count_events(void *state, const struct worker_outcome *outcome)
{
    const struct emotion_worker *service = state;
    counter_add(service->stored, outcome->stored);
    counter_add(service->repeated, outcome->allowed - outcome->stored);
    counter_add(service->without_consent, outcome->known - outcome->allowed);
}

static const struct worker_rules rules = {
    .name = "emotion-processing-worker",
    .column_count = COLUMN_COUNT,
    .column_kinds = {DB_UUIDS, DB_UUIDS, DB_TIMESTAMPS, DB_TEXTS, DB_INT4S, DB_INT4S, DB_INT4S},
    .read = read_event,
    .lock = &lock_consents,
    .store_if_all_new = &store_emotions_if_all_new,
    .store_what_is_new = &store_new_emotions,
    .mistaken = &mistaken_emotions,
    .count = count_events,
};

static void make_counters(struct emotion_worker *service, struct metrics *metrics)
{
    service->stored =
        metrics_counter(metrics, "ecs_emotions_stored_total", NULL, "Emotion events stored.");
    service->repeated = metrics_counter(metrics, "ecs_emotions_repeated_total", NULL,
                                        "Emotion events that were stored before.");
    service->without_consent = metrics_counter(
        metrics, "ecs_emotions_without_consent_total", NULL,
        "Emotion events dropped because their person did not consent, or was erased.");
}

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    struct retention *retention = retention_start(environment, error);
    if (retention == NULL) {
        return NULL;
    }
    struct emotion_worker *service = memory_zeroed(1, sizeof *service);
    double threshold = config_decimal(environment->config, SETTING_STRESS_THRESHOLD);
    char billionths[24];
    snprintf(billionths, sizeof billionths, "%ld", lround(threshold * METRIC_ONE));
    service->retention = retention;
    service->worker = worker_new(&rules, service, environment, billionths);
    make_counters(service, environment->metrics);
    return service;
}

static void stop(void *state)
{
    struct emotion_worker *service = state;
    retention_stop(&service->retention);
    worker_free(&service->worker);
    free(service);
}

static void *open_thread(void *state)
{
    const struct emotion_worker *service = state;
    return worker_open(service->worker);
}

static const struct consumer_spec consumer = {
    .stream = STREAM_EMOTIONS,
    .durable = "emotion-processing-worker",
    .subject = SUBJECT_EMOTIONS,
    .handle = worker_handle,
    .open = open_thread,
    .close = worker_close,
};

const struct service emotion_processing_worker = {
    .name = "emotion-processing-worker",
    .needs = NEEDS_BUS | NEEDS_DATABASE,
    .listen = SETTING_COUNT,
    .url = SETTING_COUNT,
    .database = SETTING_EMOTION_WORKER_DATABASE_URL,
    .broker = SETTING_EMOTION_WORKER_NATS_URL,
    .start = start,
    .stop = stop,
    .consumer = &consumer,
    .many_consumers = true,
};
