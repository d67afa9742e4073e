# SPDX-License-Identifier: Apache-2.0
"""The credit analysis: features, score, policy, offer, and one decision for those who ask at once."""

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from harness.people import now
from harness.redis import forget_everything
from harness.waiting import poll
from policy import POLICY, expected_terms
from problems import assert_problem


def exact(answer):
    """The body with its decimals as they were written."""
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)


def features_of(db, decision):
    return db("SELECT features FROM decisions WHERE id = %s", decision["decision_id"])[0][0]


def decided_long_ago(db, topology, someone):
    """Makes the last decision older than the time for which it is answered again."""
    db("UPDATE decisions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", someone.id)
    forget_everything(topology.env["REDIS_URL"])


def test_an_approval_follows_from_the_policy(steady_person, db):
    decision = exact(steady_person.analyse())
    assert decision["user_id"] == steady_person.id
    assert 0 <= decision["ml_risk_score"] <= 1
    assert decision["policy_version"] == POLICY["version"]
    assert decision["model_version"]
    assert decision["cached"] is False
    offer = decision["offer"]
    terms = (decision["approved"], offer["credit_limit"], offer["interest_rate"], offer["credit_type"])
    assert terms == expected_terms(decision["ml_risk_score"])
    assert decision["approved"] is True
    assert decision["reason"] is None
    expires = datetime.datetime.fromisoformat(offer["expires_at"].replace("Z", "+00:00"))
    left = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=7) - left < datetime.timedelta(minutes=1)
    rows = db(
        "SELECT status, credit_limit, interest_rate, credit_type, decision_id::text FROM credit_limits"
        " WHERE id = %s", offer["offer_id"],
    )  # fmt: skip
    assert rows == [
        ("offered", offer["credit_limit"], offer["interest_rate"], offer["credit_type"],
         decision["decision_id"])
    ]  # fmt: skip


def test_a_denial_has_its_reasons_and_no_offer(strained_person, db):
    decision = exact(strained_person.analyse())
    assert decision["ml_risk_score"] > POLICY["deny_above"]
    assert decision["approved"] is False
    assert decision["offer"] is None
    assert decision["reason"]
    assert decision["reason_codes"]
    assert db("SELECT 1 FROM credit_limits WHERE user_id = %s", strained_person.id) == []
    [(codes, reason)] = db(
        "SELECT reason_codes, reason FROM decisions WHERE id = %s", decision["decision_id"]
    )
    assert (codes, reason) == (decision["reason_codes"], decision["reason"])


