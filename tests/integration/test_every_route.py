# SPDX-License-Identifier: Apache-2.0
"""A loop over the table of routes: nobody's, a stranger's and an erased person's credential on each of
them, through the gateway and past it. What a route does for its own person stands elsewhere."""

import uuid

import pytest

from harness.held import rows_of
from harness.operators import operator_token
from harness.people import Api, Person
from harness.topology import SERVICES
from harness.waiting import poll
from problems import assert_problem
from routes import all_routes, identify, public_routes
from topologies import one_process_each

GUARDED = [route for route in all_routes() if route.auth != "PUBLIC"]
PERSONAL = public_routes("PERSON")


def path_for(route, user_id, **known):
    """The path of a route with this person, the ids that are known, and made-up ones for the rest."""
    path = route.pattern.replace("{user_id}", user_id)
    for name, value in known.items():
        path = path.replace("{%s}" % name, value)
    while "{" in path:
        path = path[: path.index("{")] + str(uuid.uuid4()) + path[path.index("}") + 1 :]
    return path


def body_for(user_id):
    """Members that make sense on any route that takes a body."""
    return {"userId": user_id, "amount": 1, "granted": True, "statement": "I disagree"}


@pytest.fixture(scope="module")
def victim(topology):
    """A person with an offer, a decision, an event and a payment; with the ids of the first two."""
    someone = Person(topology)
    analysis = someone.analyse().json()
    return someone, {"offer_id": analysis["offer"]["offer_id"], "decision_id": analysis["decision_id"]}


@pytest.fixture(scope="module")
def stranger(topology):
    return Person(topology)


def test_the_table_has_routes_of_every_kind():
    assert {route.auth for route in all_routes()} >= {"PUBLIC", "PERSON", "OPERATOR", "INTERNAL_KEY"}
    assert len(GUARDED) >= 8


@pytest.mark.parametrize("route", GUARDED, ids=identify)
def test_nobody_gets_in_without_a_credential(topology, anybody, victim, db, route):
    someone, known = victim
    before = rows_of(db, someone.id)
    answer = anybody.call(route.method, path_for(route, someone.id, **known), json=body_for(someone.id))
    assert_problem(answer, 404 if route.internal else 401)
    assert rows_of(db, someone.id) == before


@pytest.mark.parametrize("route", GUARDED, ids=identify)
def test_a_stranger_gets_nothing_of_a_persons(topology, stranger, victim, db, route):
    """With ids that exist: a made-up one would be unknown to everybody."""
    someone, known = victim
    before = rows_of(db, someone.id)
    answer = stranger.client.call(
        route.method, path_for(route, someone.id, **known), json=body_for(someone.id)
    )
    assert answer.status_code in (401, 403, 404), answer.text
    assert_problem(answer, answer.status_code)
    assert someone.email not in answer.text
    assert rows_of(db, someone.id) == before


@pytest.mark.parametrize("route", [route for route in GUARDED if "{" in route.pattern], ids=identify)
def test_a_stranger_who_names_himself_gets_nothing_of_a_persons(stranger, victim, db, route):
    """The stranger's own id in the body, the person's ids in the path."""
    someone, known = victim
    before = rows_of(db, someone.id)
    answer = stranger.client.call(
        route.method, path_for(route, someone.id, **known), json=body_for(stranger.id)
    )
    assert answer.status_code in (403, 404), answer.text
    assert rows_of(db, someone.id) == before


@pytest.mark.parametrize("route", [route for route in GUARDED if route.auth != "OPERATOR"], ids=identify)
def test_an_operators_token_opens_nothing_of_a_persons(topology, victim, db, route):
    """Through the gateway and past it."""
    someone, known = victim
    before = rows_of(db, someone.id)
    headers = {"Authorization": f"Bearer {operator_token(topology)}"}
    for url in {topology.url} if topology.name == "all" else {topology.url, own_address(topology, route.service)}:
        answer = Api(url, headers).call(
            route.method, path_for(route, someone.id, **known), json=body_for(someone.id)
        )
        assert_problem(answer, 404 if route.internal and url == topology.url else 401)
    assert rows_of(db, someone.id) == before


@pytest.fixture(scope="module")
def erased(topology, db):
    """A person whose account is gone while the token has not run out."""
    someone = Person(topology, consent=False)
    assert someone.analyse().status_code == 200, "an answer that is cached"
    db("SELECT nextval('decision_cache_generation')")
    db("DELETE FROM users WHERE id = %s", someone.id)
    return someone


@pytest.mark.parametrize("route", PERSONAL, ids=identify)
def test_the_token_of_an_erased_person_brings_nothing_back(erased, db, nats, route):
    """No route serves the person or stores anything. Ingestion does not ask PostgreSQL: there the
    event of a person who is gone ends as a dead letter."""
    answer = erased.client.call(route.method, path_for(route, erased.id), json=body_for(erased.id))
    if answer.status_code == 202:
        assert route.pattern == "/v1/transactions", answer.text
        event = answer.json()["eventId"]
        poll(lambda: any(event in m[3].decode(errors="replace") for m in nats.stored("dead-letters")))
    elif answer.status_code == 200:
        assert answer.json().get("items") == [], answer.text
    else:
        assert answer.status_code in (401, 403, 404), answer.text
        assert_problem(answer, answer.status_code)
    assert not any(rows_of(db, erased.id).values())
    assert db("SELECT 1 FROM users WHERE id = %s", erased.id) == []


def own_address(topology, service):
    return topology.env[SERVICES[service][1]]


@one_process_each
@pytest.mark.parametrize("route", GUARDED, ids=identify)
def test_past_the_gateway_the_same_doors_are_locked(topology, stranger, victim, db, route):
    someone, known = victim
    before = rows_of(db, someone.id)
    path, url = path_for(route, someone.id, **known), own_address(topology, route.service)
    claims = {"X-User-Id": someone.id, "X-Forwarded-User": someone.id, "X-Internal-Trusted": "yes"}
    for headers in ({}, claims, {"Authorization": "Bearer x.y.z"}, {"X-Internal-Key": "guessed guessed guessed"}):
        answer = Api(url, headers).call(route.method, path, json=body_for(someone.id))
        assert_problem(answer, 401)
    answer = Api(url, {"Authorization": f"Bearer {stranger.token}"}).call(
        route.method, path, json=body_for(someone.id)
    )
    assert answer.status_code in (401, 403, 404), answer.text
    assert rows_of(db, someone.id) == before
