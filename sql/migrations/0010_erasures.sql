-- Who was erased: the id and the time, nothing else. By it workers drop what a stream still holds of the person, the
-- tokens are refused until they run out, and a database that was restored from a backup can be put right again.
-- No foreign key: the account is gone.
CREATE TABLE erasures (
    user_id   uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX erasures_by_time ON erasures (erased_at);

-- Both an offer and its decision hang on the account, and are made in one transaction. Between the two a foreign key
-- would look for offers with every decision that goes: by the person, since most have a handful, and so through all of
-- somebody's thousands each time.
ALTER TABLE credit_limits DROP CONSTRAINT credit_limits_user_id_decision_id_fkey;

-- Whoever erases a person with very many rows does it by portions first, each short enough for a statement's deadline
-- and kept once it is committed. Deletes the first so many rows of each kind, 10,000 at least, if there are as many;
-- answers whether it deleted anything, so that there may be more.
CREATE FUNCTION erase_portion(person uuid, rows integer) RETURNS boolean LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH of_transactions AS (
        DELETE FROM public.transactions WHERE user_id = person AND id <= (
            SELECT id FROM public.transactions WHERE user_id = person ORDER BY id OFFSET greatest(rows, 10000) - 1 LIMIT 1) RETURNING 1
    ), of_notifications AS (
        DELETE FROM public.notifications WHERE user_id = person AND id <= (
            SELECT id FROM public.notifications WHERE user_id = person ORDER BY id OFFSET greatest(rows, 10000) - 1 LIMIT 1) RETURNING 1
    ), of_offers AS (
        DELETE FROM public.credit_limits WHERE user_id = person AND id <= (
            SELECT id FROM public.credit_limits WHERE user_id = person ORDER BY id OFFSET greatest(rows, 10000) - 1 LIMIT 1) RETURNING 1
    ), of_decisions AS (
        DELETE FROM public.decisions WHERE user_id = person AND id <= (
            SELECT id FROM public.decisions WHERE user_id = person ORDER BY id OFFSET greatest(rows, 10000) - 1 LIMIT 1) RETURNING 1
    )
    SELECT EXISTS (SELECT FROM of_transactions) OR EXISTS (SELECT FROM of_notifications)
        OR EXISTS (SELECT FROM of_offers) OR EXISTS (SELECT FROM of_decisions)
$$;

-- Erases a person, in the caller's transaction. Rows that others may hold are taken first, in the order in which the
-- credit worker takes them; then no batch of emotions is under way (0009), and none that begins later finds a consent.
CREATE FUNCTION erase_person(person uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('activation ' || person::text, 0));
    DELETE FROM public.notifications WHERE user_id = person;
    DELETE FROM public.credit_limits WHERE user_id = person;
    DELETE FROM public.decisions WHERE user_id = person;
    DELETE FROM public.transactions WHERE user_id = person;
    PERFORM pg_advisory_xact_lock(hashtext('emotional_data'));
    DELETE FROM public.emotional_events WHERE user_id = person;
    DELETE FROM public.emotional_event_ids WHERE user_id = person;
    INSERT INTO public.erasures (user_id, erased_at) VALUES (person, clock_timestamp())
        ON CONFLICT (user_id) DO UPDATE SET erased_at = excluded.erased_at;
    DELETE FROM public.users WHERE id = person; -- what is left hangs on it: consents, daily sums
END
$$;

REVOKE EXECUTE ON FUNCTION erase_portion, erase_person FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_portion, erase_person TO ecs_user_credit;
GRANT SELECT ON erasures TO ecs_user_credit, ecs_emotion_worker, ecs_transaction_worker, ecs_credit_worker;
