# SPDX-License-Identifier: Apache-2.0
"""What is held about a person, shown to that person: emotions by day, transactions and notifications one by one."""

import pytest

from harness.people import now
from harness.waiting import poll
from problems import assert_faults, assert_problem


def get(someone, what, **query):
    return someone.client.get(f"/v1/users/{someone.id}/{what}", params=query)


@pytest.fixture
def felt(person, db):
    """Somebody who felt something on three days, one of them long ago."""
    someone = person()
    for days, positivity, stress in [(0, 0.5, 0.9), (0, 0.25, 0.1), (3, 1, 0), (31, 0, 0)]:
        assert someone.feel(at=now(days=-days), positivity=positivity, stress=stress).status_code == 202
    poll(lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", someone.id) == [(4,)])
    return someone


def test_emotions_are_shown_by_day_newest_first(felt):
    today, earlier = now()[:10], now(days=-3)[:10]
    body = get(felt, "emotions").json()
    assert body["days"] == 30
    assert body["items"] == [
        {"date": today, "event_count": 2, "stress_event_count": 1, "avg_positivity_score": 0.375,
         "avg_intensity_score": 0.5, "avg_stress_level": 0.5},
        {"date": earlier, "event_count": 1, "stress_event_count": 0, "avg_positivity_score": 1.0,
         "avg_intensity_score": 0.5, "avg_stress_level": 0.0},
    ]  # fmt: skip


@pytest.mark.parametrize("days, expected", [(1, 1), (3, 1), (4, 2), (31, 2), (32, 3), (3660, 3)])
def test_days_count_from_today(felt, days, expected):
    body = get(felt, "emotions", days=days).json()
    assert body["days"] == days
    assert len(body["items"]) == expected


@pytest.mark.parametrize("days", [0, -1, 3661, "x", "", "1.5"])
def test_days_that_make_no_sense_are_named(person, days):
    assert_faults(get(person(), "emotions", days=days), "days")


def test_who_felt_nothing_has_an_empty_list(person):
    assert get(person(), "emotions").json() == {"days": 30, "items": []}


def test_after_a_withdrawal_nothing_is_shown(felt):
    felt.client.put(f"/v1/users/{felt.id}/consents/emotional_data", json={"granted": False})
    assert get(felt, "emotions", days=100).json()["items"] == []


def test_transactions_are_listed_newest_first_in_pages(person, db):
    someone = person(consent=False)
    sent = {}
    for day, amount in enumerate(["0.01", "20.5", "99999999.99"]):
        answer = someone.pay(float(amount), occurredAt=now(days=-day))
        sent[answer.json()["eventId"]] = amount
    poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(3,)])
    answer = get(someone, "transactions")
    assert '"amount":99999999.99' in answer.text, "no binary fraction"
    body = answer.json()
    assert (body["total"], body["page"], body["page_size"]) == (3, 1, 10)
    assert [item["transaction_id"] for item in body["items"]] == list(sent)
    assert [item["amount"] for item in body["items"]] == [0.01, 20.5, 99999999.99]
    times = [item["occurred_at"] for item in body["items"]]
    assert times == sorted(times, reverse=True)
    pages = [get(someone, "transactions", page=page, page_size=2).json() for page in (1, 2, 3)]
    assert pages[0]["items"] + pages[1]["items"] == body["items"]
    assert pages[2]["items"] == []


def test_a_notification_is_listed_once_its_credit_is_active(steady_person, db):
    someone = steady_person
    assert get(someone, "notifications").json()["items"] == []
    offer = someone.analyse().json()["offer"]["offer_id"]
    poll(lambda: someone.accept(offer).status_code == 200)
    body = get(someone, "notifications").json()
    assert body["total"] == 1
    [item] = body["items"]
    [(notification,)] = db("SELECT id::text FROM notifications WHERE user_id = %s", someone.id)
    assert (item["notification_id"], item["offer_id"]) == (notification, offer)
    assert item["type"] == "CREDIT_LIMIT_APPLIED"
    assert set(item) == {"notification_id", "type", "title", "message", "offer_id", "created_at"}
    assert item["title"] and item["message"]


@pytest.mark.parametrize("what", ["transactions", "notifications"])
@pytest.mark.parametrize("query, field", [({"page": 0}, "page"), ({"page_size": 101}, "page_size")])
def test_a_bad_page_is_named(person, what, query, field):
    assert_faults(get(person(), what, **query), field)


@pytest.mark.parametrize("what", ["emotions", "transactions", "notifications"])
def test_anothers_data_is_out_of_reach(person, what):
    mine, yours = person(), person()
    assert_problem(mine.client.get(f"/v1/users/{yours.id}/{what}"), 403)
