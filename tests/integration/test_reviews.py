# SPDX-License-Identifier: Apache-2.0
"""A person contests a decision; somebody of the bank upholds or overturns it, once, and the person sees what
came of it."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from harness.people import Api
from harness.topology import run_command
from harness.waiting import poll
from problems import assert_faults, assert_problem

BY = ["--reviewer", "Ana Lima", "--explanation", "Your salary counts as of now."]
TERMS = ["--credit-limit", "2500.50", "--interest-rate", "12.5", "--credit-type", "SHORT_TERM_PERSONAL_LOAN"]
MEMBERS = {"decision_id", "status", "statement", "requested_at", "explanation", "resolved_at", "offer_id"}


@pytest.fixture
def reviews(topology):
    """Runs `ecs reviews` as a reviewer, who has the URL of that role alone."""
    env = {"REVIEWER_DATABASE_URL": topology.env["REVIEWER_DATABASE_URL"]}
    return lambda *arguments: run_command(env, "reviews", *arguments)


def contest(someone, decision, **options):
    return someone.client.post(f"/v1/decisions/{decision}/review", **options)


def review_in_decision(someone, decision):
    answer = someone.client.get(f"/v1/decisions/{decision}")
    assert answer.status_code == 200, answer.text
    return answer.json()["review"]


@pytest.fixture
def denied(strained_person):
    """Somebody with a denial: (person, decision)."""
    decision = strained_person.analyse().json()
    assert decision["approved"] is False
    return strained_person, decision["decision_id"]


@pytest.fixture
def contested(denied):
    someone, decision = denied
    assert contest(someone, decision, json={"statement": "The exams are over."}).status_code == 202
    return someone, decision


def decide_anew(someone, db):
    """Another decision, as after the time in which the one before is answered again."""
    db("UPDATE decisions SET created_at = created_at - interval '1 day' WHERE user_id = %s", someone.id)
    decision = someone.analyse().json()
    assert decision["cached"] is False
    return decision


# ---- asking


def test_a_review_is_asked_for_and_seen_with_the_decision(denied):
    someone, decision = denied
    assert review_in_decision(someone, decision) is None
    answer = contest(someone, decision, json={"statement": "The exams are over."})
    assert answer.status_code == 202, answer.text
    review = answer.json()
    assert set(review) == MEMBERS
    assert (review["decision_id"], review["status"]) == (decision, "requested")
    assert review["statement"] == "The exams are over."
    assert [review[name] for name in ("explanation", "resolved_at", "offer_id")] == [None] * 3
    assert review_in_decision(someone, decision) == review


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"json": {"statement": None}}], ids=str)
def test_nobody_has_to_say_why(denied, options):
    someone, decision = denied
    answer = contest(someone, decision, **options)
    assert (answer.status_code, answer.json()["statement"]) == (202, None)


def test_an_approval_can_be_contested_too(steady_person):
    decision = steady_person.analyse().json()
    assert decision["approved"] is True
    assert contest(steady_person, decision["decision_id"]).status_code == 202


def test_a_repeat_is_the_same_review(contested, db):
    someone, decision = contested
    first = review_in_decision(someone, decision)
    for options in ({}, {"json": {"statement": first["statement"]}}):
        again = contest(someone, decision, **options)
        assert (again.status_code, again.json()) == (202, first)
    assert db("SELECT count(*) FROM reviews WHERE user_id = %s", someone.id) == [(1,)]


@pytest.mark.parametrize("first", [{}, {"json": {"statement": "The exams are over."}}], ids=["silent", "said"])
def test_what_the_reviewer_reads_does_not_change(denied, first):
    someone, decision = denied
    before = contest(someone, decision, **first).json()
    assert_problem(contest(someone, decision, json={"statement": "I also moved."}), 409)
    assert review_in_decision(someone, decision) == before


def test_asked_for_at_once_it_is_one_review(denied, db):
    someone, decision = denied

    def ask(number):
        client = Api(someone.topology.url, {"Authorization": f"Bearer {someone.token}"})
        return client.post(f"/v1/decisions/{decision}/review", json={"statement": str(number)})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(16)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 15
    [first] = [answer.json() for answer in answers if answer.status_code == 202]
    assert review_in_decision(someone, decision) == first
    assert db("SELECT count(*) FROM reviews WHERE user_id = %s", someone.id) == [(1,)]


def test_only_ones_own_decisions_can_be_contested(denied, person, db):
    someone, decision = denied
    assert_problem(contest(person(), decision), 404)
    for unknown in (str(uuid.uuid4()), "7", "null"):
        assert_problem(contest(someone, unknown), 404)
    assert db("SELECT count(*) FROM reviews WHERE decision_id = %s", decision) == [(0,)]


@pytest.mark.parametrize(
    "statement", ["", "x" * 2001, "\x1b[2J", "\x9b2J", "\x7f", "a\rb", 7, ["why"], True], ids=lambda value: repr(value)[:10]
)
def test_a_statement_that_makes_no_sense_is_refused(denied, statement):
    someone, decision = denied
    assert_faults(contest(someone, decision, json={"statement": statement}), "statement")
    assert review_in_decision(someone, decision) is None


def test_the_longest_statement_of_any_script_is_kept(denied):
    someone, decision = denied
    statement = "ß漢𝄞" * 666 + "\n\t"
    assert contest(someone, decision, json={"statement": statement}).json()["statement"] == statement


def test_a_body_is_json_if_there_is_one(denied):
    someone, decision = denied
    text = {"Content-Type": "text/plain"}
    assert_problem(contest(someone, decision, data="why", headers=text), 415)
    assert_problem(contest(someone, decision, headers=text), 415)
    assert_problem(contest(someone, decision, data='{"statement": "why"}'), 415)
    assert_problem(contest(someone, decision, data="{", headers={"Content-Type": "application/json"}), 400)
    assert_problem(contest(someone, decision, json=["why"]), 422)


# ---- resolving


def test_reviewers_see_what_is_contested(contested, reviews, db):
    someone, decision = contested
    shown = reviews("show", decision)
    assert shown.returncode == 0, shown.stderr
    [(score,)] = db("SELECT risk_score::text FROM decisions WHERE id = %s", decision)
    for text in (decision, someone.id, "denied", score, "The exams are over.", "stress_events_30d",
                 "Frequent moments of high stress in the last 30 days raised the risk."):  # fmt: skip
        assert text in shown.stdout
    assert someone.email not in shown.stdout
    assert decision in reviews("list").stdout
    document = json.loads(reviews("show", decision, "--json").stdout)
    assert document["statement"] == "The exams are over."
    assert document["features"]["stress_events_30d"] == 40
    assert document in [json.loads(line) for line in reviews("list", "--json").stdout.splitlines()]


def test_what_a_person_wrote_does_not_reach_the_terminal_as_it_is(denied, reviews, db):
    """Neither what the API lets in nor what stands in the table for whatever reason."""
    someone, decision = denied
    contest(someone, decision, json={"statement": "look\there \u202eback ß"})
    assert "look\\x09here \\xe2\\x80\\xaeback ß" in reviews("show", decision).stdout
    assert "\\u202E" in reviews("show", decision, "--json").stdout
    db("UPDATE reviews SET statement = %s WHERE decision_id = %s", "\x1b[2J\x9b2J\x7f", decision)
    assert "\\x1b[2J\\xc2\\x9b2J\\x7f" in reviews("show", decision).stdout
    assert "\\u001B[2J\\u009B2J" in reviews("show", decision, "--json").stdout


def test_an_upheld_decision_stands_and_the_person_is_told_why(contested, reviews, db):
    someone, decision = contested
    done = reviews("uphold", decision, *BY)
    assert (done.returncode, done.stdout) == (0, f"decision {decision} is upheld\n"), done.stderr
    assert_problem(contest(someone, decision, json={"statement": "But I moved!"}), 409)
    answer = contest(someone, decision)
    assert answer.status_code == 200
    review = answer.json()
    assert review == review_in_decision(someone, decision)
    assert set(review) == MEMBERS
    assert (review["status"], review["explanation"], review["offer_id"]) == ("upheld", BY[3], None)
    assert review["statement"] == "The exams are over.", "what the reviewer read"
    assert review["resolved_at"] > review["requested_at"]
    assert BY[1] not in answer.text
    assert db("SELECT reviewer, reviewer_role FROM reviews WHERE decision_id = %s", decision) == [(BY[1], "ecs_reviewer")]
    assert BY[1] in reviews("show", decision).stdout
    assert decision not in reviews("list").stdout
    assert decision in reviews("list", "--all").stdout
    assert someone.offers().json()["total"] == 0


def test_an_overturned_decision_comes_with_an_offer_that_can_be_accepted(contested, reviews):
    someone, decision = contested
    done = reviews("overturn", decision, *BY, *TERMS)
    assert done.returncode == 0, done.stderr
    review = review_in_decision(someone, decision)
    assert review["status"] == "overturned"
    assert done.stdout == f"decision {decision} is overturned by offer {review['offer_id']}\n"
    [offer] = someone.offers().json()["items"]
    assert offer["offer_id"] == review["offer_id"]
    assert (offer["status"], offer["credit_limit"], offer["interest_rate"]) == ("offered", 2500.5, 12.5)
    assert offer["credit_type"] == "SHORT_TERM_PERSONAL_LOAN"
    poll(lambda: someone.accept(offer["offer_id"]).status_code == 200, what="the credit to be active")
    credit = someone.client.get(f"/v1/users/{someone.id}").json()["current_credit"]
    assert credit["limit"] == 2500.5
    assert someone.client.get(f"/v1/decisions/{decision}").json()["offer"] is None, "the decision was a denial"


def test_it_takes_the_place_of_an_open_offer(steady_person, reviews):
    decision = steady_person.analyse().json()
    contest(steady_person, decision["decision_id"])
    assert reviews("overturn", decision["decision_id"], *BY, *TERMS, "--days", "30").returncode == 0
    newer, older = steady_person.offers().json()["items"]
    assert (newer["status"], older["status"]) == ("offered", "superseded")
    assert older["offer_id"] == decision["offer"]["offer_id"]
    assert_problem(steady_person.accept(older["offer_id"]), 409)
    told = steady_person.client.get(f"/v1/decisions/{decision['decision_id']}").json()
    assert told["offer"] == decision["offer"]
    assert told["review"]["offer_id"] == newer["offer_id"]


def test_a_later_denial_does_not_take_it_back(contested, reviews, db):
    someone, decision = contested
    assert reviews("overturn", decision, *BY, *TERMS).returncode == 0
    assert decide_anew(someone, db)["approved"] is False
    assert [offer["status"] for offer in someone.offers().json()["items"]] == ["offered"]


def test_a_later_offer_takes_its_place(steady_person, reviews, db):
    decision = steady_person.analyse().json()
    contest(steady_person, decision["decision_id"])
    assert reviews("overturn", decision["decision_id"], *BY, *TERMS).returncode == 0
    newest = decide_anew(steady_person, db)["offer"]["offer_id"]
    open_offers = [o["offer_id"] for o in steady_person.offers().json()["items"] if o["status"] == "offered"]
    assert open_offers == [newest]


def test_a_review_is_resolved_once(contested, reviews, db):
    someone, decision = contested
    calls = [("uphold", decision, *BY), ("overturn", decision, *BY, *TERMS)] * 4
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda call: reviews(*call), calls))
    assert sorted(one.returncode for one in done) == [0] + [1] * 7
    status = review_in_decision(someone, decision)["status"]
    refused = {one.stderr for one in done if one.returncode == 1}
    assert refused == {f"ecs: the review of decision {decision} is resolved already: {status}\n"}
    assert someone.offers().json()["total"] == (1 if status == "overturned" else 0)


def test_an_explanation_can_come_from_standard_input(contested, topology):
    someone, decision = contested
    env = {"REVIEWER_DATABASE_URL": topology.env["REVIEWER_DATABASE_URL"]}
    arguments = ["reviews", "uphold", decision, "--reviewer", "Ana Lima", "--explanation", "-"]
    assert run_command(env, *arguments, input="Ask again\nin März.\n").returncode == 0
    assert review_in_decision(someone, decision)["explanation"] == "Ask again\nin März."


GOOD = {"limit": "2500", "rate": "12", "type": "'SHORT_TERM_PERSONAL_LOAN'", "days": "7"}


@pytest.mark.parametrize(
    "bad",
    [{"limit": "'NaN'"}, {"limit": "0"}, {"limit": "1e14"}, {"limit": "NULL"}, {"rate": "100.01"}, {"rate": "-1"},
     {"rate": "'NaN'"}, {"type": "'GIFT'"}, {"type": "NULL"}, {"days": "0"}, {"days": "366"}, {"days": "NULL"}],
    ids=str,
)  # fmt: skip
def test_a_reviewers_role_makes_no_offer_that_makes_no_sense(contested, engines, bad):
    """Whatever program it uses."""
    someone, decision = contested
    terms = {**GOOD, **bad}
    connection = engines.connect(engines.env["REVIEWER_DATABASE_URL"])
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InvalidParameterValue):
        cursor.execute(
            f"SELECT resolve_review('{decision}', 'overturned', 'x', 'x', gen_random_uuid(),"
            f" {terms['limit']}, {terms['rate']}, {terms['type']}, {terms['days']})"
        )
    connection.close()
    assert review_in_decision(someone, decision)["status"] == "requested"


@pytest.mark.parametrize("action", [["show"], ["uphold", *BY], ["overturn", *BY, *TERMS]], ids=lambda a: a[0])
def test_what_nobody_contested_is_not_shown_and_not_resolved(denied, reviews, action):
    _, decision = denied
    done = reviews(action[0], decision, *action[1:])
    assert (done.returncode, done.stderr) == (1, f"ecs: nobody asked for a review of decision {decision}\n")


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], "say what to do"),
        (["burn"], "not list, show"),
        (["show"], "show which?"),
        (["show", "7"], "not a decision's id"),
        (["list", str(uuid.uuid4())], "nothing to do with"),
        (["show", str(uuid.uuid4()), "--all"], "--all goes with list"),
        (["uphold", str(uuid.uuid4())], "--reviewer and --explanation"),
        (["uphold", str(uuid.uuid4()), *BY, *TERMS], "go with overturn"),
        (["list", *BY], "go with uphold or overturn"),
        (["overturn", str(uuid.uuid4()), *BY], "needs --credit-limit"),
        (["overturn", str(uuid.uuid4()), *BY, *TERMS, "--credit-limit", "0"], "0.01 to 9999999999999.99"),
        (["overturn", str(uuid.uuid4()), *BY, *TERMS, "--interest-rate", "100.01"], "0.00 to 100.00"),
        (["overturn", str(uuid.uuid4()), *BY, *TERMS, "--interest-rate", "1.234"], "two decimals"),
        (["overturn", str(uuid.uuid4()), *BY, *TERMS, "--credit-type", "GIFT"], "LONG_TERM_PERSONAL_LOAN"),
        (["overturn", str(uuid.uuid4()), *BY, *TERMS, "--days", "0"], "1 to 365"),
        (["uphold", str(uuid.uuid4()), "--explanation", "x" * 2001], "1 to 2000 characters"),
        (["uphold", str(uuid.uuid4()), "--reviewer", ""], "1 to 200 characters"),
        (["uphold", str(uuid.uuid4()), "--reviewer", b"\xff\xf0"], "UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_command_line_says_what_is_wrong(reviews, arguments, says):
    done = reviews(*arguments)
    assert done.returncode == 64
    assert says in done.stderr


def test_without_a_database_it_says_so(topology):
    done = run_command({}, "reviews", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DATABASE_URL" in done.stderr
