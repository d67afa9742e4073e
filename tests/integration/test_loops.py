# SPDX-License-Identifier: Apache-2.0
"""Several event loops in a process: each serves its share of the connections over a broker connection of
its own, and what one of them knows the others know."""

import json
import uuid
from urllib.parse import urlsplit

from harness.people import emotion
from harness.raw import Raw
from harness.threads import connections_to, http_threads, processor_time
from topologies import one_process_each

GATEWAY, EMOTIONS = "api-gateway-ecs", "emotion-ingestion-service"
CONNECTIONS, ROUNDS = 16, 20


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


@one_process_each
def test_every_loop_has_its_share_of_the_work(topology, person):
    request = stream(topology, emotion(person().id))
    connections = connect(topology)
    tasks = http_threads(topology, GATEWAY) + http_threads(topology, EMOTIONS)
    assert len(tasks) == 4
    before = [processor_time(task) for task in tasks]
    for _ in range(ROUNDS):
        assert answers(connections, request) == [202] * CONNECTIONS
    spent = [processor_time(task) - was for task, was in zip(tasks, before)]
    assert min(spent[:2]) > max(spent[:2]) / 4, spent
    assert min(spent) > 0, spent


@one_process_each
def test_every_loop_has_a_connection_to_the_broker_of_its_own(topology):
    broker = urlsplit(topology.env["NATS_URL"])
    assert connections_to(topology.processes[EMOTIONS].pid, broker.port) == 2


@one_process_each
def test_a_key_that_went_through_one_loop_is_known_to_all(topology, person):
    someone, key = person(), f"Idempotency-Key: {uuid.uuid4()}"
    first = stream(topology, emotion(someone.id, positivity=0.25), key)
    other = stream(topology, emotion(someone.id, positivity=0.75), key)
    connections = connect(topology)
    assert answers(connections[:1], first) == [202]
    assert answers(connections, first) == [202] * CONNECTIONS
    assert answers(connections, other) == [422] * CONNECTIONS


@one_process_each
def test_a_cached_answer_is_given_by_every_loop(topology, steady_person):
    known = steady_person.analyse().json()
    request = "\r\n".join([
        f"POST /v1/users/{steady_person.id}/credit-analysis HTTP/1.1", "Host: h",
        f"Authorization: Bearer {steady_person.token}", "Content-Length: 0", "", "",
    ])  # fmt: skip
    connections = connect(topology)
    for connection in connections:
        connection.send(request)
    told = [json.loads(connection.answer().body) for connection in connections]
    assert {answer["decision_id"] for answer in told} == {known["decision_id"]}
    assert all(answer["cached"] for answer in told)
