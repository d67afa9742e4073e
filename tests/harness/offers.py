# SPDX-License-Identifier: Apache-2.0
"""Open offers of some people, and what must become of those that are accepted."""

import json

from harness.people import Api, people_in_database
from harness.tokens import for_person
from harness.waiting import poll


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
        found.append((client, person, offer_to(client, person)))
    return found


def offer_to(client, person):
    """The id of the offer; asked for again while a fault of before is not quite over."""

    def ask():
        answer = client.post(f"/v1/users/{person}/credit-analysis")
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200 and answer.json()

    return poll(ask, 10, "an analysis")["offer"]["offer_id"]


def assert_each_active_once(db, nats, offers):
    """In the tables, and of each one activation was told."""
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
