# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL asks for patience: locked tables, deadlocks, serialization failures, a server that
hangs. Everything is tried again, within deadlines."""

import json
import os
import signal
import time
import uuid

import psycopg2
import pytest

from harness.offers import offers_of
from harness.people import PASSWORD, emotion, new_email, people_in_database
from harness.process import children
from harness.waiting import poll

LOCKED_SECONDS = 10


def deadlocks(db):
    return db("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]


def test_tables_locked_for_ten_seconds_cost_time_and_nothing_else(topology, engines, load, person):
    someone = person()
    blocker = engines.connect()
    blocker.autocommit = False
    with load() as running:
        running.wait_for(200)
        with blocker.cursor() as cursor:
            cursor.execute("LOCK TABLE emotional_events, transactions, decisions IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answer = someone.analyse()
        # Three tries of three seconds each, and what else lies in between.
        assert answer.elapsed.total_seconds() < 10.5
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) >= 1
        while time.monotonic() < began + LOCKED_SECONDS:
            running.wait_for(50)
        blocker.rollback()
        blocker.close()
        poll(lambda: someone.analyse().status_code == 200, 10)
        running.wait_for(100)
    running.check()
    assert running.codes[503] == 0, "ingestion does not wait for a table"


def test_a_worker_that_loses_a_deadlock_tries_again(engines, load, db):
    before = deadlocks(db)
    with load(kinds=["emotion"], people=4, threads=6) as running:
        running.wait_for(300)
        rows = poll(lambda: db(
            "SELECT user_id, summary_date FROM emotional_events_summary WHERE user_id = ANY(%s::uuid[])"
            " ORDER BY user_id, summary_date", running.people,
        ))  # fmt: skip
        blocker = engines.connect()
        blocker.autocommit = False
        lock = "SELECT 1 FROM emotional_events_summary WHERE user_id = %s AND summary_date = %s FOR UPDATE"
        deadline = time.monotonic() + 60
        while deadlocks(db) == before:
            assert time.monotonic() < deadline, "no deadlock came about"
            with blocker.cursor() as cursor:
                # Who waits longest finds the deadlock: not this one.
                cursor.execute("SET LOCAL lock_timeout = '20s'")
                # In the opposite order of the worker's.
                for row in reversed(rows):
                    try:
                        cursor.execute(lock, row)
                    except psycopg2.OperationalError:
                        break
            blocker.rollback()
        blocker.close()
        running.wait_for(300)
    running.check()


def test_a_batch_that_waits_for_a_lock_stops_no_other(engines, nats, db):
    """Of a steady stream one thread stores at a time; one that is stuck is passed after a moment."""
    stuck, free = people_in_database(db, 2)
    stored = lambda who: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", who)[0][0]  # noqa: E731
    feel = lambda who: nats.publish("user.emotions.topic", json.dumps(emotion(who, event_id=str(uuid.uuid4()))))  # noqa: E731
    feel(stuck)
    poll(lambda: stored(stuck) == 1)
    blocker = engines.connect()
    blocker.autocommit = False
    try:
        with blocker.cursor() as cursor:
            cursor.execute("SELECT FROM emotional_events_summary WHERE user_id = %s FOR UPDATE", (stuck,))
        feel(stuck)
        poll(lambda: db("SELECT 1 FROM pg_locks WHERE NOT granted"), 10, "the batch to wait for the lock")
        feel(free)
        poll(lambda: stored(free) == 1, 10, "the other's event to be stored")
        assert stored(stuck) == 1
    finally:
        blocker.rollback()
        blocker.close()
    poll(lambda: stored(stuck) == 2, 20)


FAILING = """
CREATE OR REPLACE FUNCTION fail_at_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.3 THEN
        RAISE EXCEPTION 'made to fail by a test' USING ERRCODE = '%s';
    END IF;
    RETURN NULL;
