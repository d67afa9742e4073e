# SPDX-License-Identifier: Apache-2.0
"""Services behind Unix domain sockets that are killed or asked to end while they are called."""

import signal

import pytest

from harness.load import Load
from harness.people import Person
from harness.topology import Topology
from harness.waiting import poll

SERVICES = ["emotion-ingestion-service", "transaction-service"]


@pytest.fixture(scope="module")
def sockets(engines):
    running = Topology("sockets", engines)
    yield running
    assert set(running.stop().values()) == {0}


@pytest.fixture
def calls(sockets, db):
    return Load(sockets, db, Person(sockets).token)


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_loses_nothing_that_it_acknowledged(sockets, calls, times, dice, service):
    with calls:
        for _ in range(times):
            calls.wait_for(dice.randrange(20, 300))
            sockets.restart(service)
        calls.wait_for(100)
    calls.check()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_asked_to_end_finishes_its_work(sockets, calls, service):
    with calls:
        calls.wait_for(200)
        assert sockets.terminate(service, within=10) == 0
        sockets.start(service)
        sockets.wait_ready()
        calls.wait_for(100)
    assert not calls.history.codes["no answer"]
    calls.check()


def test_a_service_that_hangs_is_given_up_and_found_again(sockets, calls):
    """Its socket goes on taking connections, so that only deadlines tell."""
    process = sockets.processes["emotion-ingestion-service"]
    with calls:
        calls.wait_for(200)
        process.send_signal(signal.SIGSTOP)
        try:
            poll(lambda: not sockets.is_ready(sockets.url), 10, "the gateway to miss it")
        finally:
            process.send_signal(signal.SIGCONT)
        sockets.wait_ready()
        calls.wait_for(100)
    calls.check()
