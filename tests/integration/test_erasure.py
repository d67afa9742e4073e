# SPDX-License-Identifier: Apache-2.0
"""The erasure of a person: everything is gone, stays gone, and the token opens nothing any more."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.held import rows_of
from harness.people import PASSWORD, Api, Person, emotion, now
from harness.redis import redis_command
from harness.topology import SERVICES
from harness.waiting import poll, steady
from problems import assert_problem
from topologies import one_process_each


def erase(someone):
    return someone.client.delete(f"/v1/users/{someone.id}")


def letters_of(nats, user_id):
    return [data for _, _, _, data in nats.stored("dead-letters") if user_id in data.decode(errors="replace")]


@pytest.fixture
def known_person(steady_person, db):
    """Somebody with rows in every table."""
    someone = steady_person
    decision = someone.analyse().json()
    assert someone.client.post(f"/v1/decisions/{decision['decision_id']}/review").status_code == 202
    poll(lambda: someone.accept(decision["offer"]["offer_id"]).status_code == 200)
    assert all(rows_of(db, someone.id).values())
    return someone


def test_nothing_is_left_of_a_person_but_that_there_was_one(known_person, db):
    answer = erase(known_person)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"status": "the account is erased", "user_id": known_person.id}
    assert not any(rows_of(db, known_person.id).values())
    assert db("SELECT 1 FROM users WHERE id = %s", known_person.id) == []
    [columns] = db("SELECT * FROM erasures WHERE user_id = %s", known_person.id)
    assert len(columns) == 2


def test_others_keep_what_is_theirs(known_person, person, db):
    other = person()
    other.feel()
    poll(lambda: rows_of(db, other.id)["emotional_events"] == 1)
    before = rows_of(db, other.id)
    assert erase(known_person).status_code == 202
    assert rows_of(db, other.id) == before
    assert other.client.get(f"/v1/users/{other.id}").status_code == 200


def test_the_cached_answer_goes_too(known_person, topology):
    def is_cached():
        return redis_command(topology.env["REDIS_URL"], "EXISTS", f"ecs:decision:{known_person.id}") == ":1"

    assert known_person.analyse().json()["cached"] is True
    poll(is_cached)
    assert erase(known_person).status_code == 202
    assert not is_cached()


def test_the_token_opens_nothing_any_more(known_person):
    decision = known_person.analyse().json()["decision_id"]
    assert erase(known_person).status_code == 202
    own = f"/v1/users/{known_person.id}"
    for method, path in [
        ("GET", own), ("DELETE", own), ("GET", f"{own}/offers"), ("GET", f"{own}/transactions"),
        ("GET", f"{own}/emotions"), ("GET", f"{own}/consents/emotional_data"),
        ("POST", f"{own}/credit-analysis"), ("GET", f"/v1/decisions/{decision}"),
    ]:  # fmt: skip
        answer = known_person.client.call(method, path)
        assert_problem(answer, 401)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_token_sends_no_transactions_any_more(known_person):
    """Where they are received nobody asks PostgreSQL: it is told, at once."""
    assert erase(known_person).status_code == 202
    poll(lambda: known_person.pay(1).status_code == 401, 2)
    assert_problem(known_person.pay(1), 401)


@one_process_each
def test_a_service_that_starts_later_hears_who_was_erased(topology, known_person):
    assert erase(known_person).status_code == 202
    topology.restart(topology.process_of("transaction-service"))
    poll(lambda: known_person.pay(1).status_code == 401, 15)


@one_process_each
def test_past_the_gateway_the_token_is_refused_too(topology, known_person):
    assert erase(known_person).status_code == 202
    for service, method, path in [
        ("user-and-credit-service", "GET", f"/v1/users/{known_person.id}"),
        ("transaction-service", "POST", "/v1/transactions"),
    ]:
        client = Api(topology.env[SERVICES[service][1]], {"Authorization": f"Bearer {known_person.token}"})
        body = {"userId": known_person.id, "amount": 1}
        poll(lambda: client.call(method, path, json=body).status_code == 401, 2)


def test_nobody_logs_in_any_more_and_the_email_is_free(known_person, anybody, topology):
    assert erase(known_person).status_code == 202
    login = {"email": known_person.email, "password": PASSWORD}
    assert_problem(anybody.post("/v1/auth/login", json=login), 401)
    again = Person(topology, email=known_person.email)
    assert again.id != known_person.id


def test_an_emotion_on_its_way_is_dropped_and_kept_nowhere(known_person, person, db, nats):
    """Not as a dead letter either, as one of somebody who never was."""
    assert erase(known_person).status_code == 202
    assert known_person.feel().status_code == 202
    stranger = str(uuid.uuid4())
    later = person()
    nats.publish("user.emotions.topic", json.dumps(emotion(stranger, event_id=str(uuid.uuid4())) | {"traceId": uuid.uuid4().hex}))
    assert later.feel().status_code == 202
    poll(lambda: rows_of(db, later.id)["emotional_events"] == 1)
    poll(lambda: letters_of(nats, stranger))
    poll(lambda: nats.backlog("emotions") == 0)
    assert letters_of(nats, known_person.id) == []
    assert not any(rows_of(db, known_person.id).values())


def a_transaction(user_id):
    return {"eventId": str(uuid.uuid4()), "userId": user_id, "amount": 5, "occurredAt": now(),
            "traceId": uuid.uuid4().hex}  # fmt: skip


def test_a_transaction_on_its_way_is_dropped_and_counted(known_person, db, nats, topology):
    counted = "ecs_transactions_of_erased_people_total"
    before = topology.metric("transaction-processing-worker", counted)
    assert erase(known_person).status_code == 202
    nats.publish("transactions.topic", json.dumps(a_transaction(known_person.id)))
    poll(lambda: topology.metric("transaction-processing-worker", counted) > before)
    poll(lambda: nats.backlog("transactions") == 0)
    assert letters_of(nats, known_person.id) == []
    assert not any(rows_of(db, known_person.id).values())


def test_an_acceptance_on_its_way_is_dropped(known_person, nats):
    [acceptance] = [data for _, _, _, data in nats.stored("credits") if known_person.id in data.decode()]
    assert erase(known_person).status_code == 202
    nats.publish("credit.offers.approved", acceptance)
    poll(lambda: nats.backlog("credits") == 0)
    steady(lambda: letters_of(nats, known_person.id) == [], 0.3)


@pytest.mark.parametrize("company", [True, False], ids=["with another's", "alone"])
def test_a_transaction_that_meets_an_erasure_half_done_is_dropped(person, db, engines, nats, company):
    """The worker saw the account and waits for the erasure to end one way or the other."""
    gone, stays = person(), person()
    lines = [json.dumps(a_transaction(gone.id))] + [json.dumps(a_transaction(stays.id))] * company
    with engines.connect() as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT erase_person(%s), pg_current_xact_id()::text", [gone.id])
            ours = cursor.fetchone()[1]
            nats.publish("transactions.topic", "\n".join(lines))
            poll(lambda: db("SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = %s::text::xid", ours))
        connection.commit()
    connection.close()
    poll(lambda: nats.backlog("transactions") == 0)
    assert rows_of(db, stays.id)["transactions"] == company
    assert letters_of(nats, gone.id) == []
    assert not any(rows_of(db, gone.id).values())


def test_an_erasure_waits_for_the_batches_of_emotions_under_way(person, db, engines):
    someone = person()
    someone.feel()
    poll(lambda: rows_of(db, someone.id)["emotional_events"] == 1)
    with engines.connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('emotional_data'))")
            erasing = pool.submit(erase, someone)
            poll(lambda: db("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"))
            cursor.execute(
                "INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb,"
                " intensity_ppb, stress_ppb) VALUES (gen_random_uuid(), %s, now(), 'joy', 1, 1, 1)", [someone.id],
            )  # fmt: skip
        assert not erasing.done()
        connection.commit()
        assert erasing.result().status_code == 202
    connection.close()
    assert not any(rows_of(db, someone.id).values())


def test_nobody_waits_for_an_erasure_that_waits_for_an_outbox(known_person, person, db, engines):
    """Whoever publishes holds the rows of many people while the broker is slow."""
    other = person()

    def erase_rows():
        with engines.connect(engines.env["USER_CREDIT_DATABASE_URL"]) as erasing, erasing.cursor() as cursor:
            cursor.execute("SELECT erase_person(%s)", [known_person.id])

    with engines.connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_current_xact_id()::text FROM credit_limits WHERE user_id = %s FOR UPDATE", [known_person.id]
            )
            [ours] = cursor.fetchone()
            erasing = pool.submit(erase_rows)
            poll(lambda: db("SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = %s::text::xid", ours))
            other.feel()
            poll(lambda: rows_of(db, other.id)["emotional_events"] == 1, 2)
            assert not erasing.done()
        connection.rollback()
        erasing.result()
    connection.close()
    assert not any(rows_of(db, known_person.id).values())


def give_very_much(db, someone, many=25000):
    db(
        "WITH made AS (INSERT INTO decisions (id, user_id, approved, risk_score, risk_score_without_emotions, features,"
        "   contributions, reason_codes, emotional_consent, model_version, policy_version, trace_id)"
        "  SELECT gen_random_uuid(), %s, true, 0, 0, '{}', '{}', '{}', true, '', '', '' FROM generate_series(1, %s)"
        "  RETURNING id, user_id)"
        " INSERT INTO credit_limits (id, user_id, decision_id, status, credit_limit, interest_rate, credit_type, expires_at)"
        " SELECT gen_random_uuid(), user_id, id, 'superseded', 1, 1, '', now() FROM made", someone.id, many,
    )  # fmt: skip
    db(
        "INSERT INTO transactions (id, user_id, amount) SELECT gen_random_uuid(), %s, 1 FROM generate_series(1, %s)",
        someone.id, many,
    )  # fmt: skip
    db(
        "WITH events AS (INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb,"
        "   intensity_ppb, stress_ppb) SELECT gen_random_uuid(), %s, now() - make_interval(mins => i), 'joy', 1, 1, 1"
        "   FROM generate_series(1, %s) AS i RETURNING *)"
        " INSERT INTO emotional_event_ids SELECT user_id, event_id, occurred_at, i %% 2 FROM events, generate_series(0, 1) AS i",
        someone.id, many,
    )  # fmt: skip


def is_gone(db, someone):
    rows = db("SELECT 1 FROM users WHERE id = %s", someone.id) + db("SELECT 1 FROM unfinished_deletions WHERE user_id = %s", someone.id)
    return rows == [] and not any(rows_of(db, someone.id).values())


def test_a_person_with_very_many_rows_is_erased_soon_and_out_at_once(person, db, anybody):
    """Portion by portion, and not each decision beside each offer; nobody has to ask again."""
    someone = person()
    give_very_much(db, someone)
    answer = erase(someone)
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] in ("the account is being erased", "the account is erased")
    assert_problem(someone.analyse(), 401)
    assert_problem(anybody.post("/v1/auth/login", json={"email": someone.email, "password": PASSWORD}), 401)
    poll(lambda: is_gone(db, someone), 60)
    assert db("SELECT count(*) FROM erasures WHERE user_id = %s", someone.id) == [(1,)]


def test_an_erasure_goes_on_after_the_process_that_began_it(topology, person, db, engines, anybody):
    """Nobody logs in meanwhile, and other processes hear of it as of one that is done."""
    someone = person()
    give_very_much(db, someone)
    with engines.connect() as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM transactions WHERE user_id = %s FOR UPDATE", [someone.id])
            assert erase(someone).json()["status"] == "the account is being erased"
            topology.restart(topology.process_of("user-and-credit-service"))
            assert_problem(anybody.post("/v1/auth/login", json={"email": someone.email, "password": PASSWORD}), 401)
            poll(lambda: someone.analyse().status_code == 401, 15)
            poll(lambda: someone.pay(1).status_code == 401, 15)
            assert db("SELECT what FROM unfinished_deletions WHERE user_id = %s", someone.id) == [("account",)]
        connection.rollback()
    connection.close()
    poll(lambda: is_gone(db, someone), 60)


def test_without_the_cache_the_erasure_holds_too(topology, engines, known_person, db):
    """Nobody can say that the cached answer is gone: no answer of before counts any more."""
    assert known_person.analyse().json()["cached"] is True
    generation = "SELECT last_value + is_called::int FROM decision_cache_generation"
    before = db(generation)
    engines.pause("redis")
    try:
        assert erase(known_person).status_code == 202
    finally:
        engines.resume("redis")
    assert db(generation) > before
    assert_problem(known_person.analyse(), 401)


def test_who_is_back_after_a_restore_can_be_erased_again(known_person, db):
    db("INSERT INTO erasures (user_id, erased_at) VALUES (%s, now() - interval '1 day')", known_person.id)
    assert erase(known_person).status_code == 202
    [(lately,)] = db("SELECT erased_at > now() - interval '1 minute' FROM erasures WHERE user_id = %s", known_person.id)
    assert lately
    assert not any(rows_of(db, known_person.id).values())


@one_process_each
def test_a_repeat_of_an_erasure_is_answered_like_the_first(topology, known_person, db):
    """As long as the token is not known to be revoked: after a restart, or by another replica."""
    assert erase(known_person).status_code == 202
    process = topology.process_of("user-and-credit-service")
    topology.restart(process)
    answer = erase(known_person)
    assert answer.status_code in (202, 401)
    assert db("SELECT count(*) FROM erasures WHERE user_id = %s", known_person.id) == [(1,)]


def test_a_strangers_account_cannot_be_erased(person, db):
    mine, yours = person(), person()
    assert_problem(mine.client.delete(f"/v1/users/{yours.id}"), 403)
    assert db("SELECT 1 FROM users WHERE id = %s", yours.id) == [(1,)]


def test_erasures_of_one_person_at_once_are_one(known_person, db):
    def delete(_):
        client = Api(known_person.topology.url, {"Authorization": f"Bearer {known_person.token}"})
        return client.delete(f"/v1/users/{known_person.id}").status_code

    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(delete, range(8)))
    assert 202 in codes
    assert codes <= {202, 401}, "one that comes later says the same, or that the token is revoked"
    assert db("SELECT count(*) FROM erasures WHERE user_id = %s", known_person.id) == [(1,)]
