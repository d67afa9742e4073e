# SPDX-License-Identifier: Apache-2.0
"""A process may open no more files, under load: it waits without spinning and then goes on."""

import resource
import socket

import pytest
import requests

from harness.process import cpu_seconds, open_files
from harness.waiting import poll, steady

WATCHED = 3.0  # seconds
# A tick ten times a second and what the load costs; a spinning loop takes all of it.
BUSY_AT_MOST = 0.6


@pytest.fixture
def starve(topology):
    """starve(service, room): leaves room for that many further files; ends with the old limits."""
    before = []

    def lower(service, room):
        pid = topology.processes[service].pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        before.append((pid, (soft, hard)))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_files(pid) + room, hard))
        return pid

    yield lower
    for pid, limits in before:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def test_a_gateway_without_files_waits_and_answers_again(topology, load, starve):
    gateway = "api-gateway-ecs"
    idle = []
    with load(threads=2) as running:
        running.wait_for(200)
        pid = starve(gateway, room=10)
        try:
            for _ in range(60):
                idle.append(socket.create_connection((topology.host, topology.port), timeout=5))
            poll(lambda: "file" in topology.log_tail(gateway, 5).lower(), 10, "the lack to be logged")
            # Those who are connected are served on.
            running.wait_for(200)
            running.stop()
            used = cpu_seconds(pid)
            steady(lambda: topology.processes[gateway].poll() is None, WATCHED)
            assert cpu_seconds(pid) - used <= BUSY_AT_MOST
            said = topology.log_tail(gateway, 30).lower().count("file")
            assert said <= 4, "one line a change, not one a connection"
        finally:
            for one in idle:
                one.close()
        poll(lambda: requests.get(topology.url + "/healthz", timeout=5).status_code == 200, 5)
    with load() as running:
        running.wait_for(300)
    running.check()


@pytest.mark.parametrize("worker", ["emotion-processing-worker", "transaction-processing-worker"])
def test_a_worker_without_files_waits_and_drains(topology, engines, load, starve, worker):
    with load() as running:
        running.wait_for(200)
        pid = starve(worker, room=0)
        # Its connections end, and it can open no new ones.
        engines.as_superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'ecs\\_%worker'")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        used = cpu_seconds(pid)
        steady(lambda: topology.processes[worker].poll() is None, WATCHED)
        assert cpu_seconds(pid) - used <= BUSY_AT_MOST
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1024, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        running.wait_for(200)
    running.check()
