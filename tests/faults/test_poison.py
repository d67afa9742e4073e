# SPDX-License-Identifier: Apache-2.0
"""Messages that can never be stored, and ones that fail for a while."""

import datetime
import json
import re
import uuid

import pytest

from harness.people import emotion, now, people_in_database
from harness.refusal import Refusal
from harness.topology import run_command
from harness.waiting import poll

WORKER = "emotion-processing-worker"
TRIES = 8
FIRST_DELAY, LATER_AT_MOST = 0.1, 2  # seconds
BROKEN = "XX000"  # what a statement fails with that may succeed later


def good_line(person, event_id):
    return json.dumps({**emotion(person, event_id=event_id), "traceId": uuid.uuid4().hex, "newer": {"a": 1}})


def dead_of(nats, mark):
    return [m for m in nats.stored("dead-letters") if mark in m[3].decode(errors="replace")]


@pytest.mark.usefixtures("lived")
def test_poison_goes_to_the_dead_letters_and_its_neighbours_are_stored(topology, db, nats):
    [person] = people_in_database(db, 1)
    mark = uuid.uuid4().hex
    poison = [
        f"not json {mark}",
        f'{{"eventId": "{mark}"',
        json.dumps({**emotion(str(uuid.uuid4()), event_id=str(uuid.uuid4())), "traceId": mark}),
        json.dumps({**emotion("nobody", event_id=str(uuid.uuid4())), "traceId": mark}),
        json.dumps({**emotion(person, event_id="7"), "traceId": mark}),
        json.dumps({**emotion(person, event_id=str(uuid.uuid4()), stress=7), "traceId": mark}),
        json.dumps({**emotion(person, event_id=str(uuid.uuid4()), at="yesterday"), "traceId": mark}),
        json.dumps({**emotion(person, event_id=str(uuid.uuid4()), kind="a\0b"), "traceId": mark}),
        f'["{mark}"]',
        f'"{mark}"',
    ]
    good = [str(uuid.uuid4()) for _ in poison]
    lines = [line for pair in zip((good_line(person, event_id) for event_id in good), poison) for line in pair]
    rejected = topology.metric(WORKER, "ecs_consumed_lines_total", outcome="rejected")
    nats.publish("user.emotions.topic", "\n".join(lines))

    def stored():
        rows = db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person)
        return {event_id for (event_id,) in rows}

    poll(lambda: stored() == set(good), 20)
    letters = poll(lambda: len(dead_of(nats, mark)) >= len(poison) and dead_of(nats, mark))
    assert sorted(letter[3].decode() for letter in letters) == sorted(poison)
    poll(lambda: topology.metric(WORKER, "ecs_consumed_lines_total", outcome="rejected") == rejected + len(poison))
    for _, subject, headers, _ in letters:
        assert subject == "dead.user.emotions.topic"
        names = {line.split(":")[0].lower() for line in headers.splitlines() if ":" in line}
        assert any("reason" in name for name in names), headers
        assert any("subject" in name or "stream" in name for name in names), headers
        assert any("tries" in name or "deliver" in name for name in names), headers


@pytest.fixture
def silent_letters(nats):
    """end() ends what it begins with: the stream of dead letters acknowledges nothing."""
    config = nats.stream("dead-letters")["config"]
    nats.request("$JS.API.STREAM.UPDATE.dead-letters", dict(config, no_ack=True))
    end = lambda: nats.request("$JS.API.STREAM.UPDATE.dead-letters", config)  # noqa: E731
    yield end
    end()


def test_letters_that_cannot_be_kept_hold_up_no_other_message(topology, db, nats, silent_letters):
    """Each would wait for its deadline of 2 s, with the rest of the batch behind it."""
    [person] = people_in_database(db, 1)
    mark, count = uuid.uuid4().hex, 30
    topology.terminate(WORKER)
    for number in range(count):
        nats.publish("user.emotions.topic", f"not json {mark} {number}")
    for _ in range(count):
        nats.publish("user.emotions.topic", good_line(person, str(uuid.uuid4())))
    topology.restart(WORKER)
    poll(lambda: nats.backlog("emotions") <= count, 20, "the good messages to be acknowledged")
    assert db("SELECT count(*) FROM emotional_events WHERE user_id = %s", person) == [(count,)]
    silent_letters()
    poll(lambda: nats.backlog("emotions") == 0, 30, "the others to be dead letters")
    letters = [letter[3].decode() for letter in dead_of(nats, mark)]
    assert sorted(letters) == sorted(f"not json {mark} {number}" for number in range(count))


