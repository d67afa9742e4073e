# SPDX-License-Identifier: Apache-2.0
"""One person's way through the whole system: event, row, decision, activation, notification."""

import json
import uuid

from harness.people import now
from harness.waiting import poll


def test_from_the_first_emotion_to_the_notification(person, db, nats):
    nats.subscribe("user.notifications")
    nats.subscribe("credit.offers.approved")
    someone = person()

    for day in range(1, 21):
        assert someone.pay(80.25, key=f"day-{day}", occurredAt=now(days=-day)).status_code == 202
    for day in range(1, 7):
        assert someone.feel(positivity=0.9, stress=0.1, at=now(days=-day)).status_code == 202
    poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(20,)])
    poll(
        lambda: db(
            "SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", someone.id
        ) == [(6,)]
    )  # fmt: skip

    decision = someone.analyse().json()
    assert decision["approved"] is True
    offer = decision["offer"]

    trace = uuid.uuid4().hex
    accepted = someone.client.post(
        f"/v1/credit-offers/{offer['offer_id']}/accept",
        json={"userId": someone.id},
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert accepted.status_code == 202

    subject, headers, data = next_of(nats, "credit.offers.approved", offer["offer_id"])
    event = json.loads(data)
    assert set(event) == {
        "offerId", "userId", "creditLimit", "interestRate", "creditType", "acceptedAt", "traceId",
    }  # fmt: skip
    assert (event["offerId"], event["userId"]) == (offer["offer_id"], someone.id)
    assert event["creditLimit"] == offer["credit_limit"]
    assert event["traceId"] == trace
    assert f"Nats-Msg-Id: {offer['offer_id']}" in headers

    subject, headers, data = next_of(nats, "user.notifications", offer["offer_id"])
    told = json.loads(data)
    assert set(told) == {"notificationId", "userId", "type", "title", "message", "offerId", "traceId"}
    assert told["type"] == "CREDIT_LIMIT_APPLIED"
    assert told["userId"] == someone.id
    assert told["title"] and told["message"]
    assert told["traceId"] == trace
    assert f"Nats-Msg-Id: {told['notificationId']}" in headers

    [item] = someone.offers().json()["items"]
    assert item["status"] == "active"
    assert item["activated_at"]
    rows = poll(
        lambda: db(
            "SELECT id::text, type, offer_id::text FROM notifications"
            " WHERE user_id = %s AND published_at IS NOT NULL", someone.id,
        )
    )  # fmt: skip
    assert rows == [(told["notificationId"], "CREDIT_LIMIT_APPLIED", offer["offer_id"])]

    profile = someone.client.get(f"/v1/users/{someone.id}").json()
    assert offer["credit_type"] in json.dumps(profile)


def next_of(nats, subject, word):
    """The next message of a subject that speaks of `word`; others are let go."""
    kept = []
    while True:
        message = nats.next(timeout=15)
        if message[0] == subject and word in message[2].decode():
            nats.waiting = kept + nats.waiting
            return message
        kept.append(message)
