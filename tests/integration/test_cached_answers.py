# SPDX-License-Identifier: Apache-2.0
"""Analyses that the cache answers: hardly a statement for them, and never from a value that is not
the person's own."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.redis import redis_command
from harness.statements import statements_logged

SERVICE = "user-and-credit-service"
TIMES = 200
STATEMENT = re.compile(r"LOG:  (?:statement: |execute (?:<unnamed>: )?)(\w+)")


@pytest.fixture
def logged(engines, topology):
    with statements_logged(engines, topology, SERVICE, "ecs_user_credit"):
        yield


def kept(env, someone):
    return redis_command(env["REDIS_URL"], "EXISTS", f"ecs:decision:{someone.id}") == ":1"


def asked_until_kept(topology, someone):
    """The answer that the cache has by now."""
    answers = [someone.analyse().json() for _ in range(3)]
    assert kept(topology.env, someone)
    return answers[-1]


def test_cached_answers_take_hardly_a_statement(logged, topology, engines, person):
    someone = person()
    last = asked_until_kept(topology, someone)
    before, begun = len(engines.log("postgres")), time.monotonic()
    for _ in range(TIMES):
        assert someone.analyse().json() == last
    took = time.monotonic() - begun
    names = STATEMENT.findall(engines.log("postgres")[before:])
    # PostgreSQL is asked for the cache's generation ahead of the end of its second, by one request.
    assert names.count("lock_person") <= 3 + took / 0.7, names
    assert last["cached"] is True


def test_of_many_who_ask_at_once_each_gets_the_own_answer(topology, person):
    people = [person() for _ in range(16)]
    own = [asked_until_kept(topology, someone) for someone in people]
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(lambda someone: [someone.analyse().json() for _ in range(25)], people))
    assert answers == [[answer] * 25 for answer in own]


def test_anothers_cached_answer_is_nobodys(topology, person):
    mine, theirs = person(), person()
    asked_until_kept(topology, theirs)
    own = asked_until_kept(topology, mine)
    url = topology.env["REDIS_URL"]
    assert redis_command(url, "COPY", f"ecs:decision:{theirs.id}", f"ecs:decision:{mine.id}", "REPLACE") == ":1"
    answer = mine.analyse().json()
    assert answer["user_id"] == mine.id
    assert answer["decision_id"] == own["decision_id"]


FORGED = {
    "nothing": "",
    "an empty object": "{}",
    "an answer": '{"user_id":"%s","approved":true}',
    "noise": "x" * 5000,
}


@pytest.mark.parametrize("value", FORGED.values(), ids=FORGED.keys())
def test_what_others_write_into_the_cache_is_no_answer(topology, person, value):
    someone = person()
    own = asked_until_kept(topology, someone)
    forged = value.replace("%s", someone.id)
    redis_command(topology.env["REDIS_URL"], "SET", f"ecs:decision:{someone.id}", forged)
    assert someone.analyse().json() == own


def test_a_changed_answer_is_no_answer(topology, person):
    someone = person()
    own = asked_until_kept(topology, someone)
    key = f"ecs:decision:{someone.id}"
    redis_command(topology.env["REDIS_URL"], "SETRANGE", key, "60", "~")
    assert someone.analyse().json() == own
