# SPDX-License-Identifier: Apache-2.0
"""Batches of emotions, one event a line: each line is judged by itself, in order, while it arrives."""

import json
import re
import signal
import socket
import struct
import time
import uuid

import pytest

from harness.engines import INSTRUMENTED
from harness.people import emotion, now
from harness.raw import Raw
from harness.waiting import poll
from problems import assert_faults, assert_problem

STREAM = "/v1/emotions/stream"
TYPE = {"Content-Type": "application/x-ndjson"}
LIMIT = 8 * 1024 * 1024


def line(person_id, **event):
    return json.dumps(emotion(person_id, **event))


def send(sender, lines, **headers):
    body = "\n".join(lines) + "\n"
    return sender.post(STREAM, data=body.encode(), headers=dict(TYPE, **headers))


def head(topology, *more):
    lines = (f"POST {STREAM} HTTP/1.1", "Host: h", f"X-Internal-Key: {topology.internal_key}",
             "Content-Type: application/x-ndjson", *more)  # fmt: skip
    return "\r\n".join(lines) + "\r\n\r\n"


def stored(db, person_id):
    rows = db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person_id)
    return {row[0] for row in rows}


def wait_stored(db, person_id, ids):
    poll(lambda: stored(db, person_id) == set(ids), 30, f"{len(ids)} events to be stored")


def counted(db, person_id):
    return db("SELECT sum(event_count)::int FROM emotional_events_summary WHERE user_id = %s", person_id)[0][0]


def test_every_line_is_an_event(sender, person, db):
    someone = person()
    ids = [str(uuid.uuid4()) for _ in range(1000)]
    answer = send(sender, [line(someone.id, event_id=event_id) for event_id in ids])
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (1000, [])
    assert len(body["traceId"]) == 32
    wait_stored(db, someone.id, ids)
    assert counted(db, someone.id) == 1000


def test_lines_are_told_what_is_wrong_and_do_their_neighbours_no_harm(sender, person, db):
    someone, ids = person(), [str(uuid.uuid4()) for _ in range(3)]
    bad = {
        2: "{", 3: '"text"', 4: "\xff".join("{}"), 5: "x" * 70000,
        7: line(someone.id, positivity=1.5, stress=-1), 8: line("nobody"), 9: line(someone.id, at="yesterday"),
    }  # fmt: skip
    good = {1: line(someone.id, event_id=ids[0]), 6: line(someone.id, event_id=ids[1]), 10: line(someone.id, event_id=ids[2])}
    lines = [{**good, **bad}[number] for number in range(1, 11)]
    answer = sender.post(STREAM, data="\n".join(lines).encode("latin-1"), headers=TYPE)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert body["accepted"] == 3
    assert [rejected["line"] for rejected in body["rejected"]] == sorted(bad)
    fields = {rejected["line"]: [fault["field"] for fault in rejected["errors"]] for rejected in body["rejected"]}
    assert fields[2] == fields[3] == fields[4] == fields[5] == [""]
    assert sorted(fields[7]) == ["emotionEvent.metrics.positivity", "emotionEvent.metrics.stress_level"]
    assert (fields[8], fields[9]) == (["userId"], ["timestamp"])
    messages = {rejected["line"]: rejected["errors"][0]["message"] for rejected in body["rejected"]}
    assert messages[2].startswith("not valid JSON") and "64 KiB" in messages[5]
    wait_stored(db, someone.id, ids)


def test_blank_lines_count_as_lines_and_are_no_events(sender, person):
    someone = person()
    answer = sender.post(STREAM, data=f"\n \r\n{line(someone.id)}\r\n\n{{}}".encode(), headers=TYPE)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    assert [rejected["line"] for rejected in answer.json()["rejected"]] == [5]


def test_events_stay_in_their_order(sender, person, nats):
    someone = person()
    ids = [str(uuid.uuid4()) for _ in range(5000)]
    nats.subscribe("user.emotions.topic")
    assert send(sender, [line(someone.id, event_id=event_id) for event_id in ids]).json()["accepted"] == 5000
    came = []
    while len(came) < len(ids):
        came += [json.loads(text)["eventId"] for text in nats.next()[2].splitlines() if someone.id.encode() in text]
    assert came == ids


