# SPDX-License-Identifier: Apache-2.0
"""Bad input and attacks: each case of the table in attacks.py gets the code that is right for it, and
its sender nothing else: no row, no message, no header, no line of the log, and no harm to others."""

import json
import re
import uuid
from collections import namedtuple

import pytest

from attacks import CASES
from harness.engines import running
from harness.people import PASSWORD, Person, new_email
from harness.raw import Raw
from harness.requests_as_bytes import fill, request
from harness.waiting import poll
from test_credit_analysis import decided_long_ago, exact
from test_what_logs_hold import LINE

TABLES = ("users", "consents", "emotional_events", "emotional_events_summary", "transactions", "decisions",
          "credit_limits", "notifications")  # fmt: skip
STREAMS = ("emotions", "transactions", "credits", "notifications", "dead-letters")
Scene = namedtuple("Scene", "me other offer db nats")


def holdings(db, nats):
    """How much there is of everything: rows of each table, and the last message of each stream."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
    granted = "(SELECT count(*) FROM consents WHERE withdrawn_at IS NULL)"
    [rows] = db(f"SELECT {counts}, {granted}")
    return rows, [nats.stream(name)["state"]["last_seq"] for name in STREAMS]


def wait_quiet(db, nats, looks=20):
    """Until nothing has changed for a while: whatever was accepted is stored by then."""
    history = []

    def quiet():
        history.append(holdings(db, nats))
        return len(history) >= looks and all(state == history[-1] for state in history[-looks:])

    poll(quiet, 30, "the end of what was begun")


@pytest.fixture(scope="module")
def scene(topology, engines, db):
    """A person who attacks, and another with an offer; nothing of earlier tests is under way."""
    from harness.nats import Nats

    me, other = Person(topology), Person(topology)
    offer = other.analyse().json()["offer"]["offer_id"]
    with Nats(engines.env["NATS_URL"]) as nats:
        wait_quiet(db, nats)
        yield Scene(me, other, offer, db, nats)


def filled(scene, data):
    return fill(
        data, me=scene.me.id, other=scene.other.id, offer=scene.offer, token=scene.me.token,
        key=scene.me.topology.internal_key, email=scene.me.email,
    )  # fmt: skip


def assert_alive(topology, gateway):
    for name, process in topology.processes.items():
        assert process.poll() is None and running(process.pid), f"{name} ended"
    with Raw(gateway) as connection:
        connection.send(request("GET", "/healthz"))
        assert connection.answer().status == 200


def assert_nothing_leaks(scene, answer):
    """No header of the sender's, and nothing that is the other person's or a secret."""
    assert "x-injected" not in answer.headers
    text = repr(answer.headers) + answer.body.decode(errors="replace")
    for secret in (scene.other.email, scene.me.topology.internal_key, scene.me.topology.secret_key, "$argon2id$"):
        assert secret not in text
    assert "<script>" not in text
    if answer.status >= 400:
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert json.loads(answer.body)["request_id"] == answer.headers["x-request-id"]


def test_the_table_is_large_and_its_names_are_its_own():
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_attack_gets_its_code_and_nothing_else(topology, gateway, scene, case):
    before = holdings(scene.db, scene.nats)
    with Raw(gateway) as connection:
        connection.send(filled(scene, case.request))
        answer = connection.answer()
    assert answer is not None, "closed without an answer"
    assert answer.status == case.code, f"{answer}; hoped for: {case.hope}"
    assert_nothing_leaks(scene, answer)
    assert_alive(topology, gateway)
    if answer.status == 202:
        wait_quiet(scene.db, scene.nats)
    else:
        assert holdings(scene.db, scene.nats) == before, case.hope


ODD_BUT_GOOD = [
    # name, request, code: what looks like an attack and is a client's good right
    ("extra members of an event", "feel", ', "role": "admin", "__proto__": {"a": 1}', 202),
    ("extra members of a payment", "pay", ', "id": "<other>", "eventId": "<other>", "created_at": null', 202),
    ("extra members of a login", "login", ', "admin": true, "user_id": "<other>"', 200),
]


@pytest.mark.parametrize("name, call, extra, code", ODD_BUT_GOOD, ids=[row[0] for row in ODD_BUT_GOOD])
def test_extra_members_are_ignored(gateway, scene, db, name, call, extra, code):
    import attacks

    made = {
        "feel": lambda: attacks.with_key(attacks.emotion_text(extra=extra)),
        "pay": lambda: attacks.pay(extra=extra),
        "login": lambda: attacks.login(email='"<email>"', extra=extra),
    }[call]()
    with Raw(gateway) as connection:
        connection.send(filled(scene, made))
        answer = connection.answer()
    assert answer.status == code, answer
    assert scene.other.id not in answer.body.decode()


STORED_AS_GIVEN = [
    "'; DROP TABLE emotional_events; --", '{a,"b",NULL}', '"},"userId":"x', "\\", "%s%n", "user.>",
    "<script>alert(1)</script>", "\u0414\u043e\u0431\u0440\u043e", "\U0001f600", "\u202ejoy", "NULL", "\\x00",
]  # fmt: skip


@pytest.mark.parametrize("kind", STORED_AS_GIVEN)
def test_what_looks_like_code_is_stored_as_the_text_it_is(person, db, kind):
    someone = person()
    assert someone.feel(kind=kind).status_code == 202
    poll(lambda: db("SELECT emotion_type FROM emotional_events WHERE user_id = %s", someone.id) == [(kind,)])


@pytest.mark.parametrize("email", ["jos\u00e9@example.com", "\u5f20\u4f1f@example.com", "a+b'c@example.com"])
def test_an_email_in_any_script_is_good(anybody, db, email):
    email = uuid.uuid4().hex + email
    answer = anybody.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json()["email"] == email
    assert anybody.post("/v1/auth/login", json={"email": email, "password": PASSWORD}).status_code == 200


def test_nobody_sets_who_he_is_or_since_when(anybody, person, db):
    """The members beside those of a registration are not taken, whether the id is free or another's."""
    other, free = person().id, str(uuid.uuid4())
    for wanted in (other, free):
        email = new_email()
        wish = {"id": wanted, "role": "operator", "created_at": "2001-01-01T00:00:00Z"}
        answer = anybody.post("/v1/auth/register", json={"email": email, "password": PASSWORD, **wish})
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"] not in (other, free) and "role" not in answer.json()
        rows = db("SELECT id::text, created_at > now() - interval '1 minute' FROM users WHERE email = %s", email)
        assert rows == [(answer.json()["id"], True)]
    assert db("SELECT count(*) FROM users WHERE id IN (%s, %s)", other, free) == [(1,)]


