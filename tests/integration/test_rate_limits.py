# SPDX-License-Identifier: Apache-2.0
"""Limits of requests and of failed logins. The tests come from a trusted address, which is not
limited; so they say in X-Forwarded-For, as a proxy would, for whom they ask."""

import itertools
import random

import pytest

from harness.people import PASSWORD, Api, Person, emotion, new_email
from harness.raw import Raw
from harness.requests_as_bytes import account_text, fill, request
from harness.topology import Topology
from harness.waiting import poll, window_that_lasts
from problems import assert_problem

WINDOW = window_that_lasts(900)
# Addresses that no other run of this module has counted in Redis.
_addresses = (f"198.{random.randrange(256)}.{n // 250}.{n % 250}" for n in itertools.count(1))


@pytest.fixture(scope="module", params=["all", "services"])
def limited(request, engines):
    """Both topologies again, with limits that a test can reach."""
    running = Topology(
        request.param, engines, RATE_LIMIT_ADDRESS_PER_MINUTE="30", RATE_LIMIT_PERSON_PER_MINUTE="20",
        LOGIN_ATTEMPTS_PER_ACCOUNT="3", LOGIN_ATTEMPTS_PER_ADDRESS="6", LOGIN_WINDOW_SECONDS=str(WINDOW),
        REGISTRATIONS_PER_ADDRESS="5",
    )  # fmt: skip
    yield running
    assert set(running.stop().values()) == {0}


def client_at(topology, address, **headers):
    return Api(topology.url, {"X-Forwarded-For": address, **headers})


def login(client, email, password="not the password"):
    return client.post("/v1/auth/login", json={"email": email, "password": password})


def codes(call, times):
    return [call().status_code for _ in range(times)]


def assert_too_many(answer):
    """In both topologies: what a service answers goes through the gateway as it is."""
    assert_problem(answer, 429)
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]
    assert 1 <= int(answer.headers["Retry-After"]) <= WINDOW


def until_refused(call, most):
    """The first answer that is 429; a window may end in between, so a little more than the limit."""
    for _ in range(most):
        answer = call()
        if answer.status_code == 429:
            return answer
    raise AssertionError(f"not refused in {most} requests")


def test_an_address_sends_so_many_requests(limited):
    client = client_at(limited, next(_addresses))
    answer = until_refused(lambda: client.get("/v1/nothing"), 61)
    assert_too_many(answer)
    assert answer.headers["RateLimit-Limit"] == "30"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]
    assert client_at(limited, next(_addresses)).get("/v1/nothing").status_code == 404


def test_only_the_last_hop_is_believed(limited):
    """What stands before it was written by the client."""
    mine = next(_addresses)
    answer = until_refused(
        lambda: client_at(limited, f"{next(_addresses)}, {mine}").get("/v1/nothing"), 61
    )
    assert_too_many(answer)


def test_the_last_of_several_lines_is_believed(limited):
    mine = next(_addresses)

    def status():
        lines = f"X-Forwarded-For: {next(_addresses)}\r\nX-Forwarded-For: {mine}\r\n"
        with Raw(limited) as connection:
            connection.send(request("GET", "/v1/nothing", headers=lines))
            return connection.answer().status

    assert 429 in [status() for _ in range(61)]


def test_trusted_addresses_and_senders_are_not_limited(limited):
    assert set(codes(lambda: Api(limited.url).get("/v1/nothing"), 70)) == {404}
    person = Person(limited)
    sender = client_at(limited, next(_addresses), **{"X-Internal-Key": limited.internal_key})
    assert set(codes(lambda: sender.post("/v1/emotions/stream", json=emotion(person.id)), 70)) == {202}
    pretender = client_at(limited, next(_addresses), **{"X-Internal-Key": "x"})
    assert_too_many(until_refused(lambda: pretender.get("/v1/nothing"), 61))


def test_a_network_of_ipv6_counts_as_one_address(limited):
    """A subscriber has 2^64 addresses, and takes a new one for each request."""
    network = f"2001:db8:{random.randrange(1 << 16):x}:{random.randrange(1 << 16):x}:"
    answer = until_refused(lambda: client_at(limited, f"{network}:{random.randrange(1, 1 << 16):x}").get("/v1/nothing"), 61)
    assert_too_many(answer)
    other = f"2001:db9:{random.randrange(1 << 16):x}:{random.randrange(1 << 16):x}::1"
    assert client_at(limited, other).get("/v1/nothing").status_code == 404


def test_a_hop_that_cannot_be_read_is_not_trusted(limited):
    """Some proxies write the client's port behind its address."""
    answer = until_refused(lambda: client_at(limited, f"{next(_addresses)}:5{random.randrange(1000)}").get("/v1/nothing"), 61)
    assert_too_many(answer)
    assert Api(limited.url).get("/v1/nothing").status_code == 404, "the proxy itself is not counted"


def test_an_address_registers_so_many_people(limited):
    client = client_at(limited, next(_addresses))

    def register(client):
        return client.post("/v1/auth/register", json={"email": new_email(), "password": PASSWORD})

    answer = until_refused(lambda: register(client), 11)
    assert_too_many(answer)
    assert answer.headers["RateLimit-Limit"] == "5"
    assert register(client_at(limited, next(_addresses))).status_code == 201


