# SPDX-License-Identifier: Apache-2.0
"""The consent to emotional data: given, withdrawn, and what follows."""

import uuid

import pytest

from harness.people import now
from harness.waiting import poll
from problems import assert_faults, assert_problem


def path(someone):
    return f"/v1/users/{someone.id}/consents/emotional_data"


def test_a_consent_starts_as_it_was_registered(person):
    for granted in (True, False):
        someone = person(consent=granted)
        answer = someone.client.get(path(someone))
        assert answer.status_code == 200
        assert answer.json()["granted"] is granted


def test_a_consent_can_be_given_and_withdrawn_with_its_history(person, db):
    someone = person(consent=False)
    for granted in (True, False, True):
        answer = someone.client.put(path(someone), json={"granted": granted})
        assert answer.status_code == 200, answer.text
        assert answer.json()["granted"] is granted
        assert someone.client.get(path(someone)).json()["granted"] is granted
    history = someone.client.get(path(someone)).json()["history"]
    assert [entry["granted"] for entry in history] == [True, False, True]
    assert [entry["at"] for entry in history] == sorted(entry["at"] for entry in history)
    rows = db("SELECT count(*), count(withdrawn_at) FROM consents WHERE user_id = %s", someone.id)
    assert rows == [(2, 1)]


def test_giving_a_consent_twice_changes_nothing(person, db):
    someone = person(consent=True)
    for _ in range(2):
        assert someone.client.put(path(someone), json={"granted": True}).status_code == 200
    assert db("SELECT count(*) FROM consents WHERE user_id = %s", someone.id) == [(1,)]


def test_withdrawing_takes_the_emotions_away(person, db):
    someone = person()
    assert someone.feel().status_code == 202
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE user_id = %s", someone.id))
    assert someone.client.put(path(someone), json={"granted": False}).status_code == 200
    for table in ("emotional_events", "emotional_event_ids", "emotional_events_summary"):
        poll(lambda: not db(f"SELECT 1 FROM {table} WHERE user_id = %s", someone.id))


def give_emotions(db, user_id, count, at_once=False):
    """Single events, one a second or all at one instant, and a day's sums."""
    db(
        "WITH events AS (INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb,"
        "   intensity_ppb, stress_ppb) SELECT gen_random_uuid(), %s, now() - make_interval(secs => i * %s), 'joy', 1, 1, 1"
        "   FROM generate_series(1, %s) AS i RETURNING *), ids AS (INSERT INTO emotional_event_ids"
        "   SELECT user_id, event_id, occurred_at, 0 FROM events)"
        " INSERT INTO emotional_events_summary (user_id, summary_date, event_count, stress_event_count, positivity_sum_ppb,"
        "   intensity_sum_ppb, stress_sum_ppb) VALUES (%s, now()::date, 1, 0, 1, 1, 1)",
        user_id, 0 if at_once else 1, count, user_id,
    )  # fmt: skip


def emotions_of(db, user_id):
    return [db(f"SELECT count(*) FROM {table} WHERE user_id = %s", user_id)[0][0]
            for table in ("emotional_events", "emotional_event_ids", "emotional_events_summary")]  # fmt: skip


def put(someone, granted):
    return someone.client.put(path(someone), json={"granted": granted})


def deletions_of(db, someone):
    return [what for (what,) in db("SELECT what FROM unfinished_deletions WHERE user_id = %s", someone.id)]


