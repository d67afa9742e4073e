# SPDX-License-Identifier: Apache-2.0
"""Testing mode under a steady load: scaling, crashes and a new version replica by replica. No request
fails at the load balancer, nothing is lost, nothing is counted twice."""

import pytest

from harness.waiting import poll
from stack import GATEWAY, NGINX
from traffic import Traffic

MODE = "testing"

REPLICATED = [GATEWAY, "emotion-ingestion-service", "user-and-credit-service"]
WORKERS = ["emotion-processing-worker", "transaction-processing-worker", "credit-application-worker"]
ENGINES = ["redis", "nats", "postgres"]


def run_requests(traffic, count):
    goal = traffic.requests + count
    poll(lambda: traffic.requests >= goal, 60, f"{count} more requests")


def check_nothing_failed(traffic):
    assert traffic.failures == []
    emotions, payments = traffic.wait_stored()
    assert sorted(emotions) == sorted(traffic.emotions)
    assert sorted(payments) == sorted(traffic.payments)


def test_a_service_is_scaled_up_and_down_under_load(stack):
    with Traffic(stack) as traffic:
        run_requests(traffic, 50)
        for count in (3, 2):
            stack.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", f"emotion-ingestion-service={count}",
                          "emotion-ingestion-service")  # fmt: skip
            stack.wait_healthy("emotion-ingestion-service")
            run_requests(traffic, 150)
    check_nothing_failed(traffic)


@pytest.mark.parametrize("service", REPLICATED)
def test_a_replica_crashes_under_load(stack, service):
    with Traffic(stack) as traffic:
        run_requests(traffic, 100)
        for container in stack.containers(service):
            stack.crash(container)
            stack.wait_healthy(service)
            run_requests(traffic, 100)
    check_nothing_failed(traffic)


def test_a_gateway_vanishes_from_the_network_under_load(stack):
    """Nobody refuses a connection to it, and the list of gateways changes while one is waited for."""
    with Traffic(stack) as traffic:
        for container in 2 * stack.containers(GATEWAY):
            with stack.unplugged(container, "edge", GATEWAY):
                run_requests(traffic, 300)
            stack.wait_healthy(GATEWAY)
            poll(lambda: answers(stack, container), 30, "the load balancer to use it again")
    check_nothing_failed(traffic)


def answers(stack, container):
    """Whether the last requests that the load balancer passed on went to this container as well."""
    last = stack.compose("logs", "--no-color", "--tail", "40", NGINX).stdout
    return f'"upstream":"{stack.address(container, "edge")}:9999"' in last


def test_workers_crash_under_load(stack):
    with Traffic(stack) as traffic:
        for service in WORKERS:
            run_requests(traffic, 60)
            stack.crash(stack.containers(service)[0])
        stack.wait_healthy(*WORKERS)
    check_nothing_failed(traffic)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_crashes_under_load(stack, engine):
    """Without its only broker or database the system says so; what it acknowledged, it keeps."""
    with Traffic(stack) as traffic:
        run_requests(traffic, 100)
        stack.crash(stack.containers(engine)[0])
        stack.wait_healthy()
        run_requests(traffic, 100)
    refused = [failure for failure in traffic.failures if ": 503 " not in failure]
    assert refused == []
    if engine == "redis":
        assert traffic.failures == []
    traffic.wait_stored()


def test_a_new_version_is_rolled_out_under_load(stack):
    stack.run("docker", "build", "-q", "-t", "ecs:test-next", "--build-arg", "VERSION=next", ".")
    stack.environment["ECS_IMAGE"] = "ecs:test-next"
    services = [name for name in stack.services() if name not in (NGINX, *ENGINES)]
    with Traffic(stack) as traffic:
        run_requests(traffic, 50)
        print(stack.run("deploy/compose/roll.sh", *services, timeout=900).stdout)
        run_requests(traffic, 50)
    for service in services:
        versions = {stack.inspect(it)["Config"]["Labels"]["org.opencontainers.image.version"] for it in stack.containers(service)}
        assert versions == {"next"}, service
        assert len(stack.containers(service)) == (2 if service in REPLICATED else 1)
    check_nothing_failed(traffic)
