# SPDX-License-Identifier: Apache-2.0
"""A stream runs full while its worker is away. nats-server 2.9 would drop the oldest messages when its
limit is reached; ingestion refuses before, so that nothing it acknowledged is lost."""

import itertools

import pytest
import requests

from harness.batches import BatchSender
from harness.checker import check
from harness.history import History
from harness.people import people_in_database
from harness.waiting import free_port, poll

STREAM_BYTES = 16 << 20
KEPT_FREE = STREAM_BYTES // 8
FILLS = 3
INGESTION, WORKER, REPLICA = "emotion-ingestion-service", "emotion-processing-worker", "second-ingestion"
LOST = "ecs_stream_lost_total"
LEFT = "messages left a stream before its worker stored them"


def limit(nats, size):
    """As an operator does who changes the limit of a stream that exists."""
    config = dict(nats.stream("emotions")["config"], max_bytes=size)
    answer = nats.request("$JS.API.STREAM.UPDATE.emotions", config)
    assert answer["config"]["max_bytes"] == size, answer


def purge(nats, **what):
    assert nats.request("$JS.API.STREAM.PURGE.emotions", what)["success"]


@pytest.fixture
def small_stream(topology, nats):
    usual = nats.stream("emotions")["config"]["max_bytes"]
    purge(nats)
    limit(nats, STREAM_BYTES)
    yield
    limit(nats, usual)


@pytest.fixture
def two(topology):
    """Two ingestion services: the names of their processes and where they listen."""
    url = f"127.0.0.1:{free_port()}"
    topology.start(REPLICA, INGESTION, EMOTION_SERVICE_LISTEN=url)
    poll(lambda: topology.is_ready(topology.metrics_urls[REPLICA]), what="the replica to be ready")
    yield {INGESTION: topology.env["EMOTION_SERVICE_URL"], REPLICA: f"http://{url}"}
    assert topology.terminate(REPLICA) == 0
    del topology.processes[REPLICA]


def is_full(topology, name):
    return topology.metric(name, "ecs_stream_full", stream="emotions") == 1


def room(topology, name):
    answer = requests.get(topology.metrics_urls[name] + "/readyz", timeout=5)
    return answer.status_code, answer.json()["dependencies"]["room"]


def changes(topology, name):
    """How often a process said that a stream became full, and that one opened again."""
    log = topology.log_file(name).read_text()
    return log.count("stream is full"), log.count("stream has room again")


def losses(topology, name):
    """What a process said of emotions that left their stream unstored."""
    lines = topology.log_file(name).read_text().splitlines()
    return [line for line in lines if LEFT in line and "stream=emotions" in line]


def lost(topology, name):
    return topology.metric(name, LOST, stream="emotions")


def senders_of(topology, history, people, two):
    """To each of the two one that sends small batches and one that sends large ones."""
    return [
        BatchSender(url, topology.internal_key, history, person, lines)
        for person, (url, lines) in zip(people, itertools.product(two.values(), (37, 2000)))
    ]


def fill(topology, nats, senders, two):
    """Until both refuse, and then a bit longer; nothing may have left the stream."""
    first = nats.stream("emotions")["state"]["first_seq"]
    for sender in senders:
        sender.start()
    poll(lambda: all(is_full(topology, name) for name in two), 90, "both to find the stream full")
    refused = [sender.refused for sender in senders]
    poll(lambda: all(s.refused >= before + 5 for s, before in zip(senders, refused)), 60, "more to be refused")
    state = nats.stream("emotions")["state"]
    assert STREAM_BYTES - KEPT_FREE < state["bytes"] < STREAM_BYTES, state
    assert (state["first_seq"], state["messages"]) == (first, state["last_seq"] - first + 1), state
    for name in two:
        poll(lambda: room(topology, name) == (200, "down: the stream emotions is full"), 10, "readiness to say so")


def drain(topology, nats, senders):
    """The worker comes back, the operator removes what it has stored, and the senders get through."""
    for sender in senders:
        sender.stopping.set()
    topology.start(WORKER)
    poll(lambda: nats.backlog("emotions") == 0, 60, "the worker to store everything")
    [worker] = nats.consumers("emotions")
    purge(nats, seq=worker["ack_floor"]["stream_seq"] + 1)
    for sender in senders:
        sender.join(30)
        assert sender.sent > 0 and not sender.is_alive()


def test_a_stream_that_runs_full_without_its_worker_drops_nothing(topology, nats, db, load, small_stream, two):
    people = people_in_database(db, 4)
    history = History(people)
    before = {name: changes(topology, name) for name in two}
    told = {name: (lost(topology, name), losses(topology, name)) for name in two}
    with load(kinds=["emotion"], threads=2) as singles:
        for number in range(FILLS):
            assert topology.terminate(WORKER) == 0
            senders = senders_of(topology, history, people, two)
            fill(topology, nats, senders, two)
            drain(topology, nats, senders)
            singles.wait_for(50)
            for name, (full, open_again) in before.items():
                assert changes(topology, name) == (full + number + 1, open_again + number + 1), "one line a change"
    check(history, db, nats)
    singles.check()
    assert told == {name: (lost(topology, name), losses(topology, name)) for name in two}


def test_messages_that_leave_a_stream_unstored_are_an_alarm(topology, nats, load, small_stream):
    """Here by an operator's hand, who makes the limit too small for what is there."""
    counted, told = lost(topology, INGESTION), losses(topology, INGESTION)
    topology.terminate(WORKER)
    with load(kinds=["emotion"], threads=4) as running:
        running.wait_for(1000)
        first = nats.stream("emotions")["state"]["first_seq"]
        limit(nats, 1 << 16)
        assert nats.stream("emotions")["state"]["first_seq"] > first
        poll(lambda: lost(topology, INGESTION) > counted, 10, "the alarm")
        limit(nats, STREAM_BYTES)
    [worker] = nats.consumers("emotions")
    gone = nats.stream("emotions")["state"]["first_seq"] - 1 - worker["ack_floor"]["stream_seq"]
    poll(lambda: lost(topology, INGESTION) == counted + gone, 10, "each that is gone to be counted once")
    assert len(losses(topology, INGESTION)) > len(told)
    topology.start(WORKER)
    poll(lambda: nats.backlog("emotions") == 0, 30, "the worker to store the others")
