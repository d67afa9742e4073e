-- What operators are shown of everybody: figures of groups of people, made once of each day (UTC) that is over, and
-- never changed. A group is what people of one day have in common.
CREATE TABLE insights (
    topic   text NOT NULL,
    day     date NOT NULL,
    part    jsonb NOT NULL, -- which of the day's people
    people  integer NOT NULL CONSTRAINT nobody_stands_out CHECK (people >= 10),
    figures jsonb NOT NULL,
    PRIMARY KEY (topic, day, part)
);

-- The days that were made, those without a group to show among them.
CREATE TABLE insight_days (
    topic   text NOT NULL,
    day     date NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, day)
);

GRANT SELECT, INSERT ON insights, insight_days TO ecs_user_credit;

-- The rows of a day, of all people. Tiny, and hardly anything to keep: rows come about in the order of their time.
CREATE INDEX emotional_events_summary_by_day ON emotional_events_summary USING brin (summary_date)
    WITH (autosummarize = on);
CREATE INDEX decisions_by_day ON decisions USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX credit_limits_by_day ON credit_limits USING brin (created_at) WITH (autosummarize = on);
