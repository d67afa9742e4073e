# SPDX-License-Identifier: Apache-2.0
"""The broker, the database and the cache: gone, hanging, and back."""

import re
import time
from collections import Counter

import pytest
import requests

from conftest import LONG

from harness.offers import assert_each_active_once, offers_of
from harness.people import emotion
from harness.waiting import poll, steady

STREAM = "/v1/emotions/stream"
WITH_BROKER = ("emotion-ingestion-service", "emotion-processing-worker", "user-and-credit-service")
CONNECTIONS_OF_A_NAME = 4  # each of a service's threads has one
DATABASE_AWAY_SECONDS = 30 if LONG else 3


def readiness(topology, service):
    """Status and body of a process's /readyz."""
    answer = requests.get(topology.metrics_urls[service] + "/readyz", timeout=5)
    return answer.status_code, answer.text


def assert_unavailable(answer, within):
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["status"] == 503
    assert answer.elapsed.total_seconds() <= within, answer.elapsed


def absences(log):
    """How often each connection to PostgreSQL is said to be away."""
    return Counter(re.findall(r"database is away .*connection=(\"[^\"]*\"|\S+)", log))


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_without_the_broker_events_are_refused_in_time(topology, engines, sender, person, load, fault):
    someone = person()
    refused = topology.metric("api-gateway-ecs", "ecs_http_requests_total", status="5xx")
    with load() as running:
        running.wait_for(200)
        getattr(engines, fault)("nats")
        try:
            poll(lambda: sender.post(STREAM, json=emotion(someone.id)).status_code == 503)
            for _ in range(3):
                # Two seconds for the acknowledgement, and a little for the way.
                assert_unavailable(sender.post(STREAM, json=emotion(someone.id)), within=2.6)
                assert_unavailable(someone.pay(5), within=2.6)
            assert someone.client.get(f"/v1/users/{someone.id}/offers").status_code == 200
            code, text = poll(lambda: readiness(topology, "emotion-ingestion-service")[0] == 503 and readiness(topology, "emotion-ingestion-service"))  # fmt: skip
            assert "nats" in text.lower() or "broker" in text.lower()
            assert requests.get(topology.url + "/healthz", timeout=5).status_code == 200
        finally:
            if fault == "kill":
                engines.up()
            else:
                engines.resume("nats")
        back = time.monotonic()
        topology.wait_ready(15)
        poll(lambda: sender.post(STREAM, json=emotion(someone.id)).status_code == 202, 10)
        assert time.monotonic() - back < 10
        running.wait_for(100)
    running.check()
    assert running.slowest < 6
    assert topology.metric("api-gateway-ecs", "ecs_http_requests_total", status="5xx") >= refused + running.codes[503]


def test_processes_that_start_while_the_broker_says_nothing_wait_for_it(topology, engines, load):
    """A broker that hangs takes connections, but does not greet."""
    logs = {name: topology.log_file(name) for name in WITH_BROKER}
    since = {name: len(log.read_text()) for name, log in logs.items()}
    engines.pause("nats")
    try:
        for name in WITH_BROKER:
            topology.kill(name)
            topology.start(name)
        for name, log in logs.items():
            poll(lambda: "broker cannot be reached, trying again" in log.read_text()[since[name] :], 10)
        steady(lambda: all(topology.processes[name].poll() is None for name in WITH_BROKER), 2)
        for name in WITH_BROKER:
            code, text = readiness(topology, name)
            assert code == 503 and '"nats":"down: not connected"' in text, text
        assert topology.terminate(WITH_BROKER[0]) == 0, "who waits for it can be ended"
        topology.start(WITH_BROKER[0])
    finally:
        engines.resume("nats")
    topology.wait_ready(15)
    with load() as running:
        running.wait_for(100)
    running.check()


@pytest.mark.usefixtures("lived")
def test_an_acceptance_without_the_broker_is_published_when_it_is_back(topology, engines, db, nats, pattern_token):  # fmt: skip
    offers = offers_of(topology, db, pattern_token, 5)
    nats.close()
    engines.kill("nats")
    for client, person, offer_id in offers:
        answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person})
        assert answer.status_code == 202, answer.text
    engines.up()
    from harness.nats import Nats

    with Nats(engines.env["NATS_URL"]) as again:
        assert_each_active_once(db, again, offers)


def test_streams_and_consumers_that_were_deleted_are_made_again(topology, nats, load):
    with load() as before:
        before.wait_for(100)
    before.check()
    with load() as running:
        running.wait_for(100)
        for stream in ("emotions", "transactions"):
            consumers = nats.consumers(stream)
            assert consumers
            for consumer in consumers:
                nats.request(f"$JS.API.CONSUMER.DELETE.{stream}.{consumer['name']}")
        running.wait_for(100)
    running.check()
    before.check()  # the stream was read from its beginning, and nothing counted twice


