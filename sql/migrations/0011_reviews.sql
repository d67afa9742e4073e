-- An offer may be a reviewer's: then it hangs on the reviewed decision, beside the one that the decision itself may
-- have made. First of all, since analyses read this table before they lock the other.
ALTER TABLE credit_limits ADD COLUMN by_review boolean NOT NULL DEFAULT false;

-- A person contests a decision, and somebody of the bank decides anew: one review a decision. It goes with its decision.
CREATE TABLE reviews (
    user_id      uuid NOT NULL,
    decision_id  uuid NOT NULL,
    statement    text CHECK (char_length(statement) BETWEEN 1 AND 2000), -- the person's point of view
    requested_at timestamptz NOT NULL DEFAULT now(),
    outcome      text CHECK (outcome IN ('upheld', 'overturned')), -- NULL while it is open
    explanation  text CHECK (char_length(explanation) BETWEEN 1 AND 2000), -- the reviewer's, for the person
    reviewer     text CHECK (char_length(reviewer) BETWEEN 1 AND 200), -- who answers for it; the person is not told
    reviewer_role text, -- whose login it was
    offer_id     uuid, -- made by an overturned decision
    resolved_at  timestamptz,
    PRIMARY KEY (user_id, decision_id),
    FOREIGN KEY (user_id, decision_id) REFERENCES decisions (user_id, id) ON DELETE CASCADE,
    CHECK (num_nulls(outcome, explanation, reviewer, reviewer_role, resolved_at) IN (0, 5)),
    CHECK ((offer_id IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'overturned'))
);

CREATE INDEX reviews_by_decision ON reviews (decision_id);

-- What a reviewer may see: the decisions that people contested, and nothing of anybody else's.
CREATE VIEW contested_decisions WITH (security_barrier) AS
SELECT r.decision_id, r.user_id, r.requested_at, r.statement, coalesce(r.outcome, 'requested') AS status, r.explanation,
       r.reviewer, r.reviewer_role, r.resolved_at, r.offer_id, d.created_at AS decided_at, d.approved, d.risk_score,
       d.risk_score_without_emotions, d.emotional_consent, d.features, d.contributions, d.reason, d.reason_codes,
       d.model_version, d.policy_version
FROM reviews r JOIN decisions d ON d.user_id = r.user_id AND d.id = r.decision_id;

-- Resolves an open review under the person's lock, as analyses and the erasure take it. An overturned decision comes
-- with an offer, which takes the place of the open one. False when there is no open review of that decision.
CREATE FUNCTION resolve_review(decision uuid, new_outcome text, new_explanation text, new_reviewer text, new_offer uuid,
                               new_limit numeric, new_rate numeric, new_type text, days integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person uuid;
    made_at timestamptz;
BEGIN
    IF new_offer IS NOT NULL AND (
            new_limit BETWEEN 0.01 AND 9999999999999.99 AND new_rate BETWEEN 0 AND 100 AND days BETWEEN 1 AND 365
            AND new_type IN ('LONG_TERM_PERSONAL_LOAN', 'SHORT_TERM_PERSONAL_LOAN')) IS NOT TRUE THEN
        RAISE EXCEPTION 'these are no terms for an offer' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT user_id INTO person FROM public.reviews WHERE decision_id = decision;
    PERFORM pg_advisory_xact_lock(hashtextextended(person::text, 0));
    made_at := clock_timestamp();
    UPDATE public.reviews
    SET outcome = new_outcome, explanation = new_explanation, reviewer = new_reviewer, reviewer_role = session_user,
        offer_id = new_offer, resolved_at = made_at
    WHERE user_id = person AND decision_id = decision AND outcome IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF new_offer IS NOT NULL THEN
        UPDATE public.credit_limits SET status = 'superseded', updated_at = made_at
        WHERE user_id = person AND status = 'offered' AND accepted_at IS NULL;
        INSERT INTO public.credit_limits (id, user_id, decision_id, by_review, credit_limit, interest_rate, credit_type,
                                          created_at, updated_at, expires_at)
        VALUES (new_offer, person, decision, true, new_limit, new_rate, new_type, made_at, made_at,
                made_at + make_interval(days => days));
    END IF;
    RETURN true;
END
$$;

-- Whoever migrates may have no right to make roles; then it was made before, as the others were (0004).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ecs_reviewer') THEN
        CREATE ROLE ecs_reviewer NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- made at the same moment by the migration of another database
END
$$;

REVOKE EXECUTE ON FUNCTION resolve_review FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ecs_reviewer;
GRANT SELECT ON contested_decisions TO ecs_reviewer;
GRANT EXECUTE ON FUNCTION resolve_review TO ecs_reviewer;
GRANT SELECT, INSERT (user_id, decision_id, statement, requested_at) ON reviews TO ecs_user_credit;
