# SPDX-License-Identifier: Apache-2.0
"""Transactions: exact amounts, one effect for a key, and whose they are."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from harness.people import now
from harness.waiting import poll
from problems import assert_faults, assert_problem

PATH = "/v1/transactions"
JSON = {"Content-Type": "application/json"}


def stored(db, someone):
    return db("SELECT id::text, amount FROM transactions WHERE user_id = %s", someone.id)


def send_text(someone, amount_text, **headers):
    body = f'{{"userId": "{someone.id}", "amount": {amount_text}}}'
    return someone.client.post(PATH, data=body, headers={**JSON, **headers})


def test_a_transaction_is_received_and_stored(person, db):
    someone = person()
    answer = someone.pay(12.34)
    assert answer.status_code == 202
    body = answer.json()
    assert body["status"] == "event received"
    assert body["userId"] == someone.id
    assert uuid.UUID(body["eventId"])
    poll(lambda: stored(db, someone) == [(body["eventId"], Decimal("12.34"))])


@pytest.mark.parametrize(
    "text, amount",
    [("0.01", "0.01"), ("0.1", "0.10"), ("1.10", "1.10"), ("99999999.99", "99999999.99"), ("1e2", "100.00"),
     ("12.340", "12.34"), ("4.35", "4.35"), ("1.005e1", "10.05"), ("33333333.33", "33333333.33")],
)  # fmt: skip
def test_an_amount_is_stored_to_the_cent(person, db, text, amount):
    someone = person()
    answer = send_text(someone, text)
    assert answer.status_code == 202, answer.text
    poll(lambda: [row[1] for row in stored(db, someone)] == [Decimal(amount)])


@pytest.mark.parametrize(
    "text",
    ["0", "0.00", "-0", "-1", "-0.01", "0.001", "1.001", "100000000", "99999999.991", "1e8", "1e308", "1e-3",
     '"12.34"', "null", "true", "[]", "{}", "9007199254740993"],
)  # fmt: skip
def test_a_bad_amount_is_named(person, text):
    assert_faults(send_text(person(), text), "amount")


@pytest.mark.parametrize("text", ["NaN", "1,5", "01", "+1", "1e999", "1" * 400])
def test_what_is_no_json_number_is_refused(person, text):
    answer = send_text(person(), text)
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_every_fault_is_named(person):
    someone = person()
    answer = someone.client.post(PATH, json={"userId": someone.id, "amount": -1, "occurredAt": "yesterday"})
    assert_faults(answer, "amount", "occurredAt")
    assert_faults(someone.client.post(PATH, json={}), "userId", "amount")


def test_the_time_of_a_transaction_is_its_own(person, db):
    someone, at = person(), now(days=-3)
    assert someone.pay(5, occurredAt=at).status_code == 202
    poll(
        lambda: db(
            "SELECT 1 FROM transactions WHERE user_id = %s AND created_at = %s::timestamptz", someone.id, at
        )
    )


def test_one_key_has_one_effect(person, db):
    someone, key = person(), "order-1"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: someone.pay(7.5, key=key), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["eventId"] for answer in answers}) == 1
    assert uuid.UUID(answers[0].json()["eventId"]).version == 5
    last = someone.pay(1, key="order-2").json()["eventId"]
    poll(lambda: last in [row[0] for row in stored(db, someone)])
    assert sorted(row[1] for row in stored(db, someone)) == [Decimal("1.00"), Decimal("7.50")]


def test_the_same_key_of_another_person_is_another_event(person):
    mine, yours = person(), person()
    assert mine.pay(1, key="k").json()["eventId"] != yours.pay(1, key="k").json()["eventId"]


def test_without_a_key_each_request_is_an_event(person, db):
    someone = person()
    for _ in range(3):
        someone.pay(2)
    poll(lambda: len(stored(db, someone)) == 3)


def test_a_key_of_more_than_255_characters_is_refused(person):
    someone = person()
    assert someone.pay(1, key="k" * 255).status_code == 202
    answer = someone.pay(1, key="k" * 256)
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_a_transaction_of_another_person_is_refused(person, db):
    mine, yours = person(), person()
    answer = mine.client.post(PATH, json={"userId": yours.id, "amount": 5})
    assert_problem(answer, 403)
    assert stored(db, yours) == []


@pytest.mark.parametrize("user_id", ["", "7", None, 5])
def test_a_bad_person_is_named(person, user_id):
    assert_faults(person().client.post(PATH, json={"userId": user_id, "amount": 5}), "userId")


def test_the_stream_holds_the_amount_as_it_was_given(person, nats):
    someone = person()
    event_id = send_text(someone, "4.35").json()["eventId"]
    lines = [
        line
        for _, _, _, data in nats.stored("transactions")
        for line in data.decode().splitlines()
        if event_id in line
    ]
    assert len(lines) == 1
    event = json.loads(lines[0], parse_float=Decimal)
    assert set(event) == {"eventId", "userId", "amount", "occurredAt", "traceId"}
    assert event["amount"] == Decimal("4.35")