def test_without_the_database_events_are_taken_and_stored_later(topology, engines, load, person, db):
    someone = person()
    since = len(topology.log_file("user-and-credit-service").read_text())
    with load() as running:
        running.wait_for(200)
        engines.kill("postgres")
        taken = running.codes[503]
        began = time.monotonic()
        while time.monotonic() < began + DATABASE_AWAY_SECONDS:
            running.wait_for(100)
        assert running.codes[503] == taken, "ingestion does not need the database"
        for _ in range(3):
            assert_unavailable(someone.analyse(), within=6)
        for _ in range(5 * CONNECTIONS_OF_A_NAME):
            assert_unavailable(someone.offers(), within=6)
        code, text = poll(lambda: readiness(topology, "user-and-credit-service")[0] == 503 and readiness(topology, "user-and-credit-service"))  # fmt: skip
        assert "postgres" in text.lower() or "database" in text.lower()
        engines.up()
        topology.wait_ready(30)
        running.wait_for(100)
        assert someone.analyse().status_code == 200
    running.check()
    lines = absences(topology.log_file("user-and-credit-service").read_text()[since:])
    assert lines and max(lines.values()) <= CONNECTIONS_OF_A_NAME, "one line each, however many ask meanwhile"


def test_connections_that_the_database_ends_come_back(topology, engines, load, person):
    someone = person()
    with load() as running:
        for _ in range(5):
            running.wait_for(60)
            engines.as_superuser(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'ecs\\_%'"
            )
            poll(lambda: someone.offers().status_code == 200, 10)
    running.check()


def test_a_locked_table_is_waited_for(topology, engines, load):
    blocker = engines.connect()
    blocker.autocommit = False
    with load(kinds=["emotion"]) as running:
        running.wait_for(100)
        with blocker.cursor() as cursor:
            cursor.execute("LOCK TABLE emotional_events IN ACCESS EXCLUSIVE MODE")
            running.wait_for(600)
        blocker.rollback()
        blocker.close()
    running.check()


@pytest.mark.usefixtures("lived")
def test_without_the_cache_answers_stay_right(topology, engines, person):
    someone = person()
    first = someone.analyse().json()
    since = len(topology.log_file("user-and-credit-service").read_text())
    engines.kill("redis")
    quick = []
    for _ in range(6):
        answer = someone.analyse()
        quick.append(answer.elapsed.total_seconds())
        body = answer.json()
        assert answer.status_code == 200
        assert (body["decision_id"], body["offer"]) == (first["decision_id"], first["offer"])
    assert sorted(quick)[2] < 0.25, quick
    code, text = poll(lambda: "redis\":\"down" in readiness(topology, "user-and-credit-service")[1].replace(" ", "") and readiness(topology, "user-and-credit-service"))  # fmt: skip
    assert code == 200, "without the cache it is ready"
    assert person().analyse().status_code == 200
    log = topology.log_file("user-and-credit-service").read_text()[since:]
    warnings = [line for line in log.splitlines() if "warning" in line.lower() and ("redis" in line.lower() or "cache" in line.lower())]  # fmt: skip
    assert 1 <= len(warnings) <= 2, warnings
    engines.up()
    topology.wait_ready()
    assert someone.analyse().json()["decision_id"] == first["decision_id"]


@pytest.mark.usefixtures("lived")
def test_a_cache_that_hangs_costs_little(topology, engines, person):
    someone = person()
    first = someone.analyse().json()
    engines.pause("redis")
    try:
        seconds = []
        for _ in range(6):
            answer = someone.analyse()
            assert answer.json()["decision_id"] == first["decision_id"]
            seconds.append(answer.elapsed.total_seconds())
        assert max(seconds) < 1 and sorted(seconds)[2] < 0.3, seconds
    finally:
        engines.resume("redis")


def test_services_start_without_engines_and_connect_when_they_appear(topology, engines, lived):
    for engine in ("nats", "postgres", "redis"):
        engines.kill(engine)
    for name in topology.names:
        topology.kill(name)
        topology.start(name)
    for name in topology.names:
        poll(lambda: is_alive(topology, name), 10, f"{name} to live without its engines")
        # The gateway needs only the others, and the risk model nobody.
        if name not in ("api-gateway-ecs", "credit-analysis-service"):
            assert readiness(topology, name)[0] == 503, name
    engines.up()
    topology.wait_ready(30)
    lived.wait_for(200)


def is_alive(topology, name):
    assert topology.processes[name].poll() is None, topology.log_tail(name)
    try:
        return requests.get(topology.metrics_urls[name] + "/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
