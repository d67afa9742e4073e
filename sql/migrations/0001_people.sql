-- Who the system knows, and what each person allowed.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- Emails are compared without case.
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- A consent is a period: it holds from granted_at until withdrawn_at, and its rows are its history.
CREATE TABLE consents (
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose      text NOT NULL CHECK (purpose = 'emotional_data'),
    granted_at   timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz,
    PRIMARY KEY (user_id, purpose, granted_at),
    CHECK (withdrawn_at >= granted_at)
);

-- At most one consent of a person for a purpose holds at a time.
CREATE UNIQUE INDEX consents_current ON consents (user_id, purpose) WHERE withdrawn_at IS NULL;