DECISION = "approved, risk_score, risk_score_without_emotions, features, contributions, reason_codes, reason"
TERMS = "credit_limit, interest_rate, credit_type, expires_at"


def test_nobody_sets_a_score_a_state_or_a_limit(steady_person, strained_person, topology, db):
    """A decision is the one that is made without asking for another, and an offer has the terms it was made with."""

    def decide(someone, **wish):
        answer = someone.client.post(f"/v1/users/{someone.id}/credit-analysis", **({"json": wish} if wish else {}))
        decision = exact(answer)
        assert decision["cached"] is False
        return decision, db(f"SELECT {DECISION} FROM decisions WHERE id = %s", decision["decision_id"])

    def terms(decision):
        return db(f"SELECT {TERMS} FROM credit_limits WHERE id = %s", decision["offer"]["offer_id"])

    denied, computed = decide(strained_person)
    assert denied["approved"] is False
    decided_long_ago(db, topology, strained_person)
    assert decide(strained_person, risk_score=0, ml_risk_score=0, approved=True, credit_limit=1e6)[1] == computed
    assert db("SELECT 1 FROM credit_limits WHERE user_id = %s", strained_person.id) == []

    approved, computed = decide(steady_person)
    decided_long_ago(db, topology, steady_person)
    again, stored = decide(steady_person, risk_score=0, approved=False, credit_limit=1e6, interest_rate=0)
    assert stored == computed
    [made] = terms(again)
    assert made[:3] == terms(approved)[0][:3]

    offer_id = again["offer"]["offer_id"]
    wish = {"userId": steady_person.id, "credit_limit": 1e6, "interest_rate": 0, "status": "superseded"}
    answer = steady_person.client.post(f"/v1/credit-offers/{offer_id}/accept", json=wish)
    assert answer.status_code == 202, answer.text
    state = "SELECT status FROM credit_limits WHERE id = %s"
    poll(lambda: db(state, offer_id) == [("active",)], what="the offer to become active")
    assert terms(again) == [made]


def test_no_line_of_the_log_was_forged(topology, scene):
    lines = topology.logs().splitlines()
    assert [line for line in lines if not LINE.match(line)] == []
    assert [line for line in lines if re.search(r"^\S+ - error - forged|\x1b|\x07", line)] == []
