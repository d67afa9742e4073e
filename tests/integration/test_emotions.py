# SPDX-License-Identifier: Apache-2.0
"""Emotion events: what is taken, what is refused with every fault, and what is stored."""

import contextlib
import decimal
import itertools
import json
import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from harness.people import emotion, now
from harness.waiting import poll, steady
from problems import assert_faults, assert_problem

STREAM = "/v1/emotions/stream"
METRICS = "emotionEvent.metrics"


def stored(db, person_id):
    return db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person_id)


def test_an_event_is_received_and_stored(sender, person, db):
    someone, event_id = person(), str(uuid.uuid4())
    answer = sender.post(STREAM, json=emotion(someone.id, event_id=event_id, kind="calm"))
    assert answer.status_code == 202
    body = answer.json()
    assert body["status"] == "event received"
    assert body["eventId"] == event_id
    assert len(body["traceId"]) == 32
    poll(lambda: stored(db, someone.id) == [(event_id,)])
    assert db("SELECT emotion_type FROM emotional_events WHERE user_id = %s", someone.id) == [("calm",)]


def test_an_event_without_an_id_gets_one_that_grows_with_time(sender, person):
    someone = person()
    ids = [sender.post(STREAM, json=emotion(someone.id)).json()["eventId"] for _ in range(3)]
    assert all(uuid.UUID(event_id).version == 7 for event_id in ids)
    assert len(set(ids)) == 3


def test_the_same_event_is_counted_once(sender, person, db):
    someone, event_id = person(), str(uuid.uuid4())
    event = emotion(someone.id, event_id=event_id)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sender.post(STREAM, json=event), range(24)))
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["eventId"] for answer in answers} == {event_id}
    poll(lambda: stored(db, someone.id))
    last = sender.post(STREAM, json=emotion(someone.id)).json()["eventId"]
    poll(lambda: (last,) in stored(db, someone.id))
    rows = db("SELECT event_count FROM emotional_events_summary WHERE user_id = %s", someone.id)
    assert rows == [(2,)]


def test_a_batch_that_waits_for_a_row_holds_up_no_other(sender, person, db, engines):
    """The threads of a worker store at the same time."""
    held, free = person(), person()

    def feel(someone):
        event_id = sender.post(STREAM, json=emotion(someone.id)).json()["eventId"]
        return lambda: (event_id,) in stored(db, someone.id)

    def waits_since():
        return db("SELECT waitstart FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL")

    def stored_meanwhile():
        before = waits_since()
        poll(feel(free))
        return before and before == waits_since()

    poll(feel(held))
    with contextlib.closing(psycopg2.connect(engines.env["DATABASE_URL"])) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM emotional_events_summary WHERE user_id = %s FOR UPDATE", [held.id])
        held_up = feel(held)
        poll(waits_since)
        poll(stored_meanwhile)
        assert not held_up()
        other.rollback()
    poll(held_up)


def test_averages_are_exact_whatever_the_order(sender, person, db):
    someone = person()
    day = now(days=-1)[:10]
    dice = random.Random(7)
    values = [
        tuple(decimal.Decimal(dice.randrange(0, 10**9 + 1)).scaleb(-9) for _ in range(3))
        for _ in range(60)
    ]

    def send(triple):
        event = emotion(someone.id, at=f"{day}T{dice.randrange(24):02}:00:00Z")
        positivity, intensity, stress = map(str, triple)
        text = json.dumps(event)
        text = text.replace('"positivity": 0.5', f'"positivity": {positivity}')
        text = text.replace('"intensity": 0.5', f'"intensity": {intensity}')
        text = text.replace('"stress_level": 0.2', f'"stress_level": {stress}')
        return sender.post(STREAM, data=text, headers={"Content-Type": "application/json"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, values)) == {202}

    def summary():
        return db(
            "SELECT event_count, stress_event_count, avg_positivity_score, avg_intensity_score,"
            " avg_stress_level FROM emotional_events_summary WHERE user_id = %s AND summary_date = %s",
            someone.id, day,
        )  # fmt: skip

    poll(lambda: summary() and summary()[0][0] == len(values))
    quantum = decimal.Decimal("1e-9")
    means = [
        (sum(column) / len(values)).quantize(quantum, decimal.ROUND_HALF_UP) for column in zip(*values)
    ]
    stressful = sum(triple[2] >= decimal.Decimal("0.7") for triple in values)
    assert summary() == [(len(values), stressful, *means)]


