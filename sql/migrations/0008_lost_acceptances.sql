-- An acceptance waits in its outbox until it is published, and again when its offer has not become active an hour
-- later: the broker may have lost the message.
DROP INDEX credit_limits_outbox;
CREATE INDEX credit_limits_outbox ON credit_limits (coalesce(acceptance_published_at, '-infinity'), accepted_at)
    WHERE accepted_at IS NOT NULL AND (acceptance_published_at IS NULL OR status = 'offered');
