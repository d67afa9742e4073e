# SPDX-License-Identifier: Apache-2.0
"""What an event costs, counted and not timed: so that a change which makes the hot path dearer is seen on
any machine. Events come 64 at a time on 64 connections, as many clients send them."""

import json
import re
import subprocess

import pytest

from harness.engines import INSTRUMENTED
from harness.people import emotion
from harness.raw import Raw
from harness.threads import http_threads
from harness.waiting import poll
from topologies import in_one_process, one_process_each

CONNECTIONS, ROUNDS = 64, 50
EVENTS = CONNECTIONS * ROUNDS


def switches(task):
    """How often a thread has given its processor away to wait."""
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])


class Clients:
    def __init__(self, topology, person):
        body = json.dumps(emotion(person.id))
        self.request = (
            f"POST /v1/emotions/stream HTTP/1.1\r\nHost: h\r\nX-Internal-Key: {topology.internal_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        self.connections = [Raw(topology) for _ in range(CONNECTIONS)]

    def send_all(self, rounds=ROUNDS):
        for _ in range(rounds):
            for connection in self.connections:
                connection.send(self.request)
            for connection in self.connections:
                assert connection.answer().status == 202

    def close(self):
        for connection in self.connections:
            connection.__exit__()


@pytest.fixture
def clients(topology, person):
    if INSTRUMENTED:
        pytest.skip("a sanitizer makes system calls of its own")
    running = Clients(topology, person())
    running.send_all(rounds=2)
    yield running
    running.close()


def is_traced(task):
    return "TracerPid:\t0" not in (task / "status").read_text()


def system_calls(tasks, work):
    """How many of each some threads make during the work."""
    with subprocess.Popen(
        ["strace", "-c", "-qq", "-U", "calls,name", "-o", "/dev/stdout", *(f"-p{task.name}" for task in tasks)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as tracer:  # fmt: skip
        poll(lambda: all(is_traced(task) for task in tasks), 10, "strace to be attached")
        work()
        tracer.terminate()
        counted, failed = tracer.communicate(timeout=10)
    found = {name: int(calls) for calls, name in re.findall(r"^\s*(\d+)\s+(\w+)$", counted, re.M) if name != "total"}
    assert found, counted + failed
    return found


@in_one_process
def test_an_event_takes_a_read_a_write_and_a_share_of_a_wait(topology, clients):
    counted = system_calls(http_threads(topology, "all"), clients.send_all)
    total = sum(counted.values())
    assert EVENTS * 2 <= total <= EVENTS * 2.7, counted
    assert counted.get("epoll_ctl", 0) <= EVENTS * 0.05, counted
    assert counted.get("getrandom", 0) <= EVENTS * 0.25, counted


@in_one_process
def test_waiting_is_shared_by_many_events(topology, clients):
    [task] = http_threads(topology, "all")
    before = switches(task)
    clients.send_all()
    assert switches(task) - before <= EVENTS * 0.5


@in_one_process
def test_a_message_of_the_broker_carries_many_events(topology, clients):
    def published(name):
        return topology.metric("emotion-ingestion-service", name, subject="user.emotions.topic")

    lines, messages = published("ecs_events_published_total"), published("ecs_publish_messages_total")
    clients.send_all()
    lines, messages = published("ecs_events_published_total") - lines, published("ecs_publish_messages_total") - messages
    assert lines == EVENTS
    assert messages <= EVENTS * 0.25


@one_process_each
def test_a_forwarded_event_takes_a_read_and_a_write_more(topology, clients):
    counted = system_calls(http_threads(topology, "api-gateway-ecs"), clients.send_all)
    total = sum(counted.values())
    assert EVENTS * 4 <= total <= EVENTS * 5, counted
    assert counted.get("epoll_ctl", 0) <= EVENTS * 0.05, counted