def test_the_features_come_from_the_last_days(person, db):
    someone = person()
    for days, amount in [(1, 10), (10, 20), (29, 33), (31, 5000)]:
        assert someone.pay(amount, occurredAt=now(days=-days)).status_code == 202
    for days, positivity, stress in [(1, 0.4, 0.8), (2, 0.6, 0.1), (10, 0.0, 0.9), (31, 0.0, 0.9)]:
        assert someone.feel(at=now(days=-days), positivity=positivity, stress=stress).status_code == 202
    poll(lambda: db("SELECT count(*) FROM transactions WHERE user_id = %s", someone.id) == [(4,)])
    poll(lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", someone.id) == [(4,)])
    features = features_of(db, exact(someone.analyse()))
    assert features["transaction_count_30d"] == 3
    assert features["avg_transaction_value_30d"] == pytest.approx(21)
    assert features["avg_positivity_7d"] == pytest.approx(0.5)
    assert features["stress_events_30d"] == 2


@pytest.mark.parametrize("consent", [True, False])
def test_unknown_emotions_are_missing_and_not_made_up(person, db, consent):
    decision = exact(person(consent=consent).analyse())
    features = features_of(db, decision)
    assert features["avg_positivity_7d"] is None
    assert features["stress_events_30d"] is None
    assert features["transaction_count_30d"] == 0
    [(used,)] = db("SELECT emotional_consent FROM decisions WHERE id = %s", decision["decision_id"])
    assert used is consent


def test_a_withdrawn_consent_takes_the_emotions_out_of_the_next_decision(
    strained_person, db, topology
):
    before = exact(strained_person.analyse())
    assert features_of(db, before)["stress_events_30d"] == 40
    answer = strained_person.client.put(
        f"/v1/users/{strained_person.id}/consents/emotional_data", json={"granted": False}
    )
    assert answer.status_code == 200
    decided_long_ago(db, topology, strained_person)
    after = exact(strained_person.analyse())
    assert features_of(db, after)["stress_events_30d"] is None
    assert after["ml_risk_score"] <= before["ml_risk_score"]


def test_more_stress_never_lowers_the_risk(person, db):
    scores = []
    for stressful in (1, 12):
        someone = person()
        for hour in range(12):
            someone.feel(stress=0.9 if hour < stressful else 0.1, at=now(hours=-hour))
        poll(lambda: db("SELECT count(*) FROM emotional_events WHERE user_id = %s", someone.id) == [(12,)])
        scores.append(exact(someone.analyse())["ml_risk_score"])
    assert scores[0] <= scores[1]


def test_an_analysis_reads_the_tables_of_three_days_only(steady_person, topology, db):
    """Those that the windows' edges and the present lie in, however many there are."""
    analyses = 10
    scans = "SELECT relname, seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname ~ '^emotional_events_(\\d+|other)$'"

    def read():
        after = dict(db(scans))
        return sorted(table for table in after if after[table] >= before[table] + analyses)

    db("SELECT pg_stat_force_next_flush()")  # of what this test has read itself
    before = dict(db(scans))
    for _ in range(analyses):
        assert exact(steady_person.analyse())["cached"] is False
        decided_long_ago(db, topology, steady_person)
    edges = sorted("emotional_events_" + now(days=-days)[:10].replace("-", "") for days in (0, 7, 30))
    poll(lambda: set(edges) <= set(read()), 20, "PostgreSQL to count, which it may put off for ten seconds")
    assert read() == edges


def test_an_answer_within_the_cache_time_is_the_same(steady_person):
    first = exact(steady_person.analyse())
    second = exact(steady_person.analyse())
    assert second.pop("cached") is True
    assert first.pop("cached") is False
    assert first == second


def test_an_emptied_cache_gives_the_same_decision(steady_person, topology):
    first = exact(steady_person.analyse())
    forget_everything(topology.env["REDIS_URL"])
    second = exact(steady_person.analyse())
    for name in ("decision_id", "offer", "ml_risk_score", "approved", "reason", "reason_codes"):
        assert first[name] == second[name]


def test_fifty_at_once_get_one_decision_and_one_offer(steady_person, db):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: steady_person.analyse(), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == 1
    assert len({answer.json()["offer"]["offer_id"] for answer in answers}) == 1
    for table in ("decisions", "credit_limits"):
        assert db(f"SELECT count(*) FROM {table} WHERE user_id = %s", steady_person.id) == [(1,)]


def test_a_later_analysis_supersedes_the_open_offer(steady_person, db, topology):
    first = exact(steady_person.analyse())
    decided_long_ago(db, topology, steady_person)
    second = exact(steady_person.analyse())
    assert second["cached"] is False
    assert second["decision_id"] != first["decision_id"]
    rows = dict(db("SELECT id::text, status FROM credit_limits WHERE user_id = %s", steady_person.id))
    assert rows == {first["offer"]["offer_id"]: "superseded", second["offer"]["offer_id"]: "offered"}


def test_the_decision_row_explains_the_answer(strained_person, db):
    decision = exact(strained_person.analyse())
    [row] = db(
        "SELECT approved, risk_score, contributions, model_version, policy_version, emotional_consent,"
        " risk_score_without_emotions FROM decisions WHERE id = %s", decision["decision_id"],
    )  # fmt: skip
    approved, score, contributions, model, policy, consent, without = row
    assert (approved, score) == (False, decision["ml_risk_score"])
    assert (model, policy) == (decision["model_version"], decision["policy_version"])
    assert consent is True
    assert without < score
    assert set(contributions) >= {
        "transaction_count_30d", "avg_transaction_value_30d", "avg_positivity_7d", "stress_events_30d",
    }  # fmt: skip


def test_another_persons_analysis_is_out_of_reach(person, db):
    mine, yours = person(), person()
    assert_problem(mine.client.post(f"/v1/users/{yours.id}/credit-analysis"), 403)
    assert db("SELECT 1 FROM decisions WHERE user_id = %s", yours.id) == []


def test_the_profile_shows_the_last_decision(steady_person):
    decision = exact(steady_person.analyse())
    profile = steady_person.client.get(f"/v1/users/{steady_person.id}").json()
    assert decision["decision_id"] in json.dumps(profile)
