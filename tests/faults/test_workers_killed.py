# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed at random moments, or asked to end, while people live the whole journey:
nothing is lost or doubled."""

import pytest

from harness.offers import assert_each_active_once, offers_of
from harness.topology import SERVICES

WORKERS = [name for name, (listen, _) in SERVICES.items() if not listen]
HTTP_SERVICES = [name for name, (listen, _) in SERVICES.items() if listen]
LONGEST_LIFE = 400  # things asked for, between two kills


@pytest.fixture(scope="module", autouse=True)
def many_decisions(topology):
    """Each analysis decides anew after a second, so that there are many offers to accept."""
    usual = topology.env["DECISION_CACHE_SECONDS"]
    topology.env["DECISION_CACHE_SECONDS"] = "1"
    topology.restart("user-and-credit-service")
    yield
    topology.env["DECISION_CACHE_SECONDS"] = usual
    topology.restart("user-and-credit-service")


@pytest.mark.parametrize("worker", WORKERS)
def test_a_killed_worker_loses_and_doubles_nothing(topology, journey, times, dice, worker):
    mix = (2, 1, 6) if worker == "credit-application-worker" else (6, 4, 1)
    with journey(mix=mix) as running:
        for _ in range(times):
            running.wait_for(dice.randrange(50, LONGEST_LIFE))
            topology.kill(worker)
            running.wait_for(dice.randrange(0, 100))
            topology.start(worker)
        running.wait_for(100)
    assert running.history.codes[503] == running.history.codes["no answer"] == 0, "no client waits for a worker"
    running.check()


@pytest.mark.parametrize("service", HTTP_SERVICES)
def test_a_killed_service_loses_nothing_that_it_acknowledged(topology, journey, times, dice, service):
    with journey() as running:
        for _ in range(times):
            running.wait_for(dice.randrange(20, LONGEST_LIFE))
            topology.restart(service)
        running.wait_for(100)
    running.check()


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_that_is_asked_to_end_finishes_its_work(topology, journey, service):
    with journey() as running:
        running.wait_for(200)
        assert topology.terminate(service, within=10) == 0
        topology.start(service)
        topology.wait_ready()
        running.wait_for(50)
    # Nobody can connect to a gateway that is gone.
    assert service == "api-gateway-ecs" or not running.history.codes["no answer"]
    running.check()


def test_everything_killed_at_once_loses_nothing(topology, engines, journey):
    with journey() as running:
        running.wait_for(1000)
        for name in topology.names:
            topology.processes[name].kill()
        for name in ("postgres", "nats", "redis"):
            engines.kill(name)
        for name in topology.names:
            topology.processes[name].wait()
        engines.up()
        for name in topology.names:
            topology.start(name)
        topology.wait_ready(60)
        running.wait_for(200)
    running.check()


def test_a_service_killed_after_an_acceptance_still_publishes_it(topology, db, nats, pattern_token):
    offers = offers_of(topology, db, pattern_token, 8)
    for client, person, offer_id in offers:
        answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person})
        assert answer.status_code == 202
    topology.restart("user-and-credit-service")
    assert_each_active_once(db, nats, offers)
