-- One role a service, with what it needs and nothing else. The roles cannot log in by themselves: whoever
-- runs the database gives them a password (ALTER ROLE ... LOGIN PASSWORD) or makes members of them.
DO $$
DECLARE
    service_role text;
BEGIN
    FOREACH service_role IN ARRAY ARRAY['ecs_user_credit', 'ecs_emotion_worker',
                                        'ecs_transaction_worker', 'ecs_credit_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', service_role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made at the same moment by the migration of another database
            END;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO ecs_user_credit, ecs_emotion_worker, ecs_transaction_worker, ecs_credit_worker;

GRANT SELECT, INSERT ON users, decisions TO ecs_user_credit;
GRANT SELECT, INSERT, UPDATE ON consents, credit_limits TO ecs_user_credit;
GRANT SELECT ON transactions, notifications TO ecs_user_credit;
GRANT SELECT, DELETE ON emotional_events, emotional_events_summary TO ecs_user_credit;

GRANT SELECT (id) ON users TO ecs_emotion_worker, ecs_transaction_worker;
GRANT SELECT ON consents TO ecs_emotion_worker;
GRANT SELECT, INSERT, DELETE ON emotional_events TO ecs_emotion_worker;
GRANT SELECT, INSERT, UPDATE ON emotional_events_summary TO ecs_emotion_worker;

GRANT SELECT, INSERT ON transactions TO ecs_transaction_worker;

GRANT SELECT, UPDATE (status, activated_at, updated_at) ON credit_limits TO ecs_credit_worker;
GRANT SELECT, INSERT, UPDATE (published_at) ON notifications TO ecs_credit_worker;
