# SPDX-License-Identifier: Apache-2.0
"""The network swallows what goes to PostgreSQL, and nobody is told: connections stay open and silent,
new ones are taken and never answered. Everything ends by our own deadlines, and goes on by itself."""

import ctypes
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.proxy import proxy_before
from harness.waiting import poll

SERVICE = "user-and-credit-service"
SETTINGS = {
    SERVICE: "USER_CREDIT_DATABASE_URL",
    "emotion-processing-worker": "EMOTION_WORKER_DATABASE_URL",
    "transaction-processing-worker": "TRANSACTION_WORKER_DATABASE_URL",
    "credit-application-worker": "CREDIT_WORKER_DATABASE_URL",
}
CLIENTS = 12  # more than the service has threads
DARK_SECONDS = 9  # beyond our deadline for a statement, 7 s, so that connections are tried too
ANSWERED_WITHIN = 10.5
PIDFD_GETFD = 438  # the number of the system call
BACK_WITHIN = 6  # an attempt to connect takes 3 s at most, and 1 s lies between two


@pytest.fixture
def proxies(topology, engines):
    """One before PostgreSQL for each service that wants for it."""
    made = []
    for service, setting in SETTINGS.items():
        proxy, url = proxy_before(engines.env[setting])
        made.append(proxy)
        topology.restart(service, **{setting: url})
    yield made
    for service in SETTINGS:
        topology.restart(service)
    for proxy in made:
        proxy.close()


def told_of_offers(people, until):
    """What many people at once are answered, again and again until that moment."""

    def ask(someone):
        told = []
        while time.monotonic() < until:
            told.append(someone.offers())
        return told

    with ThreadPoolExecutor(len(people)) as pool:
        return [answer for told in pool.map(ask, people) for answer in told]


def test_a_database_behind_a_black_hole_is_given_up_in_time_and_found_again(topology, proxies, person, journey):
    people = [person() for _ in range(CLIENTS)]
    with journey() as running:
        running.wait_for(300)
        for proxy in proxies:
            proxy.dark.set()
        told = told_of_offers(people, time.monotonic() + DARK_SECONDS)
        assert {answer.status_code for answer in told} == {503}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in told)
        assert max(answer.elapsed.total_seconds() for answer in told) <= ANSWERED_WITHIN
        assert not topology.is_ready(topology.metrics_urls[SERVICE])
        for proxy in proxies:
            proxy.dark.clear()
        poll(lambda: all(someone.offers().status_code == 200 for someone in people), BACK_WITHIN)
        topology.wait_ready(BACK_WITHIN)
        running.wait_for(300)
    running.check()


def sockets_of(pid):
    """The process's sockets, as copies."""
    process = os.pidfd_open(pid)
    for file in Path(f"/proc/{pid}/fd").iterdir():
        if os.readlink(file).startswith("socket:"):
            copy = ctypes.CDLL(None).syscall(PIDFD_GETFD, process, int(file.name), 0)
            if copy >= 0:
                with socket.socket(fileno=copy) as one:
                    yield one
    os.close(process)


def peer_port(one):
    try:
        return one.getpeername()[1]
    except (OSError, IndexError):
        return None


@pytest.mark.parametrize("service", SETTINGS)
def test_the_kernel_ends_a_connection_whose_bytes_nobody_acknowledges(topology, engines, service):
    port = urlsplit(engines.env[SETTINGS[service]]).port
    pid = topology.processes[service].pid

    def deadlines():
        return {one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) for one in sockets_of(pid) if peer_port(one) == port}

    assert poll(deadlines) == {5000}, "milliseconds"