@pytest.mark.parametrize("stress, counted", [(0.7, 1), (0.699999999, 0), (1, 1), (0, 0)])
def test_a_stress_event_has_at_least_the_threshold(person, db, stress, counted):
    someone = person()
    someone.feel(stress=stress)
    rows = poll(
        lambda: db(
            "SELECT stress_event_count FROM emotional_events_summary WHERE user_id = %s", someone.id
        )
    )
    assert rows == [(counted,)]


def test_an_event_without_consent_is_dropped_and_leaves_nothing(topology, person, db, nats):
    someone, other = person(consent=False), person()
    before = nats.stream("dead-letters")["state"]["messages"]
    assert someone.feel().status_code == 202
    assert other.feel().status_code == 202
    poll(lambda: stored(db, other.id))
    assert stored(db, someone.id) == []
    assert db("SELECT 1 FROM emotional_events_summary WHERE user_id = %s", someone.id) == []
    assert nats.stream("dead-letters")["state"]["messages"] == before


def test_an_event_of_nobody_becomes_a_dead_letter(sender, nats):
    nobody = str(uuid.uuid4())
    assert sender.post(STREAM, json=emotion(nobody)).status_code == 202
    subject = "dead.user.emotions.topic"
    found = poll(
        lambda: [m for m in nats.stored("dead-letters") if m[1] == subject and nobody in m[3].decode(errors="replace")]
    )
    assert len(found) == 1


def test_extra_members_are_ignored(sender, person):
    event = emotion(person().id)
    event["device"] = {"model": "x"}
    event["emotionEvent"]["metrics"]["heart_rate"] = 61
    assert sender.post(STREAM, json=event).status_code == 202


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, 1e-9, "-0", "1e-3", "0.5e0", "10e-1"])
def test_metrics_from_0_to_1_are_good(sender, person, value):
    text = json.dumps(emotion(person().id, positivity="VALUE")).replace('"VALUE"', str(value))
    answer = sender.post(STREAM, data=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("value", ["1.000001", "-0.000001", "2", "-1", '"0.5"', "null", "true", "[]", "{}", "1e300"])  # fmt: skip
@pytest.mark.parametrize("name", ["positivity", "intensity", "stress_level"])
def test_a_metric_outside_0_to_1_is_named(sender, person, name, value):
    event = emotion(str(uuid.uuid4()))
    event["emotionEvent"]["metrics"][name] = "VALUE"
    text = json.dumps(event).replace('"VALUE"', value)
    answer = sender.post(STREAM, data=text, headers={"Content-Type": "application/json"})
    assert_faults(answer, f"{METRICS}.{name}")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "01", "+1", ".5", "0x1"])
def test_what_is_no_json_number_is_no_json(sender, value):
    event = emotion(str(uuid.uuid4()))
    event["emotionEvent"]["metrics"]["intensity"] = "VALUE"
    text = json.dumps(event).replace('"VALUE"', value)
    answer = sender.post(STREAM, data=text, headers={"Content-Type": "application/json"})
    assert_problem(answer, 400)


@pytest.mark.parametrize(
    "value",
    ["", "abc", "2026-01-01", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z",
     "0001-01-01T00:00:00Z", 1700000000, None, ["now"]],
)  # fmt: skip
def test_a_bad_time_is_named(sender, value):
    event = emotion(str(uuid.uuid4()))
    event["timestamp"] = value
    assert_faults(sender.post(STREAM, json=event), "timestamp")


def test_a_time_needs_its_zone(sender):
    event = emotion(str(uuid.uuid4()), at=now()[:19])
    assert_faults(sender.post(STREAM, json=event), "timestamp")


@pytest.mark.parametrize("offset", [{"minutes": 6}, {"hours": 1}, {"days": -36}, {"days": -400}])
def test_a_time_too_far_away_is_named(sender, offset):
    assert_faults(sender.post(STREAM, json=emotion(str(uuid.uuid4()), at=now(**offset))), "timestamp")


@pytest.mark.parametrize("offset", [{"minutes": 4}, {"days": -34}])
def test_a_time_within_the_window_is_good(sender, person, offset):
    assert sender.post(STREAM, json=emotion(person().id, at=now(**offset))).status_code == 202


