# SPDX-License-Identifier: Apache-2.0
"""Raw emotion events do not outlive their retention: each day has a table, which is dropped. The daily sums
stay, and an id is one event whatever day it comes with."""

import contextlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from harness.people import emotion, now
from harness.waiting import poll

WORKER = "emotion-processing-worker"
LOOK = "SELECT dropped, removed, waits, more FROM keep_days_of_emotions(35)"
TOO_MANY = 100_001  # events of a day without a table, for it to get one
DAY_TABLES = (
    "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
    " WHERE inhparent = 'emotional_events'::regclass AND relname ~ '\\d{8}$' ORDER BY 1"
)
GENERATION = "SELECT current FROM emotional_event_generation"


def table_of(db, days):
    """The name of the table of so many days from today."""
    return db("SELECT 'emotional_events_' || to_char(now() + make_interval(days => %s), 'YYYYMMDD')", days)[0][0]


def tables_from(db, first):
    """The names of the tables from that day on (0: today) to the last one ahead."""
    return [table_of(db, days) for days in range(first, 8)]


def held(db, person):
    """Where a person's raw events are: [(table, event id)]."""
    return db("SELECT tableoid::regclass::text, event_id::text FROM emotional_events WHERE user_id = %s ORDER BY 2", person)


def put(db, person, days):
    """An event of so many days from now, straight into the database; its id."""
    event_id = str(uuid.uuid4())
    db(
        "INSERT INTO emotional_events VALUES (%s, %s, now() + make_interval(days => %s), 'calm', 5, 5, 5)",
        event_id, person, days,
    )  # fmt: skip
    return event_id


def make_old_day(db):
    """The table of a day that its retention has passed; its name."""
    db("SELECT make_day_of_emotions((now() - interval '40 days')::date)")
    return table_of(db, -40)


def start_worker(topology):
    topology.start(topology.process_of(WORKER))
    topology.wait_ready()


@pytest.fixture
def owner(engines):
    """A transaction of the tables' owner that is rolled back."""
    with contextlib.closing(psycopg2.connect(engines.env["DATABASE_URL"])) as connection:
        yield connection.cursor()


def test_days_beyond_their_retention_are_dropped(topology, person, db):
    someone = person()
    event_id = someone.feel().json()["eventId"]
    poll(lambda: held(db, someone.id) == [(table_of(db, 0), event_id)])
    summary = "SELECT summary_date, event_count FROM emotional_events_summary WHERE user_id = %s"
    before = db(summary, someone.id)
    topology.kill(topology.process_of(WORKER))
    old_day = make_old_day(db)
    for days in (-40, -40, -36):
        put(db, someone.id, days)

    start_worker(topology)

    poll(lambda: held(db, someone.id) == [(table_of(db, 0), event_id)])
    assert db("SELECT to_regclass(%s)", old_day) == [(None,)]
    assert db(summary, someone.id) == before
    poll(lambda: topology.metric(WORKER, "ecs_emotion_days_dropped_total") == 1)
    assert topology.metric(WORKER, "ecs_emotions_removed_total") == 1, "of a day without a table"


def test_the_days_to_keep_and_the_next_ones_have_tables(db, topology):
    assert [row[0] for row in db(DAY_TABLES)] == tables_from(db, -34)


def test_a_day_that_gets_its_table_late_takes_its_events_along(topology, person, db):
    someone = person().id
    topology.kill(topology.process_of(WORKER))
    for days in (3, 4):
        db(f"DROP TABLE {table_of(db, days)}")
    events = [put(db, someone, days) for days in (3, 3, 4)]
    assert {table for table, _ in held(db, someone)} == {"emotional_events_other"}

    start_worker(topology)

    wanted = sorted((table_of(db, days), event_id) for days, event_id in zip((3, 3, 4), events))
    poll(lambda: sorted(held(db, someone)) == wanted)


def test_a_longer_retention_gets_its_days_and_a_shorter_one_drops_them(db, topology, owner):
    def look(days):
        owner.execute("SELECT dropped, more FROM keep_days_of_emotions(%s)", [days])
        return owner.fetchone()

    def look_to_the_end(days):
        while look(days)[1]:
            pass
        owner.execute(DAY_TABLES)
        return [row[0] for row in owner.fetchall()]

    # The worker may be looking at this moment; afterwards this transaction has the lock.
    longer = tables_from(db, -39)
    poll(lambda: look_to_the_end(40) == longer)
    assert look(35) == (5, False)
    assert look_to_the_end(35) == tables_from(db, -34)
    with pytest.raises(psycopg2.Error, match="30 days"):
        look(30)


def test_old_days_go_while_others_have_too_many_events_to_get_a_table(db, owner):
    """As after a week in which no table could be made: what is old does not wait for that."""
    owner.execute("SELECT make_day_of_emotions((now() - interval '40 days')::date)")
    for days in (0, 7):
        owner.execute(f"DROP TABLE {table_of(db, days)}")
    owner.execute(
        "INSERT INTO emotional_events SELECT gen_random_uuid(), gen_random_uuid(), now(), 'calm', 5, 5, 5"
        " FROM generate_series(1, %s)", [TOO_MANY],
    )  # fmt: skip

    def look():
        owner.execute(LOOK)
        owner.execute(DAY_TABLES)
        return [row[0] for row in owner.fetchall()]

    wanted = [table for table in tables_from(db, -34) if table != table_of(db, 0)]
    poll(lambda: look() == wanted)
    owner.execute("SELECT count(*) FROM emotional_events_other")
    assert owner.fetchone() == (TOO_MANY,)