def test_a_batch_of_nothing_good_is_answered_line_by_line(sender):
    answer = send(sender, ["{}"] * 10000)
    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == 0
    assert [rejected["line"] for rejected in body["rejected"]] == list(range(1, 10001))
    assert all(rejected["errors"] for rejected in body["rejected"])
    assert len(answer.content) < 2 * 1024 * 1024


@pytest.mark.parametrize("body", ["", "\n", " \n\r\n\n"])
def test_an_empty_batch_is_refused(sender, body):
    assert_problem(sender.post(STREAM, data=body.encode(), headers=TYPE), 400)


def test_a_batch_has_at_most_10000_lines(sender, person, db):
    someone = person()
    event = line(someone.id)
    answer = send(sender, [event] * 10000)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 10000)
    body = assert_problem(send(sender, [event] * 10001), 413)
    assert "10000" in body["detail"]
    poll(lambda: counted(db, someone.id) == 20000, 60)


def test_a_repeated_batch_with_a_key_is_counted_once(sender, person, db):
    someone, key = person(), str(uuid.uuid4())
    lines = [line(someone.id, at=now()) for _ in range(50)]
    for _ in range(2):
        answer = send(sender, lines, **{"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["accepted"]) == (202, 50)
    last = someone.feel().json()["eventId"]
    poll(lambda: last in stored(db, someone.id))
    assert len(stored(db, someone.id)) == counted(db, someone.id) == 51


def test_a_line_that_is_another_under_a_used_key_is_rejected(sender, person, db):
    someone, key = person(), str(uuid.uuid4())
    lines = [line(someone.id, stress=number / 10) for number in range(5)]
    assert send(sender, lines, **{"Idempotency-Key": key}).json()["accepted"] == 5
    # As of a sender that leaves out what was stored, and takes the key again.
    shifted = lines[1:3] + lines[2:5]
    answer = send(sender, shifted, **{"Idempotency-Key": key})
    assert answer.status_code == 202 and answer.json()["accepted"] == 3
    assert [(each["line"], each["errors"][0]["field"]) for each in answer.json()["rejected"]] == [
        (1, "Idempotency-Key"), (2, "Idempotency-Key"),
    ]  # fmt: skip
    last = someone.feel().json()["eventId"]
    poll(lambda: last in stored(db, someone.id))
    assert counted(db, someone.id) == 6


def test_a_bad_key_is_refused_before_the_batch_is_read(sender, person):
    assert_faults(send(sender, [line(person().id)], **{"Idempotency-Key": "k" * 256}), "Idempotency-Key")


def test_a_batch_may_come_in_chunks_of_any_size(topology, person, db):
    someone = person()
    ids = [str(uuid.uuid4()) for _ in range(20)]
    body = "\n".join(line(someone.id, event_id=event_id) for event_id in ids).encode()
    with Raw(topology) as client:
        client.send(head(topology, "Transfer-Encoding: chunked"))
        for at in range(0, len(body), 97):
            piece = body[at : at + 97]
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        answer = client.answer()
        assert (answer.status, json.loads(answer.body)["accepted"]) == (202, 20)
        client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.answer().status == 200
    wait_stored(db, someone.id, ids)


def test_requests_behind_a_batch_are_answered_after_it(topology, person):
    body = line(person().id) + "\n"
    with Raw(topology) as client:
        client.send(head(topology, f"Content-Length: {len(body)}") + body + "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert [client.answer().status, client.answer().status] == [202, 200]


def test_a_sender_that_waits_for_it_is_told_to_go_on(topology, person):
    body = line(person().id)
    with Raw(topology) as client:
        client.send(head(topology, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert client.answer(head_only=True).status == 100
        client.send(body)
        assert client.answer().status == 202


@pytest.mark.parametrize("change, status", [
    ("X-Internal-Key: wrong", 401), ("Content-Length: 8388609", 413), ("Transfer-Encoding: gzip", 501),
])  # fmt: skip
def test_a_batch_is_refused_by_its_head(topology, change, status):
    name = change.partition(":")[0]
    text = head(topology, *([] if name == "X-Internal-Key" else [change]), *(["Content-Length: 100"] if status == 401 else []))
    if name == "X-Internal-Key":
        text = text.replace(f"{name}: {topology.internal_key}", change)
    with Raw(topology) as client:
        client.send(text)
        assert client.answer().status == status
        assert client.closed()


def test_a_batch_beyond_its_bytes_is_refused_without_its_length(topology, person):
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with Raw(topology) as client:
        client.send(head(topology, "Transfer-Encoding: chunked"))
        try:
            for _ in range(LIMIT // 65536 + 1):
                client.send(piece)
        except ConnectionError:
            pass
        answer = client.answer()
        assert answer is None or answer.status == 413


def test_a_line_without_an_end_is_one_bad_line(sender):
    answer = sender.post(STREAM, data=b"x" * LIMIT, headers=TYPE)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], [rejected["line"] for rejected in body["rejected"]]) == (0, [1])


@pytest.mark.parametrize("kind", ["text/plain", "application/ndjson", "application/x-ndjson-seq"])
def test_lines_of_another_type_are_refused(sender, person, kind):
    body = f"{line(person().id)}\n".encode()
    assert_problem(sender.post(STREAM, data=body, headers={"Content-Type": kind}), 415)


def test_other_routes_take_no_batches(topology, person):
    someone = person()
    assert_problem(someone.client.post("/v1/transactions", data=b"{}\n", headers=TYPE), 415)


def test_a_half_closed_batch_is_not_complete(topology, person):
    body = line(person().id) + "\n"
    with Raw(topology) as client:
        client.send(head(topology, f"Content-Length: {len(body) + 1}") + body)
        client.half_close()
        answer = client.answer()
        assert answer.status == 400
        assert client.closed()


def memory_kib(topology, service):
    status = open(f"/proc/{topology.processes[topology.process_of(service)].pid}/status").read()
    return int(status.partition("VmRSS:")[2].split()[0])


class Service:
    """Where a service itself listens, past the gateway."""

    def __init__(self, topology, listen):
        self.host, _, port = topology.env[listen].rpartition(":")
        self.port = int(port)


def test_memory_does_not_grow_with_a_batch(topology, person, db):
    """Half of each of eight batches of nearly 8 MiB is here and stored, and the service holds little of it."""
    if topology.name == "external":
        pytest.skip("the processes are elsewhere")
    if INSTRUMENTED:
        pytest.skip("a sanitizer keeps what was freed")
    someone = person()
    event = line(someone.id)[:-1] + f', "extra": "{"x" * 2000}"}}\n'
    body = (event * (LIMIT // len(event) - 1)).encode()
    half = len(body) // 2 // len(event) * len(event)
    service = topology if topology.name == "all" else Service(topology, "EMOTION_SERVICE_LISTEN")
    before = memory_kib(topology, "emotion-ingestion-service")
    clients = [Raw(service, timeout=60) for _ in range(8)]
    for client in clients:
        client.send(head(topology, f"Content-Length: {len(body)}"))
    for at in range(0, half, 65536):
        for client in clients:
            client.send(body[at : min(at + 65536, half)])
    poll(lambda: len(stored(db, someone.id)) == 8 * half // len(event), 60, "what came to be stored")
    grown = memory_kib(topology, "emotion-ingestion-service") - before
    for client in clients:
        client.socket.close()
    assert grown < 16 * 1024, f"{grown} KiB for {8 * half // 1024} KiB that were sent"


def test_a_slow_batch_is_cut_off(topology, person):
    """A byte now and then does not hold a connection for ever."""
    with Raw(topology, timeout=30) as client:
        client.send(head(topology, "Content-Length: 1000"))
        started = time.monotonic()
        answer = client.answer()
        assert answer.status == 408
        assert time.monotonic() - started < 20
        assert client.closed()


@pytest.fixture
def told(topology):
    """Lines of the gateway's log, each request among them."""
    process = topology.process_of("api-gateway-ecs")
    topology.restart(process, LOG_LEVEL="debug")
    since = len(topology.log_file(process).read_text())
    yield lambda: topology.log_file(process).read_text()[since:].splitlines()
    topology.restart(process)


def test_the_batch_of_who_went_before_it_was_invited_ends(topology, told):
    """The invitation cannot be written: everything that waits for the body must hear of it."""
    gateway = topology.processes[topology.process_of("api-gateway-ecs")]
    gateway.send_signal(signal.SIGSTOP)
    try:
        with Raw(topology) as connection:
            connection.send(head(topology, "Content-Length: 1000", "Expect: 100-continue"))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        gateway.send_signal(signal.SIGCONT)
    ended = re.compile(rf"{STREAM}.*\bstatus\W+400\b")
    poll(lambda: [line for line in told() if ended.search(line)], 10, "the request to end")
