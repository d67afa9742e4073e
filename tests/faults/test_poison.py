# SPDX-License-Identifier: Apache-2.0
"""Messages that can never be stored, and ones that fail for a while."""

import json
import re
import uuid

from harness.people import emotion, now, people_in_database
from harness.topology import run_command
from harness.waiting import poll


def good_line(person, event_id):
    return json.dumps({**emotion(person, event_id=event_id), "traceId": uuid.uuid4().hex, "newer": {"a": 1}})


def dead_of(nats, mark):
    return [m for m in nats.stored("dead-letters") if mark in m[3].decode(errors="replace")]


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
    nats.publish("user.emotions.topic", "\n".join(lines))

    def stored():
        rows = db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person)
        return {event_id for (event_id,) in rows}

    poll(lambda: stored() == set(good), 20)
    letters = poll(lambda: len(dead_of(nats, mark)) >= len(poison) and dead_of(nats, mark))
    assert sorted(letter[3].decode() for letter in letters) == sorted(poison)
    for _, subject, headers, _ in letters:
        assert subject == "dead.user.emotions.topic"
        names = {line.split(":")[0].lower() for line in headers.splitlines() if ":" in line}
        assert any("reason" in name for name in names), headers
        assert any("subject" in name or "stream" in name for name in names), headers
        assert any("tries" in name or "deliver" in name for name in names), headers


def test_impossible_bytes_harm_nobody(topology, db, nats):
    [person] = people_in_database(db, 1)
    for data in (b"", b"\n", b"\n\n\n", b"\xff\xfe\x00", b"{" * 3000, b"[" * 100000, b"\0" * 100):
        nats.publish("user.emotions.topic", data)
        nats.publish("transactions.topic", data)
        nats.publish("credit.offers.approved", data)
    event_id = str(uuid.uuid4())
    nats.publish("user.emotions.topic", good_line(person, event_id))
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id), 20)
    for stream in ("emotions", "transactions", "credits"):
        poll(lambda: nats.backlog(stream) == 0, 30)
    assert all(process.poll() is None for process in topology.processes.values())


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


def test_what_fails_too_often_becomes_a_dead_letter_and_can_be_replayed(topology, db, nats):
    [person] = people_in_database(db, 1)
    event_id = str(uuid.uuid4())
    db("REVOKE INSERT ON emotional_events FROM ecs_emotion_worker")
    try:
        nats.publish("user.emotions.topic", good_line(person, event_id))
        [letter] = poll(lambda: dead_of(nats, event_id), 60)
    finally:
        db("GRANT INSERT ON emotional_events TO ecs_emotion_worker")
    tries = re.search(r"(?im)^[\w-]*(?:tries|deliver)[\w-]*: *(\d+)", letter[2])
    assert tries and int(tries.group(1)) >= 4, letter[2]
    assert db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id) == []
    for _ in range(2):
        run_command(topology.env, "dead-letters", "replay", str(letter[0]))
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id), 20)
    poll(lambda: nats.backlog("emotions") == 0)
    rows = db("SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", person)
    assert rows == [(1,)]
