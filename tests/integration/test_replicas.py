# SPDX-License-Identifier: Apache-2.0
"""What the gateway does when a replica goes away under a request: it asks another one when that can do
no harm, and answers 503 when it could. The replicas are played here."""

import time

import pytest

from harness import people
from harness.gateway import Gateway
from harness.listener import Listener

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Replica(Listener):
    """Accepts connections; hangs up on its first `deaths` requests, each after so many seconds, and
    answers all others."""

    def __init__(self, deaths, dies_after):
        self.deaths, self.requests = deaths, 0
        self.dies_after = dies_after
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, connection):
        with connection:
            while data := connection.recv(65536):
                # A body that comes by itself would be a part of the same request.
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                if data.startswith(b"GET /healthz"):
                    connection.sendall(ANSWER.replace(b"202 Accepted", b"200 OK"))
                    continue
                self.requests += 1
                if self.requests <= self.deaths:
                    time.sleep(self.dies_after)
                    return
                connection.sendall(ANSWER)


@pytest.fixture
def play(engines):
    """play(deaths): a gateway before such a replica; answers (client, replica)."""
    started = []

    def start(deaths, dies_after=0, **settings):
        replica = Replica(deaths, dies_after)
        gateway = Gateway(engines, replica.url, **settings)
        started.append((gateway, replica))
        gateway.wait_ready()
        return gateway.client, replica

    yield start
    for gateway, replica in started:
        gateway.stop()
        replica.close()


EVENT = people.emotion("00000000-0000-4000-8000-000000000001")


def test_an_event_with_a_key_is_sent_again(play):
    client, replica = play(1)
    answer = client.post("/v1/emotions/stream", json=EVENT, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    assert replica.requests == 2


def test_an_event_without_a_key_is_not_sent_again(play):
    client, replica = play(1)
    answer = client.post("/v1/emotions/stream", json=EVENT)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert replica.requests == 1


def test_it_is_not_sent_for_ever(play):
    client, replica = play(9)
    answer = client.post("/v1/emotions/stream", json=EVENT, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    assert replica.requests == 3


def test_all_its_repeats_share_one_deadline(play):
    client, replica = play(9, dies_after=2, REQUEST_TIMEOUT_MS="3000")
    began = time.monotonic()
    answer = client.post("/v1/emotions/stream", json=EVENT, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    assert replica.requests == 2
    assert 2.9 < time.monotonic() - began < 4


def test_a_login_is_sent_again_and_a_registration_is_not(play):
    client, replica = play(1)
    body = {"email": "ana@example.com", "password": "a long password"}
    assert client.post("/v1/auth/login", json=body).status_code == 202
    client, replica = play(1)
    assert client.post("/v1/auth/register", json=body).status_code == 503
    assert replica.requests == 1
