# SPDX-License-Identifier: Apache-2.0
"""Everything held about a person, as one JSON document."""

import datetime
import json
from concurrent.futures import ThreadPoolExecutor

from harness.held import rows_of
from harness.people import now
from harness.waiting import poll
from problems import assert_problem

INSTANTS = {"exported_at", "created_at", "updated_at", "granted_at", "withdrawn_at", "timestamp", "occurred_at",
            "decided_at", "requested_at", "resolved_at", "expires_at", "accepted_at", "activated_at"}  # fmt: skip
LISTS = {"consents": "consents", "emotional_events": "emotional_events", "emotions_by_day": "emotional_events_summary",
         "transactions": "transactions", "decisions": "decisions", "reviews": "reviews", "offers": "credit_limits",
         "notifications": "notifications"}  # fmt: skip


def export(someone):
    return someone.client.get(f"/v1/users/{someone.id}/export")


def instants_in(value):
    for name, member in value.items():
        if name in INSTANTS and member is not None:
            yield member
        for item in member if isinstance(member, list) else [member]:
            if isinstance(item, dict):
                yield from instants_in(item)


def test_it_holds_what_every_table_holds(steady_person, db):
    decision = steady_person.analyse().json()
    assert steady_person.client.post(f"/v1/decisions/{decision['decision_id']}/review").status_code == 202
    poll(lambda: steady_person.accept(decision["offer"]["offer_id"]).status_code == 200)
    answer = export(steady_person)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    document, rows = answer.json(), rows_of(db, steady_person.id)
    assert document["account"]["id"] == steady_person.id
    assert document["account"]["email"] == steady_person.email
    assert {name: len(document[name]) for name in LISTS} == {name: rows[table] for name, table in LISTS.items()}
    assert all(len(document[name]) > 0 for name in LISTS)
    assert set(document["left_out"].values()) == {0}
    assert set(document["left_out"]) == set(LISTS)


def test_it_says_the_same_as_the_lists(steady_person):
    decision = steady_person.analyse().json()
    review = {"statement": "Is that all?"}
    steady_person.client.post(f"/v1/decisions/{decision['decision_id']}/review", json=review)
    document = export(steady_person).json()
    own = f"/v1/users/{steady_person.id}"
    get = lambda path: steady_person.client.get(path).json()  # noqa: E731
    assert document["emotions_by_day"] == get(f"{own}/emotions?days=40")["items"]
    assert document["transactions"] == get(f"{own}/transactions?page_size=100")["items"]
    [offer] = document["offers"]
    [listed] = get(f"{own}/offers")["items"]
    assert {name: offer[name] for name in listed} == listed
    [recorded] = document["decisions"]
    told = get(f"/v1/decisions/{decision['decision_id']}")
    for name in ("decision_id", "decided_at", "approved", "ml_risk_score", "reason", "reason_codes", "model_version",
                 "policy_version"):  # fmt: skip
        assert recorded[name] == told[name], name
    assert document["reviews"] == [told["review"]]
    assert recorded["features"] == {feature["feature"]: feature["value"] for feature in told["features"]}


def test_a_single_emotion_is_given_as_it_was_sent(person, db):
    someone, at = person(), now(days=-1)
    event = someone.feel(at=at, positivity=0.123456789, intensity=1, stress=0).json()["eventId"]
    poll(lambda: rows_of(db, someone.id)["emotional_events"] == 1)
    [item] = export(someone).json()["emotional_events"]
    assert item == {"event_id": event, "timestamp": at, "type": "joy", "positivity": 0.123456789, "intensity": 1,
                    "stress_level": 0}  # fmt: skip


def test_instants_are_those_of_the_whole_api(steady_person):
    steady_person.analyse()
    for instant in instants_in(export(steady_person).json()):
        datetime.datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%fZ")


def test_no_secret_is_in_it(steady_person, db):
    [(password_hash,)] = db("SELECT password_hash FROM users WHERE id = %s", steady_person.id)
    text = export(steady_person).text
    assert password_hash not in text
    assert "$argon2" not in text


