# SPDX-License-Identifier: Apache-2.0
"""The broker is away or hangs for long, under load: 503 in time, no spinning, no growing memory, and
everything goes on by itself. Three minutes are longer than a client's usual 60 attempts to connect."""

import time
from urllib.parse import urlsplit

import pytest
import requests

from conftest import LONG

from harness.process import cpu_seconds, memory_kib
from harness.waiting import poll, steady

# In the short form still longer than those 60 attempts take.
AWAY_SECONDS = 180 if LONG else 24
HANGING_SECONDS = 20 if LONG else 7
GROWTH_AT_MOST = 16 << 10  # KiB
BACK_WITHIN = 5
WITH_BROKER = [
    "emotion-ingestion-service", "transaction-service", "user-and-credit-service",
    "emotion-processing-worker", "transaction-processing-worker", "credit-application-worker",
]  # fmt: skip


@pytest.mark.parametrize("fault, seconds", [("kill", AWAY_SECONDS), ("pause", HANGING_SECONDS)])
def test_a_broker_long_away_costs_neither_memory_nor_time(topology, engines, load, fault, seconds):
    pids = {name: topology.processes[name].pid for name in WITH_BROKER}
    # Clients that give up later than the broker comes back.
    with load(patience=seconds + 60) as running:
        running.wait_for(500)
        memory = {name: memory_kib(pid) for name, pid in pids.items()}
        getattr(engines, fault)("nats")
        try:
            poll(lambda: running.codes[503] >= 10, 10, "events to be refused")
            cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
            steady(lambda: all(topology.processes[name].poll() is None for name in pids), seconds)
            # Refusing costs something, waiting does not: a spinning thread would take all of it.
            used = {name: cpu_seconds(pid) - cpu[name] for name, pid in pids.items()}
            assert all(used[name] <= 0.3 * seconds for name in WITH_BROKER), used
            grown = {name: memory_kib(pid) - memory[name] for name, pid in pids.items()}
            assert all(size <= GROWTH_AT_MOST for size in grown.values()), grown
        finally:
            if fault == "kill":
                engines.up()
            else:
                engines.resume("nats")
        taken, back = running.acknowledged(), time.monotonic()
        poll(lambda: running.acknowledged() > taken, 15, "events to be taken again")
        assert time.monotonic() - back <= BACK_WITHIN + 1
        running.wait_for(300)
        for name in WITH_BROKER:
            poll(lambda: requests.get(topology.metrics_urls[name] + "/readyz", timeout=5).status_code == 200, 10)
            assert topology.processes[name].pid == pids[name], "the same process goes on"
    running.check()
    assert running.slowest < 6


def test_a_process_that_the_broker_refuses_for_good_says_so_and_ends(topology, engines):
    worker, log = "emotion-processing-worker", topology.log_file("emotion-processing-worker")
    topology.kill(worker)
    since = len(log.read_text())
    url = engines.env["NATS_URL"]
    try:
        topology.start(worker, NATS_URL=url.replace(f":{urlsplit(url).password}@", ":wrong@"))
        assert poll(lambda: topology.processes[worker].poll(), 15, "the process to end") == 1
        # One a connection, when both are refused in the same moment.
        said = [line for line in log.read_text()[since:].splitlines() if "closed for good" in line]
        assert 1 <= len(said) <= 2 and "credentials" in said[0] and ":wrong" not in said[0]
    finally:
        topology.restart(worker)
