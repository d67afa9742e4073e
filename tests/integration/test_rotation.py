# SPDX-License-Identifier: Apache-2.0
"""Keys are changed while people are logged in and services call each other: one process after the
other is restarted, and after each of these steps every credential of before and of now works."""

import pytest

from harness.people import Api, Person, emotion
from harness.topology import Topology, run_command

WITH_KEYS = [
    "api-gateway-ecs", "emotion-ingestion-service", "transaction-service", "user-and-credit-service",
    "credit-analysis-service",
]  # fmt: skip
SECRET = {"old": "the secret of before, 32 bytes or more", "new": "the secret from now on, of the same length"}
INTERNAL = {"old": "the internal key of before", "new": "the internal key from now on"}


def keys(current, previous=None):
    return {
        "SECRET_KEY": SECRET[current], "INTERNAL_SERVICE_API_KEY": INTERNAL[current],
        "SECRET_KEY_PREVIOUS": SECRET[previous] if previous else "",
        "INTERNAL_SERVICE_API_KEY_PREVIOUS": INTERNAL[previous] if previous else "",
    }  # fmt: skip


@pytest.fixture(scope="module")
def topology(engines):
    running = Topology("rotation", engines, **keys("old"))
    yield running
    codes = running.stop()
    assert set(codes.values()) == {0}


def send(topology, person, internal_key):
    client = Api(topology.url, {"X-Internal-Key": internal_key})
    return client.post("/v1/emotions/stream", json=emotion(person.id)).status_code


def all_works(topology, people, internal_keys):
    """Every token so far, every internal key, a new login, and a call from service to service."""
    newest = Person(topology)
    people.append(newest)
    for person in people:
        assert person.client.get(f"/v1/users/{person.id}").status_code == 200
        assert person.pay(10).status_code == 202
    for key in internal_keys:
        assert send(topology, newest, key) == 202
    analysis = newest.analyse()
    assert analysis.status_code == 200, analysis.text


def move(topology, settings, check):
    """Restarts one process after the other with other settings, and checks after each."""
    topology.env.update(settings)
    for name in WITH_KEYS:
        assert topology.terminate(name) == 0
        topology.start(name)
        topology.wait_ready()
        check()


def test_keys_are_changed_without_a_failed_request(topology):
    people = [Person(topology)]
    old, both = [INTERNAL["old"]], list(INTERNAL.values())
    # First everybody learns the new keys, then uses them, and at last forgets the old ones.
    move(topology, keys("old", "new"), lambda: all_works(topology, people, old))
    move(topology, keys("new", "old"), lambda: all_works(topology, people, both))
    newest = people[-1]
    move(topology, keys("new"), lambda: all_works(topology, [newest], [INTERNAL["new"]]))
    assert people[0].client.get(f"/v1/users/{people[0].id}").status_code == 401
    assert send(topology, newest, INTERNAL["old"]) == 401


@pytest.mark.parametrize("name", ["SECRET_KEY_PREVIOUS", "INTERNAL_SERVICE_API_KEY_PREVIOUS"])
def test_a_previous_key_is_as_long_as_a_key_must_be(topology, name):
    done = run_command(dict(topology.env, **{name: "short"}), "serve", "api-gateway-ecs")
    assert done.returncode == 1
    assert done.stderr.startswith(f"ecs: {name} must have between ")