def test_what_is_too_much_is_counted(person, db):
    """The newest are there, and how many are not."""
    someone = person(consent=False)
    db(
        "INSERT INTO transactions (id, user_id, amount, created_at)"
        " SELECT gen_random_uuid(), %s, 1 + i * 0.01, now() - make_interval(mins => i)"
        " FROM generate_series(1, 10003) AS i",
        someone.id,
    )
    document = json.loads(export(someone).text)
    assert document["left_out"]["transactions"] == 3
    assert len(document["transactions"]) == 10000
    assert document["transactions"][0]["amount"] == 1.01


def test_a_withdrawn_consent_leaves_its_history_only(person, db):
    someone = person()
    someone.feel()
    poll(lambda: rows_of(db, someone.id)["emotional_events"] == 1)
    someone.client.put(f"/v1/users/{someone.id}/consents/emotional_data", json={"granted": False})
    document = export(someone).json()
    [consent] = document["consents"]
    assert consent["purpose"] == "emotional_data"
    assert consent["granted_at"] < consent["withdrawn_at"]
    assert document["emotional_events"] == document["emotions_by_day"] == []


def test_one_is_made_at_a_time(person, db, engines):
    someone, other = person(consent=False), person(consent=False)
    with engines.connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE emotional_events_summary IN ACCESS EXCLUSIVE MODE")
            first = pool.submit(export, someone)
            poll(lambda: db("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'emotional_events_summary'::regclass"))
            answer = export(other)
        connection.rollback()
        assert first.result().status_code == 200
    connection.close()
    assert assert_problem(answer, 503)["detail"] == "another export is being made, try again"
    assert answer.headers["Retry-After"] == "1"
    assert export(other).status_code == 200


def test_the_largest_document_comes_through_the_gateway(person, db):
    someone, kind = person(), '"' * 64
    db(
        "INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb, intensity_ppb,"
        " stress_ppb) SELECT gen_random_uuid(), %s, now() - make_interval(mins => i), %s, 123456789, 123456789, 123456789"
        " FROM generate_series(1, 10001) AS i", someone.id, kind,
    )  # fmt: skip
    db(
        "INSERT INTO transactions (id, user_id, amount) SELECT gen_random_uuid(), %s, 99999999.99"
        " FROM generate_series(1, 10001)", someone.id,
    )  # fmt: skip
    db(
        "WITH made AS (INSERT INTO decisions (id, user_id, approved, risk_score, risk_score_without_emotions, features,"
        "   contributions, reason_codes, reason, emotional_consent, model_version, policy_version, trace_id)"
        "  SELECT gen_random_uuid(), %s, false, 0.123456, 0.123456, %s, %s, '{A,B,C,D}', %s, true, %s, %s, ''"
        "  FROM generate_series(1, 1001) RETURNING id, user_id)"
        " INSERT INTO credit_limits (id, user_id, decision_id, status, credit_limit, interest_rate, credit_type, expires_at)"
        " SELECT gen_random_uuid(), user_id, id, 'superseded', 1, 1, 'SHORT_TERM_PERSONAL_LOAN', now() FROM made",
        someone.id, json.dumps({"f" * 30 + str(i): 0.1 for i in range(4)}), json.dumps({"f" * 30 + str(i): 0.1 for i in range(4)}),
        "x" * 511, "m" * 64, "p" * 64,
    )  # fmt: skip
    db(
        "INSERT INTO reviews (user_id, decision_id, statement, explanation, reviewer, reviewer_role, outcome, resolved_at)"
        " SELECT user_id, id, %s, %s, 'x', 'x', 'upheld', now() FROM decisions WHERE user_id = %s",
        "\n𝄞" * 1000, "\n𝄞" * 1000, someone.id,
    )  # fmt: skip
    answer = export(someone)
    assert answer.status_code == 200
    assert answer.json()["left_out"]["emotional_events"] == 1
    assert answer.json()["left_out"]["reviews"] == 901
    assert len(answer.content) > 4_000_000


def test_anothers_export_is_out_of_reach(person):
    mine, yours = person(), person()
    assert_problem(mine.client.get(f"/v1/users/{yours.id}/export"), 403)
