# SPDX-License-Identifier: Apache-2.0
"""What operators are shown of everybody: groups of ten people or more, of days that are over, which never change."""

import contextlib
import datetime
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from harness.engines import BINARY
from harness.operators import operator, operator_token
from harness.people import Api, now, people_in_database
from harness.tokens import decode
from harness.topology import run_command
from harness.waiting import poll
from problems import assert_faults, assert_problem

TOPICS = ["emotions", "decisions", "reasons", "offers"]
DAY = now(days=-12)[:10]  # when offers of then have run out, too


@pytest.fixture(scope="module")
def ada(topology):
    """An operator, before whom all days are counted."""
    someone = operator(topology)
    for topic in TOPICS:
        poll(lambda topic=topic: someone.get(f"/v1/insights/{topic}").json()["complete"])
    return someone


@pytest.fixture
def quiet(db):
    """A day on which nothing happened, and which was not made yet."""
    db("DELETE FROM emotional_events_summary WHERE summary_date = %s", DAY)
    db("DELETE FROM decisions WHERE (created_at AT TIME ZONE 'UTC')::date = %s", DAY)
    db("DELETE FROM credit_limits WHERE (created_at AT TIME ZONE 'UTC')::date = %s", DAY)
    forget(db)
    return db


def forget(db):
    db("DELETE FROM insights WHERE day = %s", DAY)
    db("DELETE FROM insight_days WHERE day = %s", DAY)


@pytest.fixture
def shown(ada):
    """The groups of the quiet day in a topic."""

    def ask(topic, days=30):
        answer = ada.get(f"/v1/insights/{topic}", params={"days": days})
        assert answer.status_code == 200, answer.text
        return [group for group in answer.json()["groups"] if group["date"] == DAY]

    return ask


def feel(db, people, positivity=0.5, stress=0.25, events=1):
    """A day's sums of some people, as the worker stores them."""
    for person in people:
        db(
            "INSERT INTO emotional_events_summary (user_id, summary_date, event_count, stress_event_count,"
            " positivity_sum_ppb, intensity_sum_ppb, stress_sum_ppb) VALUES (%s, %s, %s, 0, %s, %s, %s)",
            person, DAY, events, int(positivity * events * 10**9), int(0.5 * events * 10**9),
            int(stress * events * 10**9),
        )  # fmt: skip


def decide(db, people, score=0.7, without=None, policy="p", codes=(), at="12:00", consent=True):
    """A decision of each; denied above 0.6, as the shipped policy has it."""
    for person in people:
        db(
            "INSERT INTO decisions (id, user_id, approved, risk_score, risk_score_without_emotions, features,"
            " contributions, reason_codes, reason, emotional_consent, model_version, policy_version, trace_id,"
            " created_at) VALUES (%s, %s, %s, %s, %s, '{}', '{}', %s, %s, %s, 'm', %s, 't', %s)",
            str(uuid.uuid4()), person, score <= 0.6, score, without or score, list(codes),
            "why" if score > 0.6 else None, consent, policy, f"{DAY}T{at}Z",
        )  # fmt: skip


def offer(db, people, status="superseded", kind="LONG_TERM_PERSONAL_LOAN"):
    for person in people:
        at = f"{DAY}T12:00Z"
        db(
            "INSERT INTO credit_limits (id, user_id, decision_id, status, credit_limit, interest_rate,"
            " credit_type, created_at, updated_at, expires_at, accepted_at, activated_at)"
            " VALUES (%s, %s, %s, %s, 5000, 10, %s, %s, %s, %s::timestamptz + interval '7 days', %s, %s)",
            str(uuid.uuid4()), person, str(uuid.uuid4()), status, kind, at, at, at,
            *((at, at) if status == "active" else (None, None)),
        )  # fmt: skip


@pytest.fixture
def policy_version(steady_person):
    return steady_person.analyse().json()["policy_version"]


# ---- how small a group may be, and that it never changes


@pytest.mark.parametrize("people, groups", [(9, 0), (10, 1), (11, 1)])
def test_fewer_than_ten_people_are_not_shown(quiet, shown, people, groups):
    feel(quiet, people_in_database(quiet, people))
    found = shown("emotions")
    assert len(found) == groups
    if found:
        assert found == [{"date": DAY, "people": people, "avg_positivity_score": 0.5, "avg_intensity_score": 0.5,
                          "avg_stress_level": 0.25}]  # fmt: skip


