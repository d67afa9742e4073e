# SPDX-License-Identifier: Apache-2.0
"""What an analysis waits for: how often the service asks PostgreSQL and waits for the answer, counted by a
proxy in between; and what becomes of statements that left together when one of them is refused."""

import pytest

from harness.proxy import PASS, proxy_before
from harness.refusal import Refusal

SERVICE = "user-and-credit-service"
# The person with what was decided lately and the features; the decision, its offer and the commit at once.
ROUND_TRIPS = 2
# Of its statements; a BEGIN or COMMIT by itself may be of another connection, such as the outbox's.
NAMES = (b"lock_person", b"applicant", b"insert_", b"supersede_open_offer")


class Requests:
    """What went through the proxy to the database."""

    def __init__(self):
        self.sent = []

    def __call__(self, data):
        self.sent.append(data)
        return PASS


@pytest.fixture(scope="module")
def requests_to_database(topology, engines):
    process = topology.process_of(SERVICE)
    requests = Requests()
    proxy, url = proxy_before(engines.env["USER_CREDIT_DATABASE_URL"], requests)
    topology.restart(process, USER_CREDIT_DATABASE_URL=url)
    yield requests
    topology.restart(process)
    proxy.close()


def analyse(person):
    return person.client.post(f"/v1/users/{person.id}/credit-analysis")


def test_an_analysis_waits_for_few_answers(person, requests_to_database):
    someone = person()
    requests_to_database.sent.clear()
    assert analyse(someone).status_code == 200
    about_it = [data for data in requests_to_database.sent if any(name in data for name in NAMES)]
    assert len(about_it) <= ROUND_TRIPS, about_it
    assert b"lock_person" in about_it[0] and b"applicant" in about_it[0]
    assert b"insert_decision" in about_it[-1] and b"COMMIT" in about_it[-1]


@pytest.fixture
def refusal(db):
    running = Refusal(db, "decisions")
    yield running
    running.end()


def left_open(engines):
    """How many connections of the service have a failed transaction. Only its own role is told."""
    with engines.connect(engines.env["USER_CREDIT_DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction (aborted)'")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("sqlstate, code", [("40001", 503), ("22003", 500)])
def test_a_refused_statement_takes_all_that_left_with_it_along(person, engines, db, refusal, sqlstate, code):
    someone = person()
    someone.client.watch = None  # 500, a defect, is not described
    refusal.begin(sqlstate)
    assert analyse(someone).status_code == code
    assert db("SELECT count(*) FROM credit_limits WHERE user_id = %s", someone.id) == [(0,)]
    assert left_open(engines) == 0
    refusal.end()
    answer = analyse(someone)
    assert answer.status_code == 200 and answer.json()["cached"] is False
    assert db("SELECT count(*) FROM decisions WHERE user_id = %s", someone.id) == [(1,)]