BAD_IDS = ["", "7", "{%s}", "urn:uuid:%s", "%s0", " %s", 7, {}]


@pytest.mark.parametrize("field, value", [("userId", None), *itertools.product(["userId", "eventId"], BAD_IDS)])
def test_a_bad_id_is_named(sender, field, value):
    event = emotion(str(uuid.uuid4()))
    event[field] = value % uuid.uuid4() if isinstance(value, str) and "%s" in value else value
    assert_faults(sender.post(STREAM, json=event), field)


def test_an_id_in_capitals_is_the_same_id(sender, person, db):
    someone, event_id = person(), str(uuid.uuid4())
    answer = sender.post(STREAM, json=emotion(someone.id.upper(), event_id=event_id.upper()))
    assert answer.status_code == 202
    assert answer.json()["eventId"] == event_id
    poll(lambda: stored(db, someone.id) == [(event_id,)])


@pytest.mark.parametrize("kind", ["", "x" * 65, "a\nb", "a\u0007b", 5, None])
def test_a_bad_type_is_named(sender, kind):
    assert_faults(sender.post(STREAM, json=emotion(str(uuid.uuid4()), kind=kind)), "emotionEvent.type")


def test_every_fault_is_named_at_once(sender):
    body = {
        "userId": "x",
        "timestamp": "y",
        "emotionEvent": {"type": "", "metrics": {"positivity": 2, "intensity": -1, "stress_level": None}},
    }
    assert_faults(
        sender.post(STREAM, json=body), "userId", "timestamp", "emotionEvent.type",
        f"{METRICS}.positivity", f"{METRICS}.intensity", f"{METRICS}.stress_level",
    )  # fmt: skip


@pytest.mark.parametrize("body", [{}, {"emotionEvent": 5}, {"emotionEvent": {"metrics": []}}])
def test_missing_members_are_named(sender, body):
    errors = assert_problem(sender.post(STREAM, json=body), 422)["errors"]
    named = {error["field"] for error in errors}
    assert {"userId", "timestamp"} <= named
    assert any(field.startswith("emotionEvent") for field in named)


def test_nothing_of_a_refused_event_is_published(sender, person, nats, db):
    someone = person()
    event = emotion(someone.id, positivity=1.5)
    before = nats.stream("emotions")["state"]["last_seq"]
    for _ in range(5):
        assert sender.post(STREAM, json=event).status_code == 422
    steady(lambda: nats.stream("emotions")["state"]["last_seq"] == before, 0.3)
    assert stored(db, someone.id) == []


def test_the_trace_goes_from_the_request_into_the_stream(sender, person, nats):
    trace = uuid.uuid4().hex
    event_id = str(uuid.uuid4())
    answer = sender.post(
        STREAM,
        json=emotion(person().id, event_id=event_id),
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert answer.json()["traceId"] == trace
    lines = [
        json.loads(line)
        for _, _, _, data in nats.stored("emotions")
        for line in data.decode().splitlines()
        if event_id in line
    ]
    assert len(lines) == 1
    assert set(lines[0]) == {"eventId", "userId", "timestamp", "emotionEvent", "traceId"}
    assert lines[0]["traceId"] == trace


def test_an_idempotency_key_names_an_event_that_has_no_id(sender, person):
    someone, other = person(), person()
    keyed = {"Idempotency-Key": "sensor-7"}

    def send(who, headers=keyed, **event):
        return sender.post("/v1/emotions/stream", json=emotion(who.id, **event), headers=headers)

    first = send(someone).json()["eventId"]
    assert send(someone).json()["eventId"] == first
    assert send(other).json()["eventId"] != first
    assert send(someone, headers={"Idempotency-Key": "sensor-8"}).json()["eventId"] != first
    own = "6f1c1e5e-2f0a-4d0e-9d57-5a4dfb1a6d11"
    assert send(someone, event_id=own).json()["eventId"] == own
    refused = send(someone, headers={"Idempotency-Key": "k" * 256})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    refused = send(someone, headers={"Idempotency-Key": "k" * 256}, stress=2)
    assert {fault["field"] for fault in refused.json()["errors"]} == {
        "Idempotency-Key", "emotionEvent.metrics.stress_level"}  # fmt: skip
