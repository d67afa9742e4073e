# SPDX-License-Identifier: Apache-2.0
"""A consumer to which nothing is delivered any more although messages wait, as some faults of
nats-server leave one: the worker notices, and subscribes anew."""

import re

import pytest

from harness.proxy import PASS, proxy_before
from harness.waiting import poll

WORKER = "emotion-processing-worker"
SAYS = "messages wait but none comes, subscribing anew"
STALLED_FOR = 30  # seconds, after which a worker subscribes anew
SUBSCRIBES = re.compile(rb"SUB (\S+)\.\* +(\d+)\r\n")
ASKS = re.compile(rb"PUB \$JS\.API\.CONSUMER\.MSG\.NEXT\.\S+ (\S+)\.\d+ \d+\r\n")


class Deafening:
    """Judges what a worker sends to the broker: once armed, it ends the subscription to which the
    worker has messages sent. The worker is not told, and goes on asking."""

    def __init__(self):
        self.numbers, self.armed, self.ended = {}, False, None

    def __call__(self, data):
        self.numbers.update(SUBSCRIBES.findall(data))
        asked = ASKS.search(data)
        if not self.armed or not asked or self.ended:
            return PASS
        self.ended = self.numbers[asked[1]]
        return data[: asked.start()] + b"UNSUB " + self.ended + b"\r\n" + data[asked.start() :]


@pytest.fixture
def deafen(topology, engines):
    """deafen() has the worker hear nothing of its stream, until it subscribes anew."""
    judge = Deafening()
    proxy, url = proxy_before(engines.env["NATS_URL"], judge)
    topology.restart(WORKER, NATS_URL=url, WORKER_THREADS="1")

    def arm():
        judge.armed = True
        poll(lambda: judge.ended, 5, "the subscription to be ended")

    yield arm
    topology.restart(WORKER)
    proxy.close()


def test_a_worker_that_hears_nothing_of_what_waits_subscribes_anew(topology, nats, load, deafen):
    log = topology.log_file(WORKER)
    with load(threads=2) as running:
        running.wait_for(300)
        since = len(log.read_text())
        deafen()
        running.wait_for(300)
        poll(lambda: nats.backlog("emotions") > 200, 10, "messages to wait")
        poll(lambda: topology.metric(WORKER, "ecs_consumer_pending") > 200, 10, "the metric to say so")
        poll(lambda: SAYS in log.read_text()[since:], STALLED_FOR + 10, "the worker to notice")
        running.wait_for(100)
    running.check()
    assert log.read_text()[since:].count(SAYS) == 1
