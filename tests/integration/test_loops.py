# SPDX-License-Identifier: Apache-2.0
"""Several event loops in a process: each serves its share of the connections over a broker connection of
its own, and what one of them knows the others know."""

import json
import re
import time
import uuid
from urllib.parse import urlsplit

import pytest

from harness.people import Person, emotion
from harness.raw import Raw
from harness.statements import statements_logged
from harness.threads import connections_to, http_threads, processor_time
from harness.topology import Topology

GATEWAY, EMOTIONS = "api-gateway-ecs", "emotion-ingestion-service"
CREDIT = "user-and-credit-service"
LOOPS = 3
CONNECTIONS, ROUNDS = 18, 20


@pytest.fixture(scope="module", params=["all", "services"])
def looped(request, engines):
    """Services that have several loops each."""
    running = Topology(request.param, engines, HTTP_LOOPS=str(LOOPS))
    yield running
    assert set(running.stop().values()) == {0}


def stream(topology, body, *headers):
    """One event as bytes."""
    text = json.dumps(body)
    lines = [
        "POST /v1/emotions/stream HTTP/1.1", "Host: h", f"X-Internal-Key: {topology.internal_key}",
        "Content-Type: application/json", f"Content-Length: {len(text)}", *headers, "", text,
    ]  # fmt: skip
    return "\r\n".join(lines)


def connect(topology):
    return [Raw(topology) for _ in range(CONNECTIONS)]


def answers(connections, request):
    for connection in connections:
        connection.send(request)
    return [connection.answer().status for connection in connections]


def spent_by(tasks, work):
    """The processor time that each thread had meanwhile."""
    before = [processor_time(task) for task in tasks]
    work()
    return [processor_time(task) - was for task, was in zip(tasks, before)]


def test_every_loop_has_its_share_of_the_work(looped):
    request = stream(looped, emotion(Person(looped).id))
    connections = connect(looped)

    def send_all():
        for _ in range(ROUNDS):
            assert answers(connections, request) == [202] * CONNECTIONS

    for service in (GATEWAY, EMOTIONS):
        tasks = http_threads(looped, looped.process_of(service))
        assert len(tasks) == LOOPS
        spent = spent_by(tasks, send_all)
        assert min(spent) > max(spent) / 4, (service, spent)


def test_every_loop_that_publishes_has_a_connection_to_the_broker_of_its_own(looped):
    broker = urlsplit(looped.env["NATS_URL"])
    connected = {name: connections_to(process.pid, broker.port) for name, process in looped.processes.items()}
    if looped.name == "all":
        # One for every worker's thread: two of each processing worker, one of the other.
        assert connected == {"all": LOOPS + 5}
    else:
        assert (connected[EMOTIONS], connected[CREDIT], connected[GATEWAY]) == (LOOPS, 1, 0)


def test_a_key_that_went_through_one_loop_is_known_to_all(looped):
    someone, key = Person(looped), f"Idempotency-Key: {uuid.uuid4()}"
    first = stream(looped, emotion(someone.id, positivity=0.25), key)
    other = stream(looped, emotion(someone.id, positivity=0.75), key)
    connections = connect(looped)
    assert answers(connections[:1], first) == [202]
    assert answers(connections, first) == [202] * CONNECTIONS
    assert answers(connections, other) == [422] * CONNECTIONS


def test_a_cached_answer_is_given_by_every_loop(looped, engines):
    """By the loop itself: hardly a request comes to a thread that asks PostgreSQL."""
    with statements_logged(engines, looped, CREDIT, "ecs_user_credit"):
        someone = Person(looped)
        known = someone.analyse().json()
        request = "\r\n".join([
            f"POST /v1/users/{someone.id}/credit-analysis HTTP/1.1", "Host: h",
            f"Authorization: Bearer {someone.token}", "Content-Length: 0", "", "",
        ])  # fmt: skip
        connections = connect(looped)
        for _ in range(3):
            answers(connections, request)
        before, begun = len(engines.log("postgres")), time.monotonic()
        for _ in range(ROUNDS):
            for connection in connections:
                connection.send(request)
            told = [json.loads(connection.answer().body) for connection in connections]
            assert {(answer["decision_id"], answer["cached"]) for answer in told} == {(known["decision_id"], True)}
        took = time.monotonic() - begun
    asked = re.findall(r"LOG:  (?:statement: |execute (?:<unnamed>: )?)lock_person", engines.log("postgres")[before:])
    assert len(asked) <= 3 + took / 0.7, f"of {ROUNDS * CONNECTIONS}"
