# SPDX-License-Identifier: Apache-2.0
"""A client that had no answer sends again, with its key and through whichever gateway; clients that
want the same thing at the same instant."""

import signal
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import requests

from harness.engines import BINARY, PLAIN, ROOT
from harness.offers import assert_each_active_once, offers_of
from harness.people import Api, emotion
from harness.raw import Raw
from harness.waiting import free_port, poll

STREAM = "/v1/emotions/stream"

pytestmark = pytest.mark.usefixtures("lived")


@pytest.fixture(scope="module")
def gateways(topology):
    """The URLs of two gateways."""
    listen = f"127.0.0.1:{free_port()}"
    env = {
        **PLAIN, **topology.env, "API_GATEWAY_LISTEN": listen, "METRICS_LISTEN": f"127.0.0.1:{free_port()}",
    }  # fmt: skip
    second = subprocess.Popen(
        [str(BINARY), "serve", "api-gateway-ecs"], env=env, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    poll(lambda: topology.is_ready(f"http://{listen}"), 15, "the second gateway")
    yield [topology.url, f"http://{listen}"]
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0


def at_once(calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def pay(url, someone, key, amount):
    return requests.post(
        url + "/v1/transactions", json={"userId": someone.id, "amount": amount}, timeout=20,
        headers={"Authorization": f"Bearer {someone.token}", "Idempotency-Key": key},
    )  # fmt: skip


def test_one_key_through_two_gateways_is_one_event(gateways, person, db):
    people = [person() for _ in range(4)]
    for number in range(40):
        someone, key = people[number % len(people)], f"retry {number}"
        answers = at_once([lambda url=url: pay(url, someone, key, 10) for url in gateways * 2])
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.text for answer in answers}) == 1, "the same answer"
    for someone in people:
        count = "SELECT count(*) FROM transactions WHERE user_id = %s"
        poll(lambda: db(count, someone.id) == [(10,)], 30)


def test_one_key_with_another_body_is_refused(gateways, person, db):
    someone = person()
    first, second = gateways
    assert pay(first, someone, "k", 10).status_code == 202
    for url in gateways:
        answer = pay(url, someone, "k", 11)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert pay(second, someone, "k", 10).status_code == 202, "the first body is still a repeat"
    poll(lambda: db("SELECT amount FROM transactions WHERE user_id = %s", someone.id) == [(10,)], 30)


def test_of_two_bodies_under_one_key_at_once_one_is_taken(gateways, person, db):
    someone = person()
    for number in range(20):
        calls = [lambda url=url, cents=cents: pay(url, someone, f"race {number}", cents) for url, cents in zip(gateways, (1, 2))]
        codes = sorted(answer.status_code for answer in at_once(calls))
        assert codes == [202, 422]
    poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(20,)], 30)


def test_an_emotion_under_a_used_key_is_refused(gateways, person, db, topology):
    someone = person()
    headers = {"X-Internal-Key": topology.internal_key, "Idempotency-Key": "sensor 1"}
    body = emotion(someone.id)
    answers = [Api(url, headers).post(STREAM, json=body) for url in gateways]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["eventId"] for answer in answers}) == 1
    other = {**body, "emotionEvent": {**body["emotionEvent"], "type": "sadness"}}
    answers = [Api(url, headers).post(STREAM, json=other) for url in gateways]
    assert [answer.status_code for answer in answers] == [422, 422]
    poll(lambda: db("SELECT emotion_type FROM emotional_events WHERE user_id = %s", someone.id) == [("joy",)], 30)


def test_two_acceptances_at_the_same_instant_are_one(gateways, topology, db, nats, pattern_token):
    offers = offers_of(topology, db, pattern_token, 6)
    for client, someone, offer_id in offers:
        path, body = f"/v1/credit-offers/{offer_id}/accept", {"userId": someone}
        headers = dict(client.session.headers)
        answers = at_once([lambda url=url: Api(url, headers).post(path, json=body) for url in gateways])
        assert {answer.status_code for answer in answers} <= {200, 202}
    assert_each_active_once(db, nats, offers)


def test_fifty_analyses_through_two_gateways_are_one_decision(gateways, person, db):
    someone = person()
    headers = {"Authorization": f"Bearer {someone.token}"}
    path = f"/v1/users/{someone.id}/credit-analysis"
    answers = at_once([lambda url=url: Api(url, headers).post(path) for url in gateways * 25])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == 1
    assert db("SELECT count(*) FROM decisions WHERE user_id = %s", someone.id) == [(1,)]
    offered = "SELECT count(*) FROM credit_limits WHERE user_id = %s"
    assert db(offered, someone.id)[0][0] <= 1


def test_whoever_is_being_served_gets_an_answer_from_a_process_that_ends(topology, person):
    """Requests whose first half has come when SIGTERM does, on each HTTP process in its turn."""
    someone = person()
    body = f'{{"userId": "{someone.id}", "amount": 3}}'
    address = topology.env["TRANSACTION_SERVICE_LISTEN"].split(":")
    places = {
        "api-gateway-ecs": SimpleNamespace(host=topology.host, port=topology.port),
        "transaction-service": SimpleNamespace(host=address[0], port=int(address[1])),
    }
    for name, place in places.items():
        connections = [Raw(place) for _ in range(30)]
        for connection in connections:
            connection.send(
                "POST /v1/transactions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {someone.token}\r\nContent-Length: {len(body)}\r\n\r\n{body[:9]}"
            )
        # Until the process has accepted the last of them.
        poll(lambda: topology.metric(name, "ecs_http_connections") >= len(connections), 5)
        topology.processes[name].send_signal(signal.SIGTERM)
        for connection in connections:
            connection.send(body[9:])
        assert {connection.answer().status for connection in connections} == {202}, name
        assert topology.processes[name].wait(10) == 0
        for connection in connections:
            connection.socket.close()
        topology.start(name)
        topology.wait_ready()
