-- What a person had deleted and is not gone yet, since it is very much: user-and-credit-service goes on with it until
-- it is, whatever became of the request and of the process that began. An account that goes takes its row along.
CREATE TABLE unfinished_deletions (
    user_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    what     text NOT NULL CHECK (what IN ('emotions', 'account')),
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, what)
);

GRANT SELECT, INSERT, DELETE ON unfinished_deletions TO ecs_user_credit;
