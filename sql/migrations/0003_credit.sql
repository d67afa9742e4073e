-- Decisions, the offers that come of them, and what people are told.

-- Append-only: a decision can be explained from its row alone.
CREATE TABLE decisions (
    id                          uuid NOT NULL,
    user_id                     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    approved                    boolean NOT NULL,
    risk_score                  numeric(7, 6) NOT NULL CHECK (risk_score BETWEEN 0 AND 1),
    risk_score_without_emotions numeric(7, 6) NOT NULL CHECK (risk_score_without_emotions BETWEEN 0 AND 1),
    features                    jsonb NOT NULL, -- name to value, null when missing
    contributions               jsonb NOT NULL, -- name to log-odds
    reason_codes                text[] NOT NULL,
    reason                      text,
    emotional_consent           boolean NOT NULL,
    model_version               text NOT NULL,
    policy_version              text NOT NULL,
    trace_id                    text NOT NULL,
    created_at                  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CHECK (approved = (reason IS NULL))
);

CREATE INDEX decisions_by_time ON decisions (user_id, created_at DESC);

-- An offer, and once it is active the person's credit limit. An acceptance is its own outbox: it is published
-- from this row, and acceptance_published_at is set afterwards.
CREATE TABLE credit_limits (
    id                      uuid NOT NULL,
    user_id                 uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    decision_id             uuid NOT NULL,
    status                  text NOT NULL DEFAULT 'offered'
                            CHECK (status IN ('offered', 'active', 'expired', 'superseded')),
    credit_limit            numeric(15, 2) NOT NULL CHECK (credit_limit > 0),
    interest_rate           numeric(5, 2) NOT NULL CHECK (interest_rate >= 0),
    credit_type             text NOT NULL,
    expires_at              timestamptz NOT NULL,
    accepted_at             timestamptz,
    acceptance_trace_id     text,
    acceptance_published_at timestamptz,
    activated_at            timestamptz,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, decision_id) REFERENCES decisions (user_id, id) ON DELETE CASCADE,
    CHECK (accepted_at <= expires_at),
    CHECK (status <> 'active' OR (accepted_at IS NOT NULL AND activated_at IS NOT NULL))
);

CREATE INDEX credit_limits_by_time ON credit_limits (user_id, created_at DESC, id);
-- One offer of a person can be open, and one credit active.
CREATE UNIQUE INDEX credit_limits_open ON credit_limits (user_id)
    WHERE status = 'offered' AND accepted_at IS NULL;
CREATE UNIQUE INDEX credit_limits_active ON credit_limits (user_id) WHERE status = 'active';
CREATE INDEX credit_limits_outbox ON credit_limits (accepted_at)
    WHERE accepted_at IS NOT NULL AND acceptance_published_at IS NULL;

-- A notification is its own outbox too, and an offer's activation is told once.
CREATE TABLE notifications (
    id           uuid NOT NULL,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    offer_id     uuid NOT NULL,
    type         text NOT NULL,
    title        text NOT NULL,
    message      text NOT NULL,
    trace_id     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    PRIMARY KEY (user_id, id),
    UNIQUE (user_id, offer_id, type)
);

CREATE INDEX notifications_outbox ON notifications (created_at) WHERE published_at IS NULL;