def test_impossible_bytes_harm_nobody(topology, db, nats, journey):
    [person] = people_in_database(db, 1)
    event_id = str(uuid.uuid4())
    with journey(threads=2) as running:
        throw_bytes_at(nats)
        nats.publish("user.emotions.topic", good_line(person, event_id))
        running.wait_for(100)
    running.check()
    assert db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id)
    assert all(process.poll() is None for process in topology.processes.values())


def throw_bytes_at(nats):
    for data in (b"", b"\n", b"\n\n\n", b"\xff\xfe\x00", b"{" * 3000, b"[" * 100000, b"\0" * 100):
        nats.publish("user.emotions.topic", data)
        nats.publish("transactions.topic", data)
        nats.publish("credit.offers.approved", data)


@pytest.mark.usefixtures("lived")
def test_poisoned_transactions_and_acceptances_have_dead_letters_too(topology, db, nats):
    [person] = people_in_database(db, 1)
    mark = uuid.uuid4().hex
    good = str(uuid.uuid4())

    def payment(amount, event_id=None, who=person):
        return json.dumps(
            {"eventId": event_id or str(uuid.uuid4()), "userId": who, "amount": amount,
             "occurredAt": now(), "traceId": mark}
        )  # fmt: skip

    lines = [payment(5), payment(-5), payment(5.5, good), payment(1e9), payment(5, who=str(uuid.uuid4())), payment("x")]
    nats.publish("transactions.topic", "\n".join(lines))
    nats.publish("credit.offers.approved", json.dumps({"offerId": mark, "userId": person}))
    poll(lambda: len(dead_of(nats, mark)) == 5)
    assert db("SELECT count(*) FROM transactions WHERE user_id = %s", person) == [(2,)]
    subjects = {m[1] for m in dead_of(nats, mark)}
    assert subjects == {"dead.transactions.topic", "dead.credit.offers.approved"}


@pytest.fixture
def refusal(db):
    running = Refusal(db, "emotional_events")
    yield running
    running.end()


def seconds_of_failures(log):
    """When each line of a worker's log says that a batch failed, in seconds since 1970."""
    lines = [line for line in log.splitlines() if "batch failed, trying again later" in line]
    return [datetime.datetime.fromisoformat(line.split()[0]).timestamp() for line in lines]


def test_what_fails_8_times_becomes_a_dead_letter_and_is_counted_once_when_replayed(topology, db, nats, journey, refusal):
    [person] = people_in_database(db, 1)
    event_id = str(uuid.uuid4())
    log = topology.log_file(WORKER)
    since = len(log.read_text())
    refusal.begin(BROKEN, f"NEW.event_id = '{event_id}'")
    with journey(threads=2) as running:
        running.wait_for(50)
        nats.publish("user.emotions.topic", good_line(person, event_id))
        [letter] = poll(lambda: dead_of(nats, event_id), 60)
    running.check()
    tries = re.search(r"(?im)^[\w-]*tries: *(\d+)", letter[2])
    assert tries and int(tries.group(1)) == TRIES, letter[2]
    assert f"failed {TRIES} times" in letter[2]
    failed = seconds_of_failures(log.read_text()[since:])
    assert len(failed) == TRIES
    for number, (one, next_one) in enumerate(zip(failed, failed[1:])):
        delay = FIRST_DELAY * 2**number
        assert 0.9 * delay <= next_one - one <= delay + LATER_AT_MOST, failed
    assert db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id) == []
    refusal.end()
    for _ in range(2):
        run_command(topology.env, "dead-letters", "replay", str(letter[0]))
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id), 20)
    poll(lambda: nats.backlog("emotions") == 0)
    rows = db("SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", person)
    assert rows == [(1,)]


@pytest.mark.parametrize("sqlstate", ["22003", "23514"], ids=["out of range", "check violated"])
def test_what_the_database_refuses_becomes_a_dead_letter_at_once(topology, db, nats, journey, refusal, sqlstate):
    [person] = people_in_database(db, 1)
    event_id, neighbours = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(20)]
    lines = [good_line(person, each) for each in (*neighbours[:7], event_id, *neighbours[7:])]
    since = len(topology.log_file(WORKER).read_text())
    refusal.begin(sqlstate, f"NEW.event_id = '{event_id}'")
    with journey(threads=2) as running:
        running.wait_for(50)
        nats.publish("user.emotions.topic", "\n".join(lines))
        [letter] = poll(lambda: dead_of(nats, event_id))
    running.check()
    assert "refused by the database" in letter[2]
    assert seconds_of_failures(topology.log_file(WORKER).read_text()[since:]) == []
    rows = db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person)
    assert {each for (each,) in rows} == set(neighbours)
