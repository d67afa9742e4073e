-- Of which emotions a consent is for, by when they were felt: a person's first consent for whatever is sent while
-- it holds, a later one for what is not older than it, or what a withdrawal deleted would come back with a message
-- that is read again. It stands in the index in which each batch of events finds the consents that hold.
ALTER TABLE consents ADD COLUMN covers_from timestamptz NOT NULL DEFAULT '-infinity';

UPDATE consents c SET covers_from = granted_at
    WHERE EXISTS (SELECT FROM consents h
                  WHERE h.user_id = c.user_id AND h.purpose = c.purpose AND h.granted_at < c.granted_at);

DROP INDEX consents_current;
CREATE UNIQUE INDEX consents_current ON consents (user_id, purpose) INCLUDE (covers_from)
    WHERE withdrawn_at IS NULL;