def test_a_person_sends_so_many_requests_from_anywhere(limited):
    person, other = Person(limited), Person(limited)

    def ask(somebody):
        client = client_at(limited, next(_addresses), Authorization=f"Bearer {somebody.token}")
        return client.get(f"/v1/users/{somebody.id}/offers")

    answer = until_refused(lambda: ask(person), 41)
    assert_too_many(answer)
    assert answer.headers["RateLimit-Limit"] == "20"
    assert ask(other).status_code == 200


def test_an_account_is_not_guessed_from_many_addresses(limited):
    person = Person(limited)

    def guess(password="not the password"):
        return login(client_at(limited, next(_addresses)), person.email.upper(), password)

    assert codes(guess, 3) == [401] * 3
    assert_too_many(guess())
    assert_too_many(guess(PASSWORD))
    assert login(Api(limited.url), Person(limited).email, PASSWORD).status_code == 200


def test_a_good_login_counts_for_nothing(limited):
    person = Person(limited)
    client = client_at(limited, next(_addresses))
    assert codes(lambda: login(client, person.email, PASSWORD), 9) == [200] * 9


def test_an_address_does_not_guess_at_many_accounts(limited):
    client = client_at(limited, next(_addresses))
    assert codes(lambda: login(client, new_email()), 6) == [401] * 6
    assert_too_many(login(client, new_email()))
    assert login(client_at(limited, next(_addresses)), new_email()).status_code == 401


def test_a_refused_login_does_not_tell_who_has_an_account(limited):
    answers = []
    for email in (Person(limited).email, new_email()):
        codes_of_case = []
        for spelling in (str, str.upper, str.title, str.lower):
            answer = login(client_at(limited, next(_addresses)), spelling(email))
            codes_of_case.append(answer.status_code)
        body = assert_problem(answer, 429)
        answers.append((codes_of_case, {k: v for k, v in body.items() if k != "request_id"}, set(answer.headers)))
    assert answers[0] == answers[1]


def test_the_limit_of_logins_holds_across_replicas(limited, engines):
    """A second gateway and service, which share nothing but the engines."""
    person = Person(limited)
    other = Topology("all", engines, LOGIN_ATTEMPTS_PER_ACCOUNT="3", LOGIN_WINDOW_SECONDS=str(WINDOW))
    try:
        assert codes(lambda: login(Api(limited.url), person.email), 2) == [401] * 2
        assert login(Api(other.url), person.email).status_code == 401
        assert_too_many(login(Api(other.url), person.email))
        assert_too_many(login(Api(limited.url), person.email))
    finally:
        assert set(other.stop().values()) == {0}


def test_the_limit_of_logins_holds_without_redis(limited, engines):
    person = Person(limited)
    engines.pause("redis")
    try:
        assert codes(lambda: login(Api(limited.url), person.email), 3) == [401] * 3
        assert_too_many(login(Api(limited.url), person.email))
    finally:
        engines.resume("redis")
    poll(lambda: limited.is_ready(limited.url))


def test_guesses_at_the_same_moment_do_not_slip_through(limited):
    person = Person(limited)
    connections = [Raw(limited) for _ in range(20)]
    guess = fill(request("POST", "/v1/auth/login", account_text('"<email>"', '"not it"')), email=person.email)
    for connection in connections:
        connection.send(guess)
    statuses = sorted(connection.answer().status for connection in connections)
    for connection in connections:
        connection.__exit__()
    assert statuses == [401] * 3 + [429] * 17


def test_a_count_without_an_end_gets_one(limited, engines):
    """Whoever began it may have gone before he could set its end."""
    from harness.redis import forget_everything, redis_command

    url = engines.env["REDIS_URL"]

    def for_each_count(script):
        counts = "ipairs(redis.call('KEYS', 'ecs:login:*'))"
        return redis_command(url, "EVAL", f"local found = 0 for _, key in {counts} do {script} end return found", "0")

    def counted_in_redis():
        """Who logged in for it. Where Redis was away a moment ago it is left alone for another."""
        forget_everything(url)
        person = Person(limited)
        login(Api(limited.url), person.email)
        return for_each_count("found = found + redis.call('PERSIST', key)") == ":1" and person

    person = poll(counted_in_redis, 10)
    login(Api(limited.url), person.email)
    assert for_each_count("if redis.call('TTL', key) > 0 then found = found + 1 end") == ":1"


def test_no_email_and_no_address_stands_in_redis(limited, engines):
    from harness.redis import redis_command

    address, email = next(_addresses), new_email()
    login(client_at(limited, address), email)
    for word in (address, email.split("@")[0]):
        assert redis_command(engines.env["REDIS_URL"], "EVAL", "return #redis.call('KEYS', ARGV[1])", "0", f"*{word}*") == ":0"


def test_a_bad_list_of_proxies_stops_the_start(engines):
    from harness.topology import run_command

    done = run_command(dict(engines.env, TRUSTED_PROXIES="everybody"), "serve", "all")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "TRUSTED_PROXIES" in done.stderr
