# SPDX-License-Identifier: Apache-2.0
"""Replicas of the ingestion services tell each other what idempotency keys were used for: a key that went
through one of them is known to the others."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.people import Api, emotion
from harness.waiting import free_port, poll

TRANSACTIONS = "transactions.topic"
LISTENS = {
    "emotion-ingestion-service": "EMOTION_SERVICE_LISTEN",
    "transaction-service": "TRANSACTION_SERVICE_LISTEN",
}


class Replica:
    """One more process of an ingestion service, beside those of a topology."""

    def __init__(self, topology, service, name, **settings):
        self.topology, self.name = topology, name
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        topology.start(name, service=service, **{LISTENS[service]: address}, **settings)
        poll(lambda: topology.is_ready(topology.metrics_urls[name]), 15, "the replica")

    def heard(self):
        return self.topology.metric(self.name, "ecs_used_keys_heard_total")

    def once_heard(self, count, call):
        """Calls, and waits until this replica was told of so many keys more."""
        before = self.heard()
        answer = call()
        poll(lambda: self.heard() == before + count, 5, "what the other replica tells")
        return answer

    def stop(self):
        return self.topology.terminate(self.name)


@pytest.fixture
def start(topology):
    """Starts a replica and ends it after the test."""
    started = []

    def start(service, **settings):
        started.append(Replica(topology, service, f"replica {len(started)} of {service}", **settings))
        return started[-1]

    yield start
    assert [replica.stop() for replica in started] == [0] * len(started)


def feel(place, internal_key, body, key):
    headers = {"X-Internal-Key": internal_key, "Idempotency-Key": key}
    return Api(place.url, headers).post("/v1/emotions/stream", json=body)


def batch(place, internal_key, events, key):
    headers = {"X-Internal-Key": internal_key, "Idempotency-Key": key, "Content-Type": "application/x-ndjson"}
    lines = "\n".join(json.dumps(event) for event in events)
    return Api(place.url, headers).post("/v1/emotions/stream", data=lines)


def pay(place, someone, amount, key):
    headers = {"Authorization": f"Bearer {someone.token}", "Idempotency-Key": key}
    return Api(place.url, headers).post("/v1/transactions", json={"userId": someone.id, "amount": amount})


def assert_refused(answer):
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_transactions_key_is_known_to_the_other_replica(topology, start, person, db):
    someone, key = person(), uuid.uuid4().hex
    replica = start("transaction-service")
    first = replica.once_heard(1, lambda: pay(topology, someone, 10, key))
    assert first.status_code == 202
    assert_refused(pay(replica, someone, 11, key))
    again = pay(replica, someone, 10, key)
    assert (again.status_code, again.json()) == (202, first.json()), "a repeat, whichever way it comes"
    assert pay(replica, person(), 11, key).status_code == 202, "another person's key is another key"
    poll(lambda: db("SELECT amount FROM transactions WHERE user_id = %s", someone.id) == [(10,)], 30)


def test_keys_in_quick_succession_are_told_to_the_last(topology, start, person):
    someone, keys = person(), [uuid.uuid4().hex for _ in range(100)]
    replica = start("transaction-service")

    def pay_all():
        with ThreadPoolExecutor(10) as pool:
            return [answer.status_code for answer in pool.map(lambda key: pay(topology, someone, 10, key), keys)]

    assert replica.once_heard(len(keys), pay_all) == [202] * len(keys)
    assert_refused(pay(replica, someone, 11, keys[-1]))


def test_an_emotions_key_is_known_to_the_other_replica(topology, start, person):
    someone, key, internal = person(), uuid.uuid4().hex, topology.internal_key
    replica = start("emotion-ingestion-service")
    felt = emotion(someone.id)
    assert replica.once_heard(1, lambda: feel(topology, internal, felt, key)).status_code == 202
    assert_refused(feel(replica, internal, emotion(someone.id, stress=0.9), key))
    assert feel(replica, internal, felt, key).status_code == 202


def test_a_batchs_lines_are_known_to_the_other_replica(topology, start, person):
    someone, key, internal = person(), uuid.uuid4().hex, topology.internal_key
    replica = start("emotion-ingestion-service")
    events = [emotion(someone.id) for _ in range(2500)]
    first = replica.once_heard(len(events), lambda: batch(topology, internal, events, key))
    assert first.json()["accepted"] == len(events), first.text
    events[2000] = emotion(someone.id, stress=0.9)
    second = batch(replica, internal, events, key).json()
    assert second["accepted"] == len(events) - 1
    assert [line["line"] for line in second["rejected"]] == [2001]


def test_what_is_no_news_of_keys_is_passed_over(topology, start, nats, person):
    someone, key = person(), uuid.uuid4().hex
    replica = start("transaction-service")
    for message in (b"", b"\0", b"\0short", b"\x02" + 16 * b"a", b"\xff" + 16 * b"a", b"text that means nothing"):
        nats.publish(f"used-keys.{TRANSACTIONS}", message)
    assert replica.once_heard(1, lambda: pay(topology, someone, 10, key)).status_code == 202
    assert replica.heard() == 1
    assert_refused(pay(replica, someone, 11, key))


def test_replicas_with_different_secrets_do_not_misunderstand_each_other(topology, start, person):
    someone, key, other = person(), uuid.uuid4().hex, "another internal key 123"
    stranger = start("emotion-ingestion-service", INTERNAL_SERVICE_API_KEY=other)
    felt = emotion(someone.id)
    assert stranger.once_heard(1, lambda: feel(topology, topology.internal_key, felt, key)).status_code == 202
    assert feel(stranger, other, emotion(someone.id, stress=0.9), key).status_code == 202, "it cannot know"


def test_equal_payments_of_two_people_cannot_be_told_from_what_replicas_say(topology, nats, person):
    nats.subscribe(f"used-keys.{TRANSACTIONS}")
    said = []
    for someone in (person(), person()):
        assert pay(topology, someone, 10, uuid.uuid4().hex).status_code == 202
        _, _, data = nats.next()
        said.append(data)
    assert [len(data) for data in said] == [17, 17]
    (first_id, first_content), (second_id, second_content) = [(data[1:9], data[9:]) for data in said]
    assert len({first_id, first_content, second_id, second_content}) == 4
