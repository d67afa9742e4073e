# SPDX-License-Identifier: Apache-2.0
"""The connection to PostgreSQL is cut at a COMMIT: before it arrives, or in place of its answer.
Either way the outcome is looked up, and what the client is told is true."""

import threading

import pytest

from harness.held import rows_of
from harness.offers import assert_each_active_once, offers_of
from harness.people import PASSWORD, new_email
from harness.proxy import CUT_AFTER, CUT_BEFORE, PASS, proxy_before
from harness.waiting import poll

SERVICE = "user-and-credit-service"
ROUNDS = 4


class Commits:
    """Judges what a proxy passes on: every `every`-th COMMIT is cut while `how` is set."""

    def __init__(self):
        self.lock = threading.Lock()
        self.how, self.every, self.seen, self.cut = PASS, 1, 0, 0

    def __call__(self, data):
        with self.lock:
            if self.how == PASS or b"COMMIT\0" not in data:
                return PASS
            self.seen += 1
            if self.seen % self.every:
                return PASS
            self.cut += 1
            # One at a time, so that the look-up itself goes through.
            how = self.how
            if self.every == 1:
                self.how = PASS
            return how


@pytest.fixture(scope="module", params=[CUT_BEFORE, CUT_AFTER])
def cut_next(request, topology, engines):
    """cut_next() has the service's next COMMIT cut; .cut counts."""
    commits = Commits()
    proxy, url = proxy_before(engines.env["USER_CREDIT_DATABASE_URL"], commits)
    topology.restart(SERVICE, USER_CREDIT_DATABASE_URL=url)

    def arm():
        commits.how = request.param

    arm.commits = commits
    yield arm
    topology.restart(SERVICE)
    proxy.close()


def assert_cut(cut_next, times):
    assert cut_next.commits.cut == times, "the fault did not happen"


@pytest.mark.usefixtures("loaded")
def test_a_registration_in_doubt_is_answered_truly(topology, anybody, db, cut_next):
    before = cut_next.commits.cut
    for number in range(ROUNDS):
        email = new_email()
        cut_next()
        answer = anybody.post(
            "/v1/auth/register",
            json={"email": email, "password": PASSWORD, "consents": {"emotional_data": True}},
        )
        assert_cut(cut_next, before + number + 1)
        assert answer.status_code == 201, answer.text
        person = answer.json()["id"]
        assert db("SELECT id::text FROM users WHERE email = %s", email) == [(person,)]
        assert db("SELECT count(*) FROM consents WHERE user_id = %s", person) == [(1,)]
        login = anybody.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert login.status_code == 200


@pytest.mark.usefixtures("loaded")
def test_an_analysis_in_doubt_is_one_decision_and_one_offer(person, db, cut_next):
    before = cut_next.commits.cut
    for number in range(ROUNDS):
        someone = person()
        someone.pay(100)
        cut_next()
        answer = someone.analyse()
        assert_cut(cut_next, before + number + 1)
        assert answer.status_code == 200, answer.text
        decided = answer.json()
        assert db("SELECT id::text FROM decisions WHERE user_id = %s", someone.id) == [(decided["decision_id"],)]
        offers = db("SELECT id::text FROM credit_limits WHERE user_id = %s", someone.id)
        assert offers == ([(decided["offer"]["offer_id"],)] if decided["offer"] else [])


@pytest.mark.usefixtures("loaded")
def test_an_acceptance_in_doubt_is_active_once(topology, db, nats, pattern_token, cut_next):
    before = cut_next.commits.cut
    offers = offers_of(topology, db, pattern_token, ROUNDS)
    for number, (client, person, offer_id) in enumerate(offers):
        cut_next()
        answer = client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person})
        assert_cut(cut_next, before + number + 1)
        # Looked up after the worker was quick, it is active already.
        assert answer.status_code in (200, 202), answer.text
        accepted = db("SELECT accepted_at IS NOT NULL FROM credit_limits WHERE id = %s", offer_id)
        assert accepted == [(True,)]
    assert_each_active_once(db, nats, offers)


@pytest.mark.usefixtures("loaded")
def test_a_consent_in_doubt_is_what_was_answered(person, db, cut_next):
    before = cut_next.commits.cut
    someone = person(consent=False)
    path = f"/v1/users/{someone.id}/consents/emotional_data"
    for number in range(ROUNDS):
        granted = number % 2 == 0
        cut_next()
        answer = someone.client.put(path, json={"granted": granted})
        assert_cut(cut_next, before + number + 1)
        assert answer.status_code == 200, answer.text
        assert answer.json()["granted"] is granted
        periods = db("SELECT withdrawn_at IS NULL FROM consents WHERE user_id = %s ORDER BY granted_at", someone.id)
        assert len(periods) == number // 2 + 1, "each consent is one period"
        assert periods[-1] == (granted,)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("which", [1, 2, 3], ids=["the emotions", "the other rows", "the account"])
def test_an_erasure_in_doubt_is_done_and_answered(person, db, cut_next, which):
    """Each of its transactions in turn is cut; the outbox may commit in between."""
    commits, someone = cut_next.commits, person()
    assert someone.pay(100).status_code == 202
    poll(lambda: rows_of(db, someone.id)["transactions"] == 1)
    before, commits.seen, commits.every = commits.cut, 0, which
    cut_next()
    answer = someone.client.delete(f"/v1/users/{someone.id}")
    commits.how, commits.every = PASS, 1
    assert commits.cut > before, "the fault did not happen"
    assert answer.status_code == 202, answer.text
    assert not any(rows_of(db, someone.id).values())
    assert db("SELECT count(*) FROM erasures WHERE user_id = %s", someone.id) == [(1,)]


@pytest.mark.parametrize("how", [CUT_BEFORE, CUT_AFTER])
def test_batches_in_doubt_are_stored_once(topology, engines, load, how):
    workers = {
        "emotion-processing-worker": "EMOTION_WORKER_DATABASE_URL",
        "transaction-processing-worker": "TRANSACTION_WORKER_DATABASE_URL",
    }
    all_commits, proxies = [], []
    for worker, name in workers.items():
        commits = Commits()
        commits.how, commits.every = how, 5
        proxy, url = proxy_before(engines.env[name], commits)
        topology.restart(worker, **{name: url})
        all_commits.append(commits)
        proxies.append(proxy)
    with load() as running:
        poll(lambda: all(commits.cut >= 5 for commits in all_commits), 60, "commits to be cut")
        running.wait_for(500)
        for commits in all_commits:
            commits.how = PASS
    running.check()
    for worker, proxy in zip(workers, proxies):
        topology.restart(worker)
        proxy.close()