END $$
"""
TABLES = ("emotional_events", "transactions", "decisions", "credit_limits", "users", "consents")


@pytest.fixture
def failing(db):
    """failing(sqlstate): a third of all writing statements fail with it."""

    def begin(sqlstate):
        db(FAILING % sqlstate)
        for table in TABLES:
            db(
                f"CREATE TRIGGER fail_at_times BEFORE INSERT OR UPDATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION fail_at_times()"
            )

    yield begin
    for table in TABLES:
        db(f"DROP TRIGGER IF EXISTS fail_at_times ON {table}")
    db("DROP FUNCTION IF EXISTS fail_at_times")


@pytest.mark.parametrize(
    "sqlstate", ["40001", "40P01", "53200", "57P01"],
    ids=["serialization", "deadlock", "out of memory", "shutdown"],
)  # fmt: skip
def test_what_can_be_retried_is_retried(topology, engines, load, db, anybody, pattern_token, failing, sqlstate):
    offers = offers_of(topology, db, pattern_token, 4)
    with load() as running:
        running.wait_for(200)
        failing(sqlstate)
        for client, someone, offer_id in offers:
            def accepted():
                answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": someone})
                assert answer.status_code in (200, 202, 503), answer.text
                return answer.status_code != 503

            poll(accepted, 20, "the acceptance to go through")

        email = new_email()

        def registered():
            answer = anybody.post(
                "/v1/auth/register",
                json={"email": email, "password": PASSWORD, "consents": {"emotional_data": True}},
            )
            assert answer.status_code in (201, 503), answer.text
            return answer.status_code == 201

        poll(registered, 20, "the registration to go through")
        running.wait_for(500)
        for table in TABLES:
            db(f"DROP TRIGGER fail_at_times ON {table}")
    running.check()
    active = "SELECT count(*) FROM credit_limits WHERE id = ANY(%s::uuid[]) AND status = 'active'"
    poll(lambda: db(active, [offer for _, _, offer in offers]) == [(len(offers),)], 30)
    assert db("SELECT count(*) FROM users WHERE lower(email) = lower(%s)", email) == [(1,)]


LATE = """
CREATE OR REPLACE FUNCTION be_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM stored) > %d THEN
        RAISE EXCEPTION 'too late for a test' USING ERRCODE = 'query_canceled';
    END IF;
    RETURN NULL;
END $$
"""


@pytest.fixture
def late(db):
    """late(rows): emotions of more than so many rows a statement are not stored before its deadline."""
    db(LATE % 10**9)
    db(
        "CREATE TRIGGER be_late AFTER INSERT ON emotional_events REFERENCING NEW TABLE AS stored"
        " FOR EACH STATEMENT EXECUTE FUNCTION be_late()"
    )
    yield lambda rows: db(LATE % rows)
    db("DROP TRIGGER be_late ON emotional_events")
    db("DROP FUNCTION be_late")


def test_a_batch_that_is_too_large_for_a_slow_database_is_stored_in_parts(db, nats, load, late):
    """What is late alone waits, and is no dead letter."""
    [person] = people_in_database(db, 1)
    events = [emotion(person, event_id=str(uuid.uuid4())) for _ in range(300)]
    stored = lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", person)[0][0]  # noqa: E731
    letters = len(list(nats.stored("dead-letters")))
    with load() as running:
        running.wait_for(50)
        late(16)
        nats.publish("user.emotions.topic", "\n".join(json.dumps(event) for event in events))
        poll(lambda: stored() == len(events), 30, "the batch to be stored in parts")
        late(0)
        last = emotion(person, event_id=str(uuid.uuid4()))
        nats.publish("user.emotions.topic", json.dumps(last))
        running.wait_for(200)
        assert stored() == len(events)
        late(10**9)
        poll(lambda: stored() == len(events) + 1, 30, "the event that was late alone")
    running.check()
    assert len(list(nats.stored("dead-letters"))) == letters


def test_a_database_that_hangs_is_given_up_in_time(topology, engines, load, person):
    someone = person()
    with load() as running:
        running.wait_for(200)
        # Its postmaster alone would go on serving by its children.
        stopped = engines.pid("postgres")
        group = children(stopped)
        for pid in (stopped, *group):
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = someone.analyse()
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.elapsed.total_seconds() < 10.5
            refused = running.codes[503]
            running.wait_for(300)
            assert running.codes[503] == refused, "ingestion does not need the database"
        finally:
            for pid in (*group, stopped):
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        poll(lambda: someone.analyse().status_code == 200, 15)
        running.wait_for(100)
    running.check()
