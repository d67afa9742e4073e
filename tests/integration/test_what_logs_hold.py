# SPDX-License-Identifier: Apache-2.0
"""Logs say what happened, and neither secrets nor anybody's emotions. Runs after the other tests of
its topology, by its name."""

import json
import re

import psycopg2
import pytest

from harness.people import PASSWORD, people_in_database
from harness.waiting import poll

LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z - (debug|info|warning|error) - .+$", re.I)


def test_a_line_is_an_event(topology, anybody):
    anybody.get("/v1/nothing")
    lines = topology.logs().splitlines()
    assert lines
    assert [line for line in lines if not LINE.match(line)][:5] == []


def test_no_secret_is_in_a_log(topology, person):
    someone = person()
    someone.feel(kind="melancholy-in-no-log", positivity=0.123456789)
    someone.pay(76543.21)
    decision = someone.analyse().json()
    assert someone.client.get(f"/v1/users/{someone.id}").status_code == 200
    assert topology.secrets_in_logs() == []
    log = topology.logs()
    assert someone.email not in log
    for word in ("melancholy-in-no-log", "0.123456789", "positivity", "stress_level", "76543.21", "7654321"):
        assert word not in log
    offer = decision["offer"] or {}
    for figure in (decision["ml_risk_score"], *(offer[name] for name in ("credit_limit", "interest_rate") if offer)):
        assert not re.search(rf"[= ]{re.escape(str(figure))}\b", log), figure


def test_what_a_client_sends_cannot_forge_a_line(topology, anybody):
    anybody.post(
        "/v1/auth/login",
        json={"email": "a@example.com\n2026-01-01T00:00:00Z - error - forged", "password": PASSWORD},
    )
    anybody.get("/v1/%0A2026-01-01T00:00:00Z%20-%20error%20-%20forged")
    assert not [line for line in topology.logs().splitlines() if line.endswith("- error - forged")]


def test_a_row_that_postgres_refuses_is_not_in_its_log(engines, db):
    [person] = people_in_database(db, 1)
    before = len(engines.log("postgres"))
    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        db(
            "INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb, intensity_ppb,"
            " stress_ppb) VALUES (gen_random_uuid(), %s, now(), 'secretly sad', 2000000001, 1, 1)", person,
        )  # fmt: skip
    assert "secretly sad" in str(refused.value), "the client is told"
    poll(lambda: "violates check constraint" in engines.log("postgres")[before:])
    log = engines.log("postgres")[before:]
    assert "Failing row" not in log and "DETAIL" not in log


def test_json_lines_on_request(engines):
    from harness.topology import Topology

    running = Topology("all", engines, LOG_FORMAT="json")
    try:
        lines = running.log_file("all").read_text().splitlines()
        mine = [json.loads(line) for line in lines if line.startswith("{")]
        assert mine
        assert all(entry["level"] and entry["message"] for entry in mine)
    finally:
        assert set(running.stop().values()) == {0}
