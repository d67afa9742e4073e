# SPDX-License-Identifier: Apache-2.0
"""The services as one process each, so that each can fail alone; short deadlines where a test would
wait for long ones. Every test leaves everything running."""

import os
import random

import pytest

from harness.clock import Clock
from harness.journey import Journey
from harness.load import Load
from harness.people import Person
from harness.topology import Topology

LONG = os.environ.get("FAULTS_LONG") == "1"
# What is random in a run follows from this; all its processes share it. The same number gives the same moments,
# though files of tests may meet in another order.
SEED = os.environ.get("FAULTS_SEED") or os.environ.setdefault("FAULTS_SEED_DRAWN", str(random.randrange(10**9)))


def pytest_report_header(config):
    return f"random moments: FAULTS_SEED={SEED}; " + ("long form" if LONG else "short form")


def pytest_terminal_summary(terminalreporter):
    """What tests recorded of their run, such as the rare paths that ran."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, said in report.user_properties:
            terminalreporter.section(name)
            terminalreporter.write_line(said)


@pytest.fixture(scope="session")
def topology(engines):
    running = Topology(
        "services", engines,
        BREAKER_OPEN_SECONDS="2", ACK_WAIT_MS="2000", DECISION_CACHE_SECONDS="300",
    )  # fmt: skip
    yield running
    codes = running.stop()
    assert set(codes.values()) == {0}, f"exit codes after SIGTERM: {codes}"


@pytest.fixture(scope="session")
def pattern_token(topology):
    return Person(topology).token


@pytest.fixture
def load(topology, db, pattern_token):
    """Makes a load: with load(threads=4) as running: ..."""
    return lambda **options: Load(topology, db, pattern_token, **options)


@pytest.fixture
def journey(request, topology, db, pattern_token):
    """Makes clients that also borrow: with journey() as running: ...; running.check()"""
    return lambda **options: Journey(topology, db, pattern_token, f"{SEED} {request.node.nodeid}", **options)


@pytest.fixture
def lived(journey):
    """Two clients live the journey all through a test, and what they were promised holds at its end."""
    with journey(threads=2) as running:
        yield running
    running.check()


@pytest.fixture
def loaded(load):
    """The same with events only: for tests that count what else is asked for."""
    with load(threads=2) as running:
        yield running
    running.check()


@pytest.fixture
def clock(topology):
    """The clock of all services: clock.jump_to(3600)"""
    with Clock(topology) as ours:
        yield ours


@pytest.fixture
def times():
    """How often a random fault is repeated."""
    return 20 if LONG else 5


@pytest.fixture
def dice(request):
    """Random numbers of a test's own, by the run's seed."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(autouse=True)
def all_well(engines, topology):
    """A test begins with everything running, whatever the one before did."""
    for name in ("postgres", "nats", "redis"):
        try:
            engines.resume(name)
        except (FileNotFoundError, ProcessLookupError):
            pass
    engines.up()
    for name, process in topology.processes.items():
        if process.poll() is not None:
            topology.start(name)
    topology.wait_ready(60)