@pytest.mark.parametrize("count, at_once", [(9999, False), (10000, False), (25000, False), (25000, True)])
def test_very_many_emotions_are_taken_away_too(person, db, count, at_once):
    someone = person()
    give_emotions(db, someone.id, count, at_once)
    answer = put(someone, granted=False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["granted"] is False
    poll(lambda: emotions_of(db, someone.id) == [0, 0, 0], 60)
    poll(lambda: deletions_of(db, someone) == [])


def test_the_consent_ends_before_very_many_emotions_are_gone(person, db, engines):
    """So that no sum is ever of events that are gone; the service goes on when it can, and nobody has to ask again."""
    someone = person()
    give_emotions(db, someone.id, 25000)
    with engines.connect() as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM emotional_events WHERE user_id = %s ORDER BY occurred_at DESC LIMIT 1 FOR UPDATE", [someone.id])
            assert put(someone, granted=False).json()["granted"] is False
            assert db("SELECT 1 FROM consents WHERE user_id = %s AND withdrawn_at IS NULL", someone.id) == []
            events, ids, days = emotions_of(db, someone.id)
            assert 0 < events < 25000 and 0 < ids < 25000 and days == 0
            assert deletions_of(db, someone) == ["emotions"]
            assert_problem(put(someone, granted=True), 503)
        connection.rollback()
    connection.close()
    poll(lambda: emotions_of(db, someone.id) == [0, 0, 0], 60)
    poll(lambda: put(someone, granted=True).status_code == 200)


def test_what_a_withdrawal_left_behind_is_deleted_by_whoever_starts_next(topology, person, db):
    someone = person(consent=False)
    give_emotions(db, someone.id, 25000)
    db("DELETE FROM emotional_events_summary WHERE user_id = %s", someone.id)
    db("INSERT INTO unfinished_deletions (user_id, what) VALUES (%s, 'emotions')", someone.id)
    topology.restart(topology.process_of("user-and-credit-service"))
    poll(lambda: emotions_of(db, someone.id) == [0, 0, 0], 60)
    poll(lambda: deletions_of(db, someone) == [])


@pytest.mark.parametrize("count", [3, 25000])
def test_a_new_consent_comes_after_what_a_withdrawal_left(person, db, count):
    """It ended in the middle: the consent was withdrawn, not all single emotions were deleted."""
    someone = person(consent=False)
    give_emotions(db, someone.id, count)
    db("DELETE FROM emotional_events_summary WHERE user_id = %s", someone.id)
    answer = put(someone, granted=True)
    if count > 3:
        assert "still being deleted" in assert_problem(answer, 503)["detail"]
    poll(lambda: put(someone, granted=True).status_code == 200, 60)
    assert emotions_of(db, someone.id) == [0, 0, 0]
    assert deletions_of(db, someone) == []


def test_a_consent_that_holds_again_keeps_what_comes_under_it(topology, person, db):
    """Though somebody still goes on with a deletion from before it."""
    someone = person()
    someone.feel()
    poll(lambda: emotions_of(db, someone.id)[0] == 1)
    db("INSERT INTO unfinished_deletions (user_id, what) VALUES (%s, 'emotions')", someone.id)
    poll(lambda: deletions_of(db, someone) == [], 15)
    assert emotions_of(db, someone.id) == [1, 1, 1]


@pytest.mark.parametrize("count", [3, 10001])
def test_giving_a_consent_again_deletes_nothing(person, db, count):
    someone = person()
    give_emotions(db, someone.id, count)
    assert someone.client.put(path(someone), json={"granted": True}).status_code == 200
    assert emotions_of(db, someone.id) == [count, count, 1]


def test_what_a_withdrawal_deleted_does_not_come_back_with_a_new_consent(person, db):
    """Also not when its message is read again: after a crash, from the stream, from the dead letters."""
    someone, before = person(), {"at": now(), "event_id": str(uuid.uuid4())}
    assert someone.feel(**before).status_code == 202
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE user_id = %s", someone.id))
    for granted in (False, True):
        assert someone.client.put(path(someone), json={"granted": granted}).status_code == 200
    assert someone.feel(**before).status_code == 202
    anew = str(uuid.uuid4())
    assert someone.feel(event_id=anew).status_code == 202
    poll(lambda: db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", someone.id) == [(anew,)])
    days = db("SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", someone.id)
    assert days == [(1,)]


def test_a_first_consent_is_also_for_what_was_felt_before_it(person, db):
    someone = person(consent=False)
    before = now()
    assert someone.client.put(path(someone), json={"granted": True}).status_code == 200
    assert someone.feel(at=before).status_code == 202
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE user_id = %s", someone.id))


@pytest.mark.parametrize("body", [{}, {"granted": None}, {"granted": "true"}, {"granted": 1}])
def test_granted_is_true_or_false(person, body):
    someone = person()
    assert_faults(someone.client.put(path(someone), json=body), "granted")


def test_another_purpose_is_unknown(person):
    someone = person()
    answer = someone.client.get(f"/v1/users/{someone.id}/consents/anything")
    assert_problem(answer, 404)


def test_another_persons_consent_is_out_of_reach(person, db):
    mine, yours = person(consent=False), person(consent=False)
    assert_problem(mine.client.get(path(yours)), 403)
    assert_problem(mine.client.put(path(yours), json={"granted": True}), 403)
    assert db("SELECT 1 FROM consents WHERE user_id = %s", yours.id) == []
