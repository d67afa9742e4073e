-- Raw emotions by day, so that what is older than its retention goes as whole tables: at once, and without dead rows
-- that hold what was felt until vacuum comes.
--
-- An id must be one event on whatever days it comes, which a key of the days cannot say: it has to hold the
-- day. So ids stand in a table of their own, in two generations. New ones go to the current generation if neither
-- has them. Once all events that the older one names are gone, it is emptied and becomes the current one.

SELECT pg_advisory_xact_lock(hashtext('emotional_data')); -- no batch is under way, or both would wait for each other

ALTER TABLE emotional_events RENAME TO emotional_events_before;
ALTER INDEX emotional_events_pkey RENAME TO emotional_events_before_pkey;

CREATE TABLE emotional_events (
    event_id       uuid NOT NULL,
    user_id        uuid NOT NULL,
    occurred_at    timestamptz NOT NULL,
    emotion_type   text NOT NULL,
    positivity_ppb integer NOT NULL CONSTRAINT positivity_is_a_share CHECK (positivity_ppb BETWEEN 0 AND 1000000000),
    intensity_ppb  integer NOT NULL CONSTRAINT intensity_is_a_share CHECK (intensity_ppb BETWEEN 0 AND 1000000000),
    stress_ppb     integer NOT NULL CONSTRAINT stress_is_a_share CHECK (stress_ppb BETWEEN 0 AND 1000000000),
    PRIMARY KEY (user_id, occurred_at, event_id)
) PARTITION BY RANGE (occurred_at);

-- For days that have no table: nothing fails for want of one. Usually empty.
CREATE TABLE emotional_events_other PARTITION OF emotional_events DEFAULT;
CREATE INDEX emotional_events_other_by_age ON emotional_events_other (occurred_at);

-- The time leads to the event's row.
CREATE TABLE emotional_event_ids (
    user_id     uuid NOT NULL,
    event_id    uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    generation  smallint NOT NULL,
    PRIMARY KEY (user_id, event_id, generation)
) PARTITION BY LIST (generation);

