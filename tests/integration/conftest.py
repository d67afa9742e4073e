# SPDX-License-Identifier: Apache-2.0
"""Every test that takes `topology` runs twice: all services in one process, and one process each; or
once, against a system that others started (harness/external.py)."""

import pytest

from harness import external
from harness.description import Description
from harness.people import Api, now
from harness.topology import Topology
from harness.waiting import poll


@pytest.fixture(scope="session", params=["external"] if external.named() else ["all", "services"])
def topology(request, engines):
    if request.param == "external":
        yield external.ExternalTopology(engines)
        return
    running = Topology(request.param, engines)
    yield running
    codes = running.stop()
    assert set(codes.values()) == {0}, f"exit codes after SIGTERM: {codes}"


@pytest.fixture(scope="session", autouse=True)
def described():
    """Whatever a test asks, the answer is one that the API's description knows."""
    Api.watch = Description().check
    yield
    Api.watch = None


@pytest.fixture
def steady_person(person, db):
    """Somebody with many transactions and good days: approved by any sensible model."""
    someone = person()
    for day in range(1, 21):
        someone.pay(120, occurredAt=now(days=-day))
    for day in range(1, 6):
        someone.feel(positivity=0.9, stress=0.05, at=now(days=-day))
    poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(20,)])
    poll(lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", someone.id) == [(5,)])
    return someone


@pytest.fixture
def strained_person(person, db):
    """Somebody with hardly any transaction and much stress: denied by any sensible model."""
    someone = person()
    for hour in range(40):
        someone.feel(positivity=0.02, stress=0.99, at=now(hours=-hour))
    poll(lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", someone.id) == [(40,)])
    return someone