@pytest.mark.parametrize("missing", [False, True], ids=["to drop", "to make"])
def test_tables_in_use_wait_and_hold_up_nobody(topology, person, db, owner, missing):
    someone, process = person(), topology.process_of(WORKER)
    said = lambda: topology.log_file(process).read_text().count("old emotion events wait")  # noqa: E731
    topology.kill(process)
    make_old_day(db)
    before = said()
    if missing:
        db(f"DROP TABLE {table_of(db, 7)}")
    owner.execute("SELECT count(*) FROM emotional_events")  # as a backup does, for as long as it takes
    start_worker(topology)
    poll(lambda: said() == before + 1)
    event_id = someone.feel().json()["eventId"]
    poll(lambda: held(db, someone.id) == [(table_of(db, 0), event_id)])
    poll(lambda: db(LOOK) == [(0, 0, True, False)])
    assert someone.analyse().status_code == 200
    owner.connection.rollback()
    wanted = tables_from(db, -34)
    poll(lambda: db(LOOK) and [row[0] for row in db(DAY_TABLES)] == wanted)


# ---- ids

def of_the_worker(nats, someone, event_id, at, stress=0.2):
    event = {**emotion(someone, event_id=event_id, at=at, stress=stress), "traceId": uuid.uuid4().hex}
    nats.publish("user.emotions.topic", json.dumps(event))


def wait_for_the_worker(nats):
    poll(lambda: nats.backlog("emotions") == 0, what="the worker to have stored all")


def make_due(db):
    """As if the current generation of ids had begun long enough ago."""
    db("UPDATE emotional_event_generation SET since = now() - interval '36 days 1 minute'")


def pass_a_generation(db):
    before = db(GENERATION)
    make_due(db)
    poll(lambda: db(LOOK) and db(GENERATION) != before)


def test_an_id_is_one_event_whatever_day_and_generation_it_comes_in(person, db, nats, topology):
    someone, event_id = person().id, str(uuid.uuid4())
    of_the_worker(nats, someone, event_id, now(days=-3))
    poll(lambda: held(db, someone) == [(table_of(db, -3), event_id)])
    for at in (now(days=-3), now(days=-2), now()):
        of_the_worker(nats, someone, event_id, at)
    wait_for_the_worker(nats)
    pass_a_generation(db)
    for at in (now(days=-3), now(days=-1), now()):
        of_the_worker(nats, someone, event_id, at)
    of_the_worker(nats, someone, event_id, now(), stress=0.9)
    dead = lambda: [data for _, _, _, data in nats.stored("dead-letters") if event_id.encode() in data]  # noqa: E731
    [letter] = poll(dead)
    assert b"0.9" in letter, "another event under this id"
    wait_for_the_worker(nats)
    assert held(db, someone) == [(table_of(db, -3), event_id)]
    assert db("SELECT event_count FROM emotional_events_summary WHERE user_id = %s", someone) == [(1,)]


def test_ids_are_forgotten_after_their_events(person, db, nats, topology):
    someone, event_id = person().id, str(uuid.uuid4())
    of_the_worker(nats, someone, event_id, now())
    ids = lambda: db("SELECT event_id::text FROM emotional_event_ids WHERE user_id = %s", someone)  # noqa: E731
    poll(lambda: ids() == [(event_id,)])
    pass_a_generation(db)
    assert ids() == [(event_id,)], "its event may still be held"
    pass_a_generation(db)
    assert ids() == []
    before = db(GENERATION)
    db(LOOK)
    assert db(GENERATION) == before, "the next generation is not due"


def test_a_generation_of_ids_ends_between_batches(person, db, nats, engines, owner, topology):
    """Or an id under way in the old one would be new to the next."""
    someone, event_id = person().id, str(uuid.uuid4())
    of_the_worker(nats, someone, str(uuid.uuid4()), now())
    poll(lambda: len(held(db, someone)) == 1)
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = %s"
    owner.execute("SELECT 1 FROM emotional_events_summary WHERE user_id = %s FOR UPDATE", [someone])
    of_the_worker(nats, someone, event_id, now())
    poll(lambda: db(waiting, "transactionid"), what="the batch to wait for the person's day")
    before = db(GENERATION)
    make_due(db)
    with ThreadPoolExecutor(1) as pool, contextlib.closing(engines.connect()) as second:
        looking = pool.submit(second.cursor().execute, LOOK)
        poll(lambda: db(waiting, "advisory"), what="the next generation to wait for the batch")
        assert db(GENERATION) == before
        owner.connection.rollback()
        looking.result(20)
    poll(lambda: db(LOOK) and db(GENERATION) != before)
    of_the_worker(nats, someone, event_id, now())
    wait_for_the_worker(nats)
    assert sorted(id for _, id in held(db, someone)).count(event_id) == 1
    assert db("SELECT event_count FROM emotional_events_summary WHERE user_id = %s", someone) == [(2,)]