-- Hardly anything is deleted, but that for good; pages seen early spare the older generation's lookups the rows.
CREATE TABLE emotional_event_ids_0 PARTITION OF emotional_event_ids FOR VALUES IN (0)
    WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE TABLE emotional_event_ids_1 PARTITION OF emotional_event_ids FOR VALUES IN (1)
    WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE emotional_event_generation (
    current smallint NOT NULL CHECK (current IN (0, 1)),
    since   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX emotional_event_generation_is_one ON emotional_event_generation ((true));
INSERT INTO emotional_event_generation (current) VALUES (0);

-- A table for one day (UTC), with what came before it.
CREATE FUNCTION make_day_of_emotions(day date) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := 'emotional_events_' || to_char(day::timestamp, 'YYYYMMDD');
BEGIN
    EXECUTE format('CREATE TABLE public.%I (LIKE public.emotional_events INCLUDING ALL)'
                   ' WITH (autovacuum_vacuum_scale_factor = 0.02)', name);
    EXECUTE format('WITH moved AS (DELETE FROM public.emotional_events_other'
                   '               WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)'
                   ' INSERT INTO public.%I SELECT * FROM moved', day, day + 1, name);
    EXECUTE format('ALTER TABLE public.emotional_events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   name, day, day + 1);
END
$$;

-- What the emotion worker asks for now and then: tables for the days to keep and the next ones, none for those
-- before, and the ids' generations. An event is kept for at most so many days, and for at least one less. Of
-- several callers one works, alone, with no batch under way; what is in use, by a backup say, waits for the next
-- time. Nothing old waits for a table to be made, which moves its events: one is made at a time, and none for a day
-- with too many, whose events stay without a table. Answers how many days were dropped, how many events of days
-- without a table were removed, whether it must wait, and whether there is more to do at once.
CREATE FUNCTION keep_days_of_emotions(retention_days integer,
                                      OUT dropped bigint, OUT removed bigint, OUT waits boolean, OUT more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
    at_once CONSTANT integer := 100000; -- events that are moved within a second
    today date := now();
    newest_gone date := (now() - make_interval(days => retention_days))::date;
    missing date;
    gone regclass[];
    ids_gone boolean;
    child regclass;
BEGIN
    dropped := 0;
    removed := 0;
    waits := false;
    more := false;
    IF retention_days NOT BETWEEN 31 AND 400 THEN
        RAISE 'emotions are kept for 31 to 400 days, not %: a decision needs those of 30 days', retention_days;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('emotional_retention')) THEN
        RETURN;
    END IF;
    missing := (SELECT day FROM (SELECT newest_gone + i AS day FROM generate_series(1, retention_days + 7) AS i) days
                WHERE to_regclass('public.emotional_events_' || to_char(day::timestamp, 'YYYYMMDD')) IS NULL
                  AND (SELECT count(*) <= at_once
                       FROM (SELECT FROM public.emotional_events_other
                             WHERE occurred_at >= day AND occurred_at < day + 1 LIMIT at_once + 1) AS held)
                ORDER BY day < today, day LIMIT 1);
    gone := ARRAY(SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                  WHERE i.inhparent = 'public.emotional_events'::regclass AND c.relname ~ '^emotional_events_\d{8}$'
                    AND to_date(right(c.relname::text, 8), 'YYYYMMDD') <= newest_gone);
    ids_gone := (SELECT since < now() - make_interval(days => retention_days + 1)
                 FROM public.emotional_event_generation);
    IF cardinality(gone) > 0 OR ids_gone OR missing IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('emotional_data'));
        PERFORM set_config('lock_timeout', '200ms', true);
        LOCK TABLE ONLY public.emotional_events IN ACCESS EXCLUSIVE MODE; -- before its parts, as analyses do
        IF ids_gone THEN
            EXECUTE format('TRUNCATE public.emotional_event_ids_%s',
                           (SELECT 1 - current FROM public.emotional_event_generation));
            UPDATE public.emotional_event_generation SET current = 1 - current, since = now();
        END IF;
        FOREACH child IN ARRAY gone LOOP
            EXECUTE format('DROP TABLE %s', child);
        END LOOP;
        dropped := cardinality(gone);
        IF missing IS NOT NULL AND dropped = 0 AND NOT ids_gone THEN
            PERFORM public.make_day_of_emotions(missing);
        END IF;
    END IF;
    DELETE FROM public.emotional_events_other WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM public.emotional_events_other
        WHERE occurred_at < now() - make_interval(days => retention_days) LIMIT 5000));
    GET DIAGNOSTICS removed = ROW_COUNT;
    more := missing IS NOT NULL OR removed > 0;
EXCEPTION WHEN lock_not_available THEN
    dropped := 0;
    removed := 0;
    waits := true;
    more := false;
END
$$;

-- What is held already. Rows without a table of their day are removed, or moved, by the worker.
INSERT INTO emotional_event_ids
    SELECT user_id, event_id, occurred_at, 0 FROM emotional_events_before ORDER BY user_id, event_id;
SELECT make_day_of_emotions(day::date) FROM generate_series(
    (SELECT greatest(least(min(occurred_at), now() - interval '34 days'), now() - interval '399 days')
     FROM emotional_events_before) AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' + interval '7 days', '1 day') AS day;
INSERT INTO emotional_events SELECT * FROM emotional_events_before;
DROP TABLE emotional_events_before;

GRANT SELECT, DELETE ON emotional_events, emotional_event_ids TO ecs_user_credit;
GRANT SELECT, INSERT ON emotional_events, emotional_event_ids TO ecs_emotion_worker;
GRANT SELECT ON emotional_event_generation TO ecs_emotion_worker;
REVOKE EXECUTE ON FUNCTION make_day_of_emotions, keep_days_of_emotions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_days_of_emotions TO ecs_emotion_worker;
