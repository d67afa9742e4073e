# SPDX-License-Identifier: Apache-2.0
"""One decision in full: what it rests on, what each feature did in plain words, what the emotions changed."""

import json
import uuid

import pytest

from policy import POLICY
from problems import assert_problem

FEATURES = ["transaction_count_30d", "avg_transaction_value_30d", "avg_positivity_7d", "stress_events_30d"]
EMOTIONAL = FEATURES[2:]


def explain(someone, decision_id):
    return someone.client.get(f"/v1/decisions/{decision_id}")


def decide_and_explain(someone):
    decision = someone.analyse().json()
    answer = explain(someone, decision["decision_id"])
    assert answer.status_code == 200, answer.text
    return decision, answer.json()


def test_it_repeats_the_answer_of_the_analysis(person):
    decision, explanation = decide_and_explain(person())
    decision.pop("cached")
    assert {name: explanation[name] for name in decision} == decision
    assert "cached" not in explanation


def test_it_gives_what_was_recorded(strained_person, db):
    decision, explanation = decide_and_explain(strained_person)
    [(features, contributions, at)] = db(
        "SELECT features, contributions, created_at FROM decisions WHERE id = %s", decision["decision_id"]
    )
    told = explanation["features"]
    assert [feature["feature"] for feature in told] == FEATURES
    assert {feature["feature"]: feature["value"] for feature in told} == features
    assert {feature["feature"]: feature["contribution"] for feature in told} == pytest.approx(contributions)
    assert [feature["feature"] for feature in told if feature["emotional"]] == EMOTIONAL
    assert explanation["decided_at"] == at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_it_says_in_plain_words_what_each_feature_did(strained_person):
    _, explanation = decide_and_explain(strained_person)
    words = {feature["feature"]: feature["explanation"] for feature in explanation["features"]}
    assert words["stress_events_30d"] == "Frequent moments of high stress in the last 30 days raised the risk."
    for feature in explanation["features"]:
        verb = "raised" if feature["contribution"] > 0 else "lowered" if feature["contribution"] < 0 else "no effect"
        assert verb in feature["explanation"]


def test_it_says_what_the_emotions_changed(strained_person, db):
    decision, explanation = decide_and_explain(strained_person)
    emotions = explanation["emotions"]
    [(without,)] = db(
        "SELECT risk_score_without_emotions::float8 FROM decisions WHERE id = %s", decision["decision_id"]
    )
    assert emotions["consent"] is True
    assert emotions["ml_risk_score_without_emotions"] == pytest.approx(without)
    assert emotions["ml_risk_score_change"] == pytest.approx(decision["ml_risk_score"] - without)
    assert emotions["ml_risk_score_change"] > 0
    assert emotions["explanation"] == "Emotional data raised the risk score."
    assert emotions["approved_without_emotions"] is (without <= POLICY["deny_above"])


def test_without_consent_the_emotions_changed_nothing(person):
    _, explanation = decide_and_explain(person(consent=False))
    emotions = explanation["emotions"]
    assert emotions["consent"] is False
    assert emotions["ml_risk_score_change"] == 0
    assert emotions["approved_without_emotions"] is explanation["approved"]
    assert "not used" in emotions["explanation"]
    assert [f["value"] for f in explanation["features"] if f["emotional"]] == [None, None]


def test_under_another_policy_nobody_says_what_would_have_been(person, db):
    someone = person()
    decision = someone.analyse().json()
    db("UPDATE decisions SET policy_version = 'before' WHERE id = %s", decision["decision_id"])
    explanation = explain(someone, decision["decision_id"]).json()
    assert explanation["policy_version"] == "before"
    assert explanation["emotions"]["approved_without_emotions"] is None


def test_an_earlier_models_features_are_told_as_far_as_they_were_recorded(person, db):
    someone = person()
    decision = someone.analyse().json()
    db(
        "UPDATE decisions SET features = %s, contributions = %s WHERE id = %s",
        json.dumps({"transaction_count_30d": 2, "shoe_size": 43}), json.dumps({"transaction_count_30d": 0}),
        decision["decision_id"],
    )  # fmt: skip
    answer = explain(someone, decision["decision_id"])
    assert answer.status_code == 200
    first, *others = answer.json()["features"]
    assert (first["value"], first["contribution"]) == (2, 0)
    assert first["explanation"] == "This had no effect on the risk."
    for other in others:
        assert (other["value"], other["contribution"]) == (None, None)
        assert other["explanation"] == "What this did to the risk was not recorded."


def test_anothers_decision_is_not_found(person):
    mine, yours = person(), person()
    decision = yours.analyse().json()
    assert_problem(explain(mine, decision["decision_id"]), 404)
    assert_problem(explain(mine, str(uuid.uuid4())), 404)


@pytest.mark.parametrize("decision_id", ["7", "x" * 36, "null", "%27", "*"])
def test_a_bad_id_is_not_found(person, decision_id):
    assert_problem(explain(person(), decision_id), 404)