def test_a_day_that_was_shown_never_changes(quiet, shown):
    """Whatever comes or goes: the one person by whom it differs could be worked out."""
    people = people_in_database(quiet, 40)
    feel(quiet, people[:12], positivity=0.5)
    before = shown("emotions")
    assert before[0]["people"] == 12
    feel(quiet, people[12:], positivity=1)
    quiet("DELETE FROM emotional_events_summary WHERE user_id = %s", people[0])
    quiet("DELETE FROM users WHERE id = %s", people[1])
    quiet("UPDATE emotional_events_summary SET positivity_sum_ppb = 0, updated_at = now() WHERE summary_date = %s", DAY)
    assert shown("emotions") == before


def test_a_day_that_had_too_few_people_stays_unshown(quiet, shown):
    people = people_in_database(quiet, 10)
    feel(quiet, people[:9])
    assert shown("emotions") == []
    feel(quiet, people[9:])
    assert shown("emotions") == []


@pytest.mark.parametrize("topic", ["emotions", "decisions", "reasons"])
def test_a_day_is_made_once_it_is_over_for_six_hours(ada, db, topic):
    assert ada.get(f"/v1/insights/{topic}").json()["complete"]
    now_is = datetime.datetime.now(datetime.timezone.utc)
    latest = (now_is - datetime.timedelta(days=1, hours=6)).date()
    [(newest, count)] = db("SELECT max(day), count(*) FROM insight_days WHERE topic = %s AND day > %s", topic,
                           latest - datetime.timedelta(days=25))  # fmt: skip
    assert (newest, count) == (latest, 25)


def test_offers_are_made_once_they_have_run_out(ada, db):
    assert ada.get("/v1/insights/offers").json()["complete"]
    latest = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=8, hours=6)).date()
    assert db("SELECT max(day) FROM insight_days WHERE topic = 'offers'") == [(latest,)]


def test_of_many_who_ask_all_see_the_same(topology, ada, quiet):
    feel(quiet, people_in_database(quiet, 10))
    operators = [operator(topology, f"operator-{i}") for i in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda each: each.get("/v1/insights/emotions"), operators))
    assert {answer.status_code for answer in answers} == {200}
    complete = [answer.json()["groups"] for answer in answers if answer.json()["complete"]]
    assert complete and all(groups == complete[0] for groups in complete)
    assert DAY in [group["date"] for group in complete[0]]


