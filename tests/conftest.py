# SPDX-License-Identifier: Apache-2.0
"""Fixtures that the integration and the fault tests share. `topology` is theirs to define."""

import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import people  # noqa: E402
from harness import external  # noqa: E402
from harness.engines import BINARY, Engines  # noqa: E402
from harness.nats import Nats  # noqa: E402
from harness.topology import Topology  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: make build", 2)
    # A shell that runs the tests in the background has them ignore Ctrl-C, and what they start too. Processes of
    # pytest-xdist inherit it, and may run their tests on another thread than the one that may ask for it.
    if not hasattr(session.config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows the end of each process's log."""
    outcome = yield
    report = outcome.get_result()
    topologies = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Topology)]
    for topology in topologies if report.failed else []:
        for name in topology.names:
            report.sections.append((f"log of {name}", topology.log_tail(name)))


@pytest.fixture(scope="session")
def engines():
    running = external.ExternalEngines() if external.named() else Engines()
    yield running
    running.down()


@pytest.fixture(scope="session")
def db(engines):
    """A function that runs SQL as the owner of the tables and answers the rows, if there are any."""
    state = SimpleNamespace(connection=engines.connect())

    def once(sql, parameters):
        with state.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    def run(sql, *parameters):
        try:
            return once(sql, parameters)
        except (psycopg2.InterfaceError, psycopg2.OperationalError):
            # A test took the database away and brought it back.
            state.connection = engines.connect()
            return once(sql, parameters)

    yield run
    state.connection.close()


@pytest.fixture
def nats(engines):
    with Nats(engines.env["NATS_URL"]) as connection:
        yield connection


@pytest.fixture
def gateway(topology):
    """Where raw sockets go: .host and .port."""
    return SimpleNamespace(host=topology.host, port=topology.port)


@pytest.fixture
def anybody(topology):
    """A client without any credential."""
    return people.Api(topology.url)


@pytest.fixture
def sender(topology):
    """A client with the internal key."""
    return people.Api(topology.url, {"X-Internal-Key": topology.internal_key})


@pytest.fixture
def person(topology):
    """Makes people: person(), person(consent=False)."""
    return lambda **options: people.Person(topology, **options)
