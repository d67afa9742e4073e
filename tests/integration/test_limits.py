# SPDX-License-Identifier: Apache-2.0
"""What bounds time, connections and queues: who is beyond a bound is told so, and the others are
served."""

import resource
import select
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from harness.gateway import Gateway
from harness.people import Api, Person
from harness.raw import Raw
from harness.requests_as_bytes import request
from harness.topology import Topology
from harness.waiting import free_port, poll, steady
from problems import assert_problem

IDLE = 10000
ROOM, BEYOND = 20, 5


@pytest.fixture(scope="module")
def small(engines):
    """All services with little room and little patience."""
    running = Topology(
        "all", engines, HTTP_WORKERS="1", HTTP_QUEUE="4", REQUEST_TIMEOUT_MS="1500", IDLE_TIMEOUT_MS="1500",
    )  # fmt: skip
    yield running
    assert set(running.stop().values()) == {0}


@pytest.fixture
def narrow(engines):
    """All services with room for few connections, none of which is open."""
    running = Topology("all", engines, MAX_CONNECTIONS=str(ROOM))
    # The one that asks for the metric is counted too.
    poll(lambda: running.metric("api-gateway-ecs", "ecs_http_connections") == 1, 5, "the probes' connections to end")
    yield running
    assert set(running.stop().values()) == {0}


def cut_off_after(connection, byte=b"a"):
    """Sends a byte every 100 ms until the other side answers or closes; answers the seconds it took."""
    connection.socket.settimeout(0.1)
    started = time.monotonic()

    def ended():
        try:
            connection.send(byte)
            return connection.socket.recv(1) is not None
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    poll(ended, 10, "the slow client to be cut off")
    return time.monotonic() - started


@pytest.mark.parametrize(
    "begun",
    [
        "GET /",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
        "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff0\r\n",
    ],
    ids=["in the first line", "in the head", "in the body", "in a chunk"],
)
def test_a_byte_now_and_then_is_cut_off(small, begun):
    with Raw(small) as connection:
        connection.send(begun)
        assert 1 < cut_off_after(connection) < 5


def test_who_says_nothing_is_closed(small):
    with Raw(small, timeout=10) as connection:
        started = time.monotonic()
        assert connection.closed()
        assert 1 < time.monotonic() - started < 5


def test_who_does_not_take_his_answers_is_closed(small):
    """He asks without end and reads nothing: his answers must not pile up."""
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 500

    def closed():
        try:
            connection.socket.settimeout(0.1)
            connection.send(ask)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False

    with Raw(small) as connection:
        poll(closed, 20, "the client that reads nothing to be closed")
    assert Api(small.url).get("/healthz").status_code == 200


def test_a_full_queue_sheds_load(small, db, engines):
    """The one thread waits for a locked table: some requests wait with it, the others are refused at
    once, and when the lock is gone all is well."""
    person = Person(small)
    holder = engines.connect()
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE credit_limits IN ACCESS EXCLUSIVE MODE")
    with ThreadPoolExecutor(24) as pool:
        waiting = [pool.submit(person.offers) for _ in range(24)]
        poll(lambda: sum(w.done() for w in waiting) >= 24 - 5, 15, "those beyond the queue to be refused")
        started = time.monotonic()
        refused = person.offers()
        assert time.monotonic() - started < 1
        assert Api(small.url).get("/healthz").status_code == 200
        holder.rollback()
        holder.close()
        answers = [w.result() for w in waiting]
    assert_problem(refused, 503)
    assert int(refused.headers["Retry-After"]) >= 1
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert person.offers().status_code == 200
    assert small.metric("user-and-credit-service", "ecs_http_overloaded_total") >= 19


def test_thousands_of_idle_connections_leave_the_others_served(topology, gateway, anybody):
    """10,000, or as many as the system lets this process and that one open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = hard if hard != resource.RLIM_INFINITY else IDLE + 1000
    theirs = resource.prlimit(topology.processes[topology.names[0]].pid, resource.RLIMIT_NOFILE)[0]
    wanted = min(IDLE, room - 500, theirs - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(room, wanted + 500)), hard))
    idle = []
    try:
        for _ in range(wanted):
            idle.append(Raw(gateway))
        for _ in range(20):
            assert anybody.get("/healthz").elapsed.total_seconds() < 1
        fresh = Api(topology.url).get("/healthz")
        assert fresh.status_code == 200 and fresh.elapsed.total_seconds() < 1
    finally:
        for connection in idle:
            connection.__exit__()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert wanted >= 700


def test_a_process_may_open_as_many_files_as_the_system_allows(engines):
    """Not as many as a shell's soft limit, which is below MAX_CONNECTIONS."""
    gateway = Gateway(engines, f"http://127.0.0.1:{free_port()}", command=["prlimit", "--nofile=512:"])
    try:
        poll(gateway.is_up, 15, "the gateway to start")
        soft, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
    finally:
        gateway.stop()
    assert soft == hard


def test_who_comes_beyond_the_limit_of_connections_waits_until_others_leave(narrow):
    """He is neither refused nor answered, those inside are served meanwhile, and the log says it once."""

    def warnings():
        return narrow.logs().count("connection limit reached")

    def ask(connections):
        for connection in connections:
            connection.send(request("GET", "/healthz"))

    def statuses(connections):
        return [connection.answer().status for connection in connections]

    before = warnings()
    with ExitStack() as opened:
        everybody = [opened.enter_context(Raw(narrow)) for _ in range(ROOM + BEYOND)]
        inside, beyond = everybody[:ROOM], everybody[ROOM:]
        ask(everybody)
        assert statuses(inside) == [200] * ROOM
        # A connection that was closed or reset would be readable as well.
        sockets = [connection.socket for connection in beyond]
        steady(lambda: select.select(sockets, [], [], 0)[0] == [], 0.5, "those beyond the limit hear nothing yet")
        ask(inside)
        assert statuses(inside) == [200] * ROOM
        assert warnings() == before + 1
        for connection in inside[: 2 * BEYOND]:
            connection.__exit__()
        assert statuses(beyond) == [200] * BEYOND
    assert warnings() == before + 1
