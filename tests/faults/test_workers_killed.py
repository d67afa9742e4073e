# SPDX-License-Identifier: Apache-2.0
"""Workers and services that are killed at random moments under load: nothing is lost or doubled."""

import json

import pytest

from harness.people import Api, people_in_database
from harness.tokens import for_person
from harness.topology import SERVICES
from harness.waiting import poll


@pytest.mark.parametrize(
    "worker, kinds",
    [("emotion-processing-worker", ["emotion"]), ("transaction-processing-worker", ["transaction"])],
)
def test_a_killed_worker_loses_and_doubles_nothing(topology, load, times, dice, worker, kinds):
    with load(kinds=kinds) as running:
        for _ in range(times):
            running.wait_for(dice.randrange(50, 400))
            topology.kill(worker)
            running.wait_for(dice.randrange(0, 100))
            topology.start(worker)
    topology.wait_ready()
    running.check(30)
    assert running.codes[503] == 0


@pytest.mark.parametrize(
    "service", ["emotion-ingestion-service", "transaction-service", "api-gateway-ecs"]
)
def test_a_killed_service_loses_no_acknowledged_event(topology, load, times, dice, service):
    with load() as running:
        for _ in range(times):
            running.wait_for(dice.randrange(20, 300))
            topology.restart(service)
    running.check(30)


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_that_is_asked_to_end_finishes_its_work(topology, load, service):
    with load() as running:
        running.wait_for(200)
        assert topology.terminate(service, within=10) == 0
        topology.start(service)
        topology.wait_ready()
        running.wait_for(50)
    running.check(30)


def test_everything_killed_at_once_loses_nothing(topology, engines, load):
    with load() as running:
        running.wait_for(400)
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
        running.wait_for(100)
    running.check(30)


def offers_of(topology, db, pattern_token, count):
    """People with an open offer each: [(client, person, offer id)]."""
    people = people_in_database(db, count, consent=False)
    found = []
    for person in people:
        db(
            "INSERT INTO transactions (id, user_id, amount, created_at) SELECT gen_random_uuid(), %s, 120,"
            " now() - n * interval '1 day' FROM generate_series(1, 20) n", person,
        )  # fmt: skip
        token = for_person(topology.secret_key, person, pattern_token)
        client = Api(topology.url, {"Authorization": f"Bearer {token}"})
        decision = client.post(f"/v1/users/{person}/credit-analysis").json()
        found.append((client, person, decision["offer"]["offer_id"]))
    return found


def assert_each_active_once(db, nats, offers):
    ids = [offer_id for _, _, offer_id in offers]

    def active():
        rows = db("SELECT count(*) FROM credit_limits WHERE id = ANY(%s::uuid[]) AND status = 'active'", ids)
        return rows == [(len(ids),)]

    poll(active, 60)
    rows = poll(
        lambda: db(
            "SELECT id::text, offer_id::text FROM notifications WHERE offer_id = ANY(%s::uuid[])"
            " AND published_at IS NOT NULL", ids,
        )
        if db("SELECT count(*) FROM notifications WHERE offer_id = ANY(%s::uuid[]) AND published_at IS NULL", ids) == [(0,)]
        else None,
        30,
    )  # fmt: skip
    assert sorted(offer for _, offer in rows) == sorted(ids)
    told = {}
    for _, _, _, data in nats.stored("notifications"):
        message = json.loads(data)
        if message["offerId"] in ids:
            told.setdefault(message["offerId"], set()).add(message["notificationId"])
    assert {offer: {note} for note, offer in rows} == told


def test_a_killed_credit_worker_activates_each_offer_once(topology, db, nats, pattern_token, times, dice):
    offers = offers_of(topology, db, pattern_token, 12 * times)
    kill_at = {12 * kill + dice.randrange(12) for kill in range(times)}
    for number, (client, person, offer_id) in enumerate(offers):
        answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person})
        assert answer.status_code == 202, answer.text
        if number in kill_at:
            topology.kill("credit-application-worker")
            topology.start("credit-application-worker")
    assert_each_active_once(db, nats, offers)


def test_a_service_killed_after_an_acceptance_still_publishes_it(topology, db, nats, pattern_token):
    offers = offers_of(topology, db, pattern_token, 8)
    for client, person, offer_id in offers:
        answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person})
        assert answer.status_code == 202
    topology.restart("user-and-credit-service")
    assert_each_active_once(db, nats, offers)
