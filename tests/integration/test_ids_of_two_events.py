# SPDX-License-Identifier: Apache-2.0
"""Two events under one id. Ingestion answers 422 to the second when it knows of the first; what it does
not know of, such as what comes through two replicas at the same instant, meets at the worker, which is played here."""

import json
import uuid

import pytest

from harness.people import emotion, now
from harness.waiting import poll

REASON = "the id is another event's"


def feeling(person, event_id, value):
    return emotion(person, event_id=event_id, stress=value)


def payment(person, event_id, value):
    return {"eventId": event_id, "userId": person, "amount": value, "occurredAt": now()}


def stored_feelings(db, person):
    rows = db("SELECT stress_ppb FROM emotional_events WHERE user_id = %s", person)
    return sorted(row[0] / 10**9 for row in rows)


def stored_payments(db, person):
    return sorted(float(row[0]) for row in db("SELECT amount FROM transactions WHERE user_id = %s", person))


KINDS = pytest.mark.parametrize(
    "subject, make, stored",
    [("user.emotions.topic", feeling, stored_feelings), ("transactions.topic", payment, stored_payments)],
    ids=["emotions", "transactions"],
)


@pytest.fixture
def publish(nats):
    def lines(subject, *events):
        nats.publish(subject, "\n".join(json.dumps({**event, "traceId": uuid.uuid4().hex}) for event in events))

    return lines


def dead_letters(nats, person):
    return [(headers, data) for _, _, headers, data in nats.stored("dead-letters") if person.encode() in data]


@KINDS
def test_the_second_becomes_a_dead_letter(publish, person, db, nats, subject, make, stored):
    someone, event_id = person().id, str(uuid.uuid4())
    publish(subject, make(someone, event_id, 0.25))
    poll(lambda: stored(db, someone) == [0.25])
    publish(subject, make(someone, event_id, 0.75))
    [(headers, data)] = poll(lambda: dead_letters(nats, someone))
    assert REASON in headers and b"0.75" in data
    assert stored(db, someone) == [0.25]


@KINDS
def test_of_two_in_one_batch_either_becomes_a_dead_letter(publish, person, db, nats, subject, make, stored):
    someone, event_id = person().id, str(uuid.uuid4())
    publish(subject, make(someone, event_id, 0.25), make(someone, event_id, 0.75))
    [(headers, data)] = poll(lambda: dead_letters(nats, someone))
    [value] = stored(db, someone)
    other = {0.25: b"0.75", 0.75: b"0.25"}[value]
    assert REASON in headers and other in data


@KINDS
def test_a_repeat_and_its_neighbours_are_no_dead_letters(publish, person, db, nats, subject, make, stored):
    someone, event_id = person().id, str(uuid.uuid4())
    repeated, other = make(someone, event_id, 0.25), make(someone, str(uuid.uuid4()), 0.5)
    publish(subject, repeated)
    publish(subject, {"not": "readable"}, repeated, other, repeated)
    poll(lambda: stored(db, someone) == [0.25, 0.5])
    mistaken = make(someone, event_id, 0.75)
    publish(subject, {"not": "readable"}, mistaken, make(someone, str(uuid.uuid4()), 1))
    [(_, data)] = poll(lambda: dead_letters(nats, someone))
    assert b"0.75" in data, "the right line of its batch"
    poll(lambda: stored(db, someone) == [0.25, 0.5, 1])


def test_repeats_of_somebody_with_many_events_are_known_at_once(publish, person, db, nats):
    """Each is looked up by its key, not among all events of the person, many of them of one day."""
    someone, repeats, each = person().id, 3000, 20
    db(
        "WITH made AS (INSERT INTO emotional_events"
        "              SELECT gen_random_uuid(), %s, now() - i * interval '1 second', 'joy', 500000000, 500000000, 200000000"
        "              FROM generate_series(1, %s) AS i RETURNING *)"
        " INSERT INTO emotional_event_ids SELECT user_id, event_id, occurred_at, 0 FROM made",
        someone, repeats * each,
    )  # fmt: skip
    ids = [row[0] for row in db("SELECT event_id::text FROM emotional_events WHERE user_id = %s LIMIT %s", someone, repeats)]
    for start in range(0, repeats, 100):
        publish("user.emotions.topic", *(feeling(someone, event_id, 0.2) for event_id in ids[start : start + 100]))
    publish("user.emotions.topic", feeling(someone, str(uuid.uuid4()), 0.25))
    count = "SELECT count(*) FROM emotional_events WHERE user_id = %s"
    poll(lambda: db(count, someone) == [(repeats * each + 1,)] and nats.backlog("emotions") == 0, 30)
    assert dead_letters(nats, someone) == []
