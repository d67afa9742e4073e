-- Cached answers of an earlier generation no longer count. It moves on when the cache could not confirm that a
-- person's answer was removed, so that a decision made before a change of consent never comes back.
CREATE SEQUENCE decision_cache_generation;

GRANT SELECT, USAGE ON SEQUENCE decision_cache_generation TO ecs_user_credit;
