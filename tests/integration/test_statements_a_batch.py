# SPDX-License-Identifier: Apache-2.0
"""What a stored batch costs in statements: counted in PostgreSQL's own log, so that the count is the
same on any machine."""

import json
import re
import signal
import uuid

import pytest

from harness.people import emotion, people_in_database
from harness.statements import statements_logged
from harness.waiting import poll

WORKER = "emotion-processing-worker"
WORKER_THREADS = 2
EVENTS, A_MESSAGE = 4000, 100
LINE = re.compile(r"\[(\d+)\] LOG:  (?:statement: |execute (?:<unnamed>: )?)(\w+)")


@pytest.fixture
def logged(engines, topology):
    with statements_logged(engines, topology, WORKER, "ecs_emotion_worker") as process:
        yield topology.processes[process]


def backlog_for(nats, person):
    for _ in range(EVENTS // A_MESSAGE):
        lines = [
            json.dumps({**emotion(person, event_id=str(uuid.uuid4())), "traceId": uuid.uuid4().hex})
            for _ in range(A_MESSAGE)
        ]
        nats.publish("user.emotions.topic", "\n".join(lines))


def stored(db, person):
    rows = db("SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", person)
    return int(rows[0][0] or 0)


def store_backlog(process, nats, db):
    """Events of one person, whose first consent is younger, and which the worker finds all at once."""
    [person] = people_in_database(db, 1)
    db("UPDATE consents SET granted_at = now() + interval '1 minute' WHERE user_id = %s", person)
    process.send_signal(signal.SIGSTOP)
    try:
        backlog_for(nats, person)
    finally:
        process.send_signal(signal.SIGCONT)
    poll(lambda: stored(db, person) == EVENTS)


def statements_of_batches(log):
    """The statements of the connections that stored something, in their order."""
    statements = LINE.findall(log)
    storing = {pid for pid, name in statements if name == "store_emotions_if_all_new"}
    return [name for pid, name in statements if pid in storing]


def test_a_batch_is_four_statements_however_many_events_it_has(logged, db, nats, engines):
    before = len(engines.log("postgres"))
    store_backlog(logged, nats, db)

    def settled():
        names = statements_of_batches(engines.log("postgres")[before:])
        return names if names.count("COMMIT") == names.count("store_emotions_if_all_new") else None

    names = poll(settled)
    batches = names.count("store_emotions_if_all_new")
    assert batches <= 4, "a backlog is stored in few transactions"
    assert len(names) <= 4 * batches, names


def test_repeats_are_stored_once_and_fail_a_batch_hardly_ever(logged, db, nats, engines):
    """The first repeat that a thread meets fails its batch; then the thread looks for what is there."""
    [person] = people_in_database(db, 1)
    before = len(engines.log("postgres"))
    lines = [json.dumps(emotion(person, event_id=str(uuid.uuid4()))) for _ in range(30)]
    for count, line in enumerate(lines, 1):
        nats.publish("user.emotions.topic", "\n".join([line, *lines[: count - 1], line]))
        poll(lambda: stored(db, person) == count)
    assert db("SELECT count(*) FROM emotional_events WHERE user_id = %s", person) == [(30,)]
    log = engines.log("postgres")[before:]
    assert 1 <= log.count("duplicate key") <= WORKER_THREADS
    assert log.count("store_new_emotions") >= 25


def test_consents_are_not_asked_for_by_each_event(topology, db, nats):
    def counted():
        return db(
            "SELECT (SELECT sum(n_tup_ins) FROM pg_stat_user_tables WHERE relname LIKE 'emotional_event_ids%%'),"
            "       (SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'consents')"
        )[0]

    def has_counted():
        nats.publish("user.emotions.topic", json.dumps(emotion(somebody, event_id=str(uuid.uuid4()))))
        return counted()[0] >= stored_before + EVENTS

    [somebody] = people_in_database(db, 1)
    stored_before, looked_before = counted()
    store_backlog(topology.processes[topology.process_of(WORKER)], nats, db)
    poll(has_counted, 20, "PostgreSQL to count, as it does when a connection does something a second later")
    assert counted()[1] - looked_before < EVENTS / 10
