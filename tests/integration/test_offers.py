# SPDX-License-Identifier: Apache-2.0
"""Offers: accepted, activated once, refused when their time is over; and their list."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.people import now
from harness.redis import forget_everything
from harness.waiting import poll, steady
from problems import assert_faults, assert_problem

ACCEPTED = {"status": "offer acceptance is being processed"}


@pytest.fixture
def offered(person, db):
    """Makes somebody with an open offer: (person, offer id)."""

    def make():
        someone = person(consent=False)
        for day in range(1, 21):
            someone.pay(120, occurredAt=now(days=-day))
        poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(20,)])
        decision = someone.analyse().json()
        assert decision["approved"] is True, decision
        return someone, decision["offer"]["offer_id"]

    return make


def status(db, offer_id):
    return db("SELECT status FROM credit_limits WHERE id = %s", offer_id)[0][0]


def accept_until_active(someone, offer_id):
    def active():
        answer = someone.accept(offer_id)
        assert answer.status_code in (200, 202), answer.text
        if answer.status_code == 202:
            assert answer.json()["status"] == ACCEPTED["status"]
        return answer.status_code == 200 and answer

    return poll(active)


def test_an_accepted_offer_becomes_active(offered, db):
    someone, offer_id = offered()
    answer = someone.accept(offer_id)
    assert answer.status_code == 202
    assert answer.json()["status"] == ACCEPTED["status"]
    assert accept_until_active(someone, offer_id).json()["status"] == "active"
    [(state, accepted, activated, published)] = db(
        "SELECT status, accepted_at, activated_at, acceptance_published_at FROM credit_limits"
        " WHERE id = %s", offer_id,
    )  # fmt: skip
    assert state == "active"
    assert accepted <= activated
    assert published


def test_many_acceptances_at_once_are_one(offered, db, nats):
    someone, offer_id = offered()
    with ThreadPoolExecutor(16) as pool:
        codes = {a.status_code for a in pool.map(lambda _: someone.accept(offer_id), range(32))}
    assert codes <= {200, 202}
    accept_until_active(someone, offer_id)
    assert db("SELECT count(*) FROM notifications WHERE offer_id = %s", offer_id) == [(1,)]
    poll(lambda: [m for m in nats.stored("notifications") if offer_id in m[3].decode(errors="replace")])
    messages = [m for m in nats.stored("credits") if offer_id in m[3].decode(errors="replace")]
    assert len(messages) == 1
    assert f"Nats-Msg-Id: {offer_id}" in messages[0][2]


def test_an_unknown_offer_is_not_found(person):
    assert_problem(person().accept(str(uuid.uuid4())), 404)


@pytest.mark.parametrize("offer_id", ["7", "x" * 36, "null", "%27", "*"])
def test_a_bad_offer_id_is_not_found(person, offer_id):
    answer = person().accept(offer_id)
    assert answer.status_code in (404, 422)
    assert_problem(answer, answer.status_code)


def test_anothers_offer_is_not_found(offered, person, db):
    _, offer_id = offered()
    stranger = person()
    assert_problem(stranger.accept(offer_id), 404)
    steady(lambda: status(db, offer_id) == "offered", 0.2)


def test_the_person_of_the_body_must_be_the_one_of_the_token(offered, person, db):
    someone, offer_id = offered()
    stranger = person()
    answer = someone.client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": stranger.id})
    assert answer.status_code in (403, 404)
    assert_problem(answer, answer.status_code)
    assert status(db, offer_id) == "offered"


@pytest.mark.parametrize("body", [{}, {"userId": None}, {"userId": "7"}, {"userId": 7}])
def test_the_body_names_the_person(offered, body):
    someone, offer_id = offered()
    answer = someone.client.post(f"/v1/credit-offers/{offer_id}/accept", json=body)
    assert_faults(answer, "userId")


def test_an_expired_offer_cannot_be_accepted(offered, db):
    someone, offer_id = offered()
    db("UPDATE credit_limits SET expires_at = now() - interval '1 second' WHERE id = %s", offer_id)
    assert_problem(someone.accept(offer_id), 409)
    steady(lambda: status(db, offer_id) in ("offered", "expired"), 0.2)
    assert db("SELECT accepted_at FROM credit_limits WHERE id = %s", offer_id) == [(None,)]


def test_a_superseded_offer_cannot_be_accepted(offered, db, topology):
    someone, offer_id = offered()
    db("UPDATE decisions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", someone.id)
    forget_everything(topology.env["REDIS_URL"])
    newer = someone.analyse().json()["offer"]["offer_id"]
    assert newer != offer_id
    assert_problem(someone.accept(offer_id), 409)
    assert someone.accept(newer).status_code == 202


def test_a_second_active_credit_replaces_the_first(offered, db, topology):
    someone, first = offered()
    accept_until_active(someone, first)
    db("UPDATE decisions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", someone.id)
    forget_everything(topology.env["REDIS_URL"])
    second = someone.analyse().json()["offer"]["offer_id"]
    accept_until_active(someone, second)
    active = db("SELECT id::text FROM credit_limits WHERE user_id = %s AND status = 'active'", someone.id)
    assert active == [(second,)]


def test_the_list_is_newest_first_in_pages(offered, db, topology):
    someone, _ = offered()
    for _ in range(2):
        db("UPDATE decisions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", someone.id)
        forget_everything(topology.env["REDIS_URL"])
        assert someone.analyse().status_code == 200
    body = someone.offers().json()
    assert (body["total"], body["page"], body["page_size"]) == (3, 1, 10)
    times = [item["created_at"] for item in body["items"]]
    assert times == sorted(times, reverse=True)
    assert [item["status"] for item in body["items"]] == ["offered", "superseded", "superseded"]
    assert set(body["items"][0]) == {
        "offer_id", "status", "credit_limit", "interest_rate", "credit_type", "created_at", "expires_at",
        "activated_at",
    }  # fmt: skip
    pages = [someone.offers(page=page, page_size=2).json() for page in (1, 2, 3)]
    assert [len(page["items"]) for page in pages] == [2, 1, 0]
    assert {page["total"] for page in pages} == {3}
    assert pages[0]["items"] + pages[1]["items"] == body["items"]


@pytest.mark.parametrize(
    "query, field",
    [({"page": 0}, "page"), ({"page": -1}, "page"), ({"page": "x"}, "page"), ({"page": ""}, "page"),
     ({"page": "1.5"}, "page"), ({"page": "9" * 30}, "page"), ({"page_size": 0}, "page_size"),
     ({"page_size": 101}, "page_size"), ({"page_size": "1e1"}, "page_size")],
)  # fmt: skip
def test_a_bad_page_is_named(person, query, field):
    assert_faults(person().offers(**query), field)


def test_the_largest_page_is_good(person):
    body = person().offers(page_size=100).json()
    assert (body["total"], body["items"]) == (0, [])


def test_a_far_page_is_empty(person):
    answer = person().offers(page=10**9)
    assert answer.status_code in (200, 422)


def test_anothers_list_is_out_of_reach(person):
    mine, yours = person(), person()
    assert_problem(mine.client.get(f"/v1/users/{yours.id}/offers"), 403)
