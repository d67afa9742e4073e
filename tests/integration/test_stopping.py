# SPDX-License-Identifier: Apache-2.0
"""What comes when the time that a process gave itself to stop has run out."""

import json
import signal
from contextlib import closing

import pytest

from harness.people import Person
from harness.raw import Raw
from harness.requests_as_bytes import request
from harness.topology import Topology
from harness.waiting import poll

CONSENT = "/v1/users/{}/consents/emotional_data"


@pytest.fixture
def hurried(engines):
    """All services in one process, which waits for a second."""
    running = Topology("all", engines, SHUTDOWN_SECONDS="1")
    yield running
    assert running.stop() == {"all": 0}


def test_the_end_of_a_slow_request_comes_while_the_process_waits_for_a_thread(hurried, engines, db):
    """One thread is held up by a lock, so that the process still waits for it when the rest of a request
    comes that has to be handed to such a thread."""
    person, process, since = Person(hurried), hurried.processes["all"], len(hurried.logs())
    body = json.dumps({"granted": False})
    headers = f"Authorization: Bearer {person.token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head = request("PUT", CONSENT.format(person.id), headers=headers)
    with closing(engines.connect()) as connection, Raw(hurried) as slow, Raw(hurried) as held:
        connection.autocommit = False
        connection.cursor().execute("SELECT pg_advisory_xact_lock(hashtext('emotional_data'))")
        slow.send(head + body[:3].encode())
        held.send(head + body.encode())
        poll(lambda: db("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), 5, "a thread to wait")
        process.send_signal(signal.SIGTERM)
        poll(lambda: hurried.log_tail("all", 1).endswith(" - stopped process=ecs"), 5, "the loop to have ended")
        slow.send(body[3:])
        connection.rollback()
        assert process.wait(5) == 0
        assert "does not answer" not in hurried.logs()[since:], "it ended by itself"
        answer = slow.answer()
        assert answer is None or answer.status == 503