def test_a_day_that_is_being_made_is_waited_for_and_not_made_again(topology, quiet, shown):
    """What the second would make from rows that the first did not see is not shown beside it."""
    feel(quiet, people_in_database(quiet, 10))
    with contextlib.closing(psycopg2.connect(topology.env["DATABASE_URL"])) as other, ThreadPoolExecutor(1) as thread:
        other.cursor().execute("INSERT INTO insight_days (topic, day) VALUES ('emotions', %s)", (DAY,))
        asking = thread.submit(shown, "emotions")
        poll(lambda: quiet("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                           " WHERE datname = current_database() AND NOT granted") == [(1,)])  # fmt: skip
        other.commit()
        assert asking.result() == []


def test_everybody_counts_once_however_much_there_is_of_them(quiet, shown, policy_version):
    people = people_in_database(quiet, 10)
    feel(quiet, people[:1], positivity=1, events=1000)
    feel(quiet, people[1:], positivity=0)
    assert shown("emotions")[0]["avg_positivity_score"] == 0.1
    decide(quiet, people, 0.1, policy=policy_version)
    for minute in range(50):
        decide(quiet, people[:1], 0.6, policy=policy_version, at=f"13:{minute:02}")
    [group] = shown("decisions")
    assert (group["people"], group["avg_risk_score"]) == (10, round((9 * 0.1 + (50 * 0.6 + 0.1) / 51) / 10, 3))


def test_the_database_itself_takes_no_smaller_group(quiet):
    with pytest.raises(psycopg2.errors.CheckViolation, match="nobody_stands_out"):
        quiet("INSERT INTO insights VALUES ('emotions', %s, '{}', 9, '{}')", DAY)


# ---- decisions, reasons, offers


def outcomes(groups):
    return {(g["approved"], g["approved_without_emotions"]): (g["people"], g["avg_risk_score"]) for g in groups}


def test_decisions_are_told_by_their_outcome_and_whether_emotions_made_it(quiet, shown, policy_version):
    people = people_in_database(quiet, 53)
    decide(quiet, people[:11], 0.2, 0.3, policy_version)
    decide(quiet, people[11:21], 0.6, 0.600001, policy_version)
    decide(quiet, people[21:33], 0.7, 0.5, policy_version)
    decide(quiet, people[33:43], 0.7, 0.7, "of another time")
    decide(quiet, people[43:], 0.8, 0.9, policy_version)
    assert outcomes(shown("decisions")) == {
        (True, True): (11, 0.2), (True, False): (10, 0.6), (False, True): (12, 0.7), (False, None): (10, 0.7),
        (False, False): (10, 0.8),
    }  # fmt: skip


def test_what_emotions_made_is_told_where_each_group_has_ten_people(quiet, shown, policy_version):
    people = people_in_database(quiet, 50)
    decide(quiet, people[:11], 0.2, 0.2, policy_version)
    decide(quiet, people[11:23], 0.7, 0.7, policy_version)
    decide(quiet, people[23:32], 0.5, 0.7, policy_version)
    assert outcomes(shown("decisions")) == {(True, None): (20, 0.335), (False, None): (12, 0.7)}
    forget(quiet)
    decide(quiet, people[32:33], 0.5, 0.7, policy_version)
    assert outcomes(shown("decisions")) == {
        (True, True): (11, 0.2), (True, False): (10, 0.5), (False, False): (12, 0.7),
    }  # fmt: skip


@pytest.mark.parametrize("denied, groups", [(0, 1), (1, 0), (9, 0), (10, 2)])
def test_decisions_of_a_day_are_shown_whole_or_not_at_all(quiet, shown, policy_version, denied, groups):
    """Or who knows how many people there were in all could work the others out."""
    people = people_in_database(quiet, 40)
    decide(quiet, people[:30], 0.2, policy=policy_version)
    decide(quiet, people[30 : 30 + denied], 0.7, policy=policy_version)
    assert len(shown("decisions")) == groups


def test_whoever_was_approved_and_denied_on_one_day_is_one_person_of_each_group(quiet, shown, policy_version):
    people = people_in_database(quiet, 10)
    decide(quiet, people, 0.2, policy=policy_version)
    decide(quiet, people, 0.7, policy=policy_version, at="13:00")
    decide(quiet, people, 0.3, policy=policy_version, at="14:00")
    assert outcomes(shown("decisions")) == {(True, True): (10, 0.25), (False, False): (10, 0.7)}


def test_another_policy_changes_nothing_that_was_shown(quiet, shown, policy_version):
    people = people_in_database(quiet, 33)
    decide(quiet, people[:11], 0.2, 0.2, policy_version)
    before = shown("decisions")
    assert len(before) == 1
    quiet("UPDATE decisions SET policy_version = 'older' WHERE user_id = ANY (%s::uuid[])", people)
    assert shown("decisions") == before


def test_whoever_withdrew_meanwhile_is_in_no_figure(quiet, shown):
    people = people_in_database(quiet, 22)
    codes = ["HIGH_STRESS_EVENTS_30D"]
    decide(quiet, people[:11], codes=codes)
    decide(quiet, people[11:], codes=["NO_TRANSACTION_HISTORY"], consent=False)
    quiet("UPDATE consents SET withdrawn_at = now() WHERE user_id = ANY (%s::uuid[])", people[:2] + people[11:])
    assert [(g["reason_code"], g["people"]) for g in shown("reasons")] == []
    forget(quiet)
    quiet("UPDATE consents SET withdrawn_at = NULL WHERE user_id = ANY (%s::uuid[])", people[:2])
    quiet("UPDATE consents SET granted_at = now() WHERE user_id = %s", people[1])  # one that was given anew
    assert [(g["reason_code"], g["people"]) for g in shown("reasons")] == [
        ("HIGH_STRESS_EVENTS_30D", 10), ("NO_TRANSACTION_HISTORY", 11),
    ]  # fmt: skip


def test_a_reason_is_shown_where_ten_others_were_denied_without_it(quiet, shown):
    """What everybody has who was denied, each one has whom an operator knows to be denied."""
    people = people_in_database(quiet, 30)
    decide(quiet, people[:20], codes=["HIGH_STRESS_EVENTS_30D", "LOW_POSITIVITY_7D"])
    decide(quiet, people[20:29], codes=["LOW_POSITIVITY_7D"])
    assert shown("reasons") == []
    forget(quiet)
    decide(quiet, people[29:], codes=["LOW_POSITIVITY_7D"])
    decide(quiet, people[:3], codes=["HIGH_STRESS_EVENTS_30D"], at="13:00")
    assert shown("reasons") == [{"date": DAY, "people": 20, "reason_code": "HIGH_STRESS_EVENTS_30D"}]


def test_offers_are_told_by_type_and_fate(quiet, shown):
    people = people_in_database(quiet, 50)
    offer(quiet, people[:10], "active")
    offer(quiet, people[10:22], "offered")
    offer(quiet, people[22:32], "superseded")
    offer(quiet, people[32:42], "superseded", "SHORT_TERM_PERSONAL_LOAN")
    assert {(g["credit_type"], g["status"]): g["people"] for g in shown("offers")} == {
        ("LONG_TERM_PERSONAL_LOAN", "active"): 10, ("LONG_TERM_PERSONAL_LOAN", "expired"): 12,
        ("LONG_TERM_PERSONAL_LOAN", "superseded"): 10, ("SHORT_TERM_PERSONAL_LOAN", "superseded"): 10,
    }  # fmt: skip
    forget(quiet)
    offer(quiet, people[42:43], "active", "SHORT_TERM_PERSONAL_LOAN")
    assert shown("offers") == [], "whole or not at all"


def test_what_reviewers_offered_is_no_figure(quiet, shown):
    people = people_in_database(quiet, 12)
    offer(quiet, people, "active")
    quiet("UPDATE credit_limits SET by_review = true WHERE user_id = ANY (%s::uuid[])", people[10:])
    assert [group["people"] for group in shown("offers")] == [10]


def test_averages_are_decimal(quiet, ada):
    people = people_in_database(quiet, 13)
    for i, person in enumerate(people):
        feel(quiet, [person], positivity=i / 13)
    answer = ada.get("/v1/insights/emotions")
    [(average,)] = quiet("SELECT round(avg(avg_positivity_score), 3)::text FROM emotional_events_summary"
                         " WHERE summary_date = %s", DAY)  # fmt: skip
    assert len(average) == 5 and f'"avg_positivity_score": {average}' in answer.text


# ---- asking


@pytest.mark.parametrize("topic", TOPICS)
def test_an_operator_sees_every_topic(ada, topic):
    body = ada.get(f"/v1/insights/{topic}").json()
    assert (body["days"], body["smallest_group"], body["complete"]) == (30, 10, True)


def test_days_count_from_today(quiet, shown):
    feel(quiet, people_in_database(quiet, 10))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    ago = (today - datetime.date.fromisoformat(DAY)).days
    assert [len(shown("emotions", days)) for days in (ago + 1, ago, 366)] == [1, 0, 1]


@pytest.mark.parametrize("days", [0, -1, 367, "x", "", "1.5"])
def test_days_that_make_no_sense_are_named(ada, days):
    assert_faults(ada.get("/v1/insights/offers", params={"days": days}), "days")


def test_the_log_says_who_looked_at_what(topology, ada):
    nobody_else = operator(topology, "grace.h@bank-7")
    request = nobody_else.get("/v1/insights/offers").headers["X-Request-ID"]
    [line] = [line for line in topology.logs().splitlines() if "insights shown" in line and request in line]
    assert "grace.h@bank-7" in line and "offers" in line


# ---- who may ask


@pytest.mark.parametrize("topic", TOPICS)
def test_a_person_is_no_operator(topology, person, topic):
    path = f"/v1/insights/{topic}"
    assert_problem(person().client.get(path), 403)
    assert_problem(Api(topology.url).get(path), 401)
    assert_problem(Api(topology.url, {"X-Internal-Key": topology.internal_key}).get(path), 401)


def test_a_token_lasts_an_hour_at_most(topology):
    claims = decode(operator_token(topology).split(".")[1])
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("ada", 3600)
    claims = decode(operator_token(topology, "ada", "--minutes", "5").split(".")[1])
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("ecs-operators", 300)


@pytest.mark.parametrize(
    "arguments, says",
    [([], "whose?"), (["ada", "--minutes", "61"], "1 to 60"), (["ada", "--minutes", "0"], "1 to 60"),
     (["ada", "--minutes", "x"], "1 to 60"), (["a b"], "letters, digits"), ([""], "letters, digits"),
     (["a" * 65], "1 to 64"), (["ada", "grace"], "nothing to do with 'grace'")],
    ids=str,
)  # fmt: skip
def test_what_the_command_cannot_do_it_says(topology, arguments, says):
    done = run_command({"SECRET_KEY": topology.secret_key}, "operator-token", *arguments)
    assert (done.returncode, done.stdout) == (64, "")
    assert says in done.stderr


def test_without_the_key_there_is_no_token():
    done = run_command({}, "operator-token", "ada")
    assert (done.returncode, done.stdout) == (1, "")
    assert "SECRET_KEY" in done.stderr


def test_a_token_that_cannot_be_written_is_an_error(topology):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BINARY), "operator-token", "ada"], env={"SECRET_KEY": topology.secret_key},
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)  # fmt: skip
    assert done.returncode == 1
    assert "could not be written" in done.stderr
