# SPDX-License-Identifier: Apache-2.0
"""Replicas of the ingestion services tell each other what idempotency keys were used for: a key that went
through one of them is known to the others."""

import json
import signal
import subprocess
import uuid

import pytest

from harness.engines import BINARY, PLAIN, ROOT
from harness.people import Api, emotion
from harness.topology import Topology
from harness.waiting import free_port, poll

EMOTIONS, TRANSACTIONS = "user.emotions.topic", "transactions.topic"
SERVICES = ["api-gateway-ecs", "emotion-ingestion-service", "transaction-service"]


class Replica:
    """A gateway and the two ingestion services in a process of their own, beside those of a topology."""

    def __init__(self, topology, **settings):
        listens = ("API_GATEWAY_LISTEN", "EMOTION_SERVICE_LISTEN", "TRANSACTION_SERVICE_LISTEN", "METRICS_LISTEN")
        addresses = {name: f"127.0.0.1:{free_port()}" for name in listens}
        self.url = f"http://{addresses['API_GATEWAY_LISTEN']}"
        # As Topology's, whose `metric` serves here too.
        self.name, self.metrics_urls = "all", {"all": f"http://{addresses['METRICS_LISTEN']}"}
        self.process = subprocess.Popen(
            [str(BINARY), "serve", *SERVICES], env={**PLAIN, **topology.env, **addresses, **settings}, cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        poll(lambda: topology.is_ready(self.url), 15, "the replica")

    process_of = Topology.process_of
    metric = Topology.metric

    def heard(self, subject):
        return self.metric("all", "ecs_used_keys_heard_total", subject=subject)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@pytest.fixture(scope="module")
def replica(topology):
    running = Replica(topology)
    yield running
    assert running.stop() == 0


def feel(replica, internal_key, body, key):
    headers = {"X-Internal-Key": internal_key, "Idempotency-Key": key}
    return Api(replica.url, headers).post("/v1/emotions/stream", json=body)


def pay(replica, someone, amount, key):
    headers = {"Authorization": f"Bearer {someone.token}", "Idempotency-Key": key}
    return Api(replica.url, headers).post("/v1/transactions", json={"userId": someone.id, "amount": amount})


@pytest.fixture
def once_heard(replica):
    """once_heard(subject, count, call): calls, and waits until the replica was told of so many keys more."""

    def act(subject, count, call):
        before = replica.heard(subject)
        answer = call()
        poll(lambda: replica.heard(subject) == before + count, 5, "what the other replica tells")
        return answer

    return act


def assert_refused(answer):
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_transactions_key_is_known_to_the_other_replica(topology, replica, once_heard, person, db):
    someone, key = person(), uuid.uuid4().hex
    first = once_heard(TRANSACTIONS, 1, lambda: pay(topology, someone, 10, key))
    assert first.status_code == 202
    assert_refused(pay(replica, someone, 11, key))
    again = pay(replica, someone, 10, key)
    assert (again.status_code, again.json()) == (202, first.json()), "a repeat, whichever way it comes"
    assert pay(replica, person(), 11, key).status_code == 202, "another person's key is another key"
    poll(lambda: db("SELECT amount FROM transactions WHERE user_id = %s", someone.id) == [(10,)], 30)


def test_an_emotions_key_is_known_to_the_other_replica(topology, replica, once_heard, person):
    someone, key = person(), uuid.uuid4().hex
    felt = emotion(someone.id)
    assert once_heard(EMOTIONS, 1, lambda: feel(topology, topology.internal_key, felt, key)).status_code == 202
    assert_refused(feel(replica, topology.internal_key, emotion(someone.id, stress=0.9), key))
    assert feel(replica, topology.internal_key, felt, key).status_code == 202


def batch(replica, topology, events, key):
    headers = {
        "X-Internal-Key": topology.internal_key, "Idempotency-Key": key, "Content-Type": "application/x-ndjson",
    }  # fmt: skip
    lines = "\n".join(json.dumps(event) for event in events)
    return Api(replica.url, headers).post("/v1/emotions/stream", data=lines)


def test_a_batchs_lines_are_known_to_the_other_replica(topology, replica, once_heard, person):
    someone, key = person(), uuid.uuid4().hex
    events = [emotion(someone.id) for _ in range(2500)]
    first = once_heard(EMOTIONS, len(events), lambda: batch(topology, topology, events, key))
    assert first.json()["accepted"] == len(events), first.text
    events[2000] = emotion(someone.id, stress=0.9)
    second = batch(replica, topology, events, key).json()
    assert second["accepted"] == len(events) - 1
    assert [line["line"] for line in second["rejected"]] == [2001]


def test_what_is_no_news_of_keys_is_passed_over(topology, replica, once_heard, nats, person):
    someone, key = person(), uuid.uuid4().hex
    before = replica.heard(TRANSACTIONS)
    for message in (b"", b"\0", b"\0short", b"\x02" + 16 * b"a", b"\xff" + 16 * b"a", b"text that means nothing"):
        nats.publish(f"used-keys.{TRANSACTIONS}", message)
    assert once_heard(TRANSACTIONS, 1, lambda: pay(topology, someone, 10, key)).status_code == 202
    assert replica.heard(TRANSACTIONS) == before + 1
    assert_refused(pay(replica, someone, 11, key))


def test_replicas_with_different_secrets_do_not_misunderstand_each_other(topology, person):
    someone, key = person(), uuid.uuid4().hex
    stranger = Replica(topology, INTERNAL_SERVICE_API_KEY="another internal key 123")
    try:
        assert feel(topology, topology.internal_key, emotion(someone.id), key).status_code == 202
        poll(lambda: stranger.heard(EMOTIONS) == 1, 5)
        answer = feel(stranger, "another internal key 123", emotion(someone.id), key)
        assert answer.status_code == 202, answer.text
    finally:
        assert stranger.stop() == 0
