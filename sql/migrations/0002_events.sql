-- What the workers make of the two streams.

-- The primary keys make ingestion idempotent: an event that comes twice is stored once.
CREATE TABLE transactions (
    id         uuid NOT NULL,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    amount     numeric(10, 2) NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);

CREATE INDEX transactions_by_time ON transactions (user_id, created_at) INCLUDE (amount);

-- Raw emotions, kept briefly. Metrics are whole billionths of the range 0..1, so that sums of them are
-- exact in any order. No foreign key, whose check would cost more than the insert: the worker
-- stores an event only beside a consent that holds, and whoever ends a consent or erases a
-- person first waits for every batch under way (advisory lock 'emotional_data').
CREATE TABLE emotional_events (
    event_id       uuid NOT NULL,
    user_id        uuid NOT NULL,
    occurred_at    timestamptz NOT NULL,
    emotion_type   text NOT NULL,
    positivity_ppb integer NOT NULL CHECK (positivity_ppb BETWEEN 0 AND 1000000000),
    intensity_ppb  integer NOT NULL CHECK (intensity_ppb BETWEEN 0 AND 1000000000),
    stress_ppb     integer NOT NULL CHECK (stress_ppb BETWEEN 0 AND 1000000000),
    PRIMARY KEY (user_id, event_id)
);

CREATE INDEX emotional_events_by_time ON emotional_events (user_id, occurred_at);
-- For retention: tiny, since events come about in the order of their time.
CREATE INDEX emotional_events_by_age ON emotional_events USING brin (occurred_at);

-- One row a person and day (UTC). The averages follow from the exact sums.
CREATE TABLE emotional_events_summary (
    user_id              uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    summary_date         date NOT NULL,
    avg_positivity_score numeric GENERATED ALWAYS AS (round(positivity_sum_ppb / (event_count * 1000000000.0), 9)) STORED,
    avg_intensity_score  numeric GENERATED ALWAYS AS (round(intensity_sum_ppb / (event_count * 1000000000.0), 9)) STORED,
    avg_stress_level     numeric GENERATED ALWAYS AS (round(stress_sum_ppb / (event_count * 1000000000.0), 9)) STORED,
    event_count          integer NOT NULL CHECK (event_count > 0),
    stress_event_count   integer NOT NULL CHECK (stress_event_count BETWEEN 0 AND event_count),
    positivity_sum_ppb   bigint NOT NULL,
    intensity_sum_ppb    bigint NOT NULL,
    stress_sum_ppb       bigint NOT NULL,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, summary_date)
) WITH (fillfactor = 50);
