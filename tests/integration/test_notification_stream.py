# SPDX-License-Identifier: Apache-2.0
"""Notifications live, as server-sent events: each once, in order, to whom they are for, and from where a
client was when it comes again."""

import contextlib
import itertools
import time
import uuid

import pytest

from harness.listening import Listening
from harness.people import Person
from harness.raw import Raw
from harness.topology import Topology
from harness.waiting import poll
from problems import assert_problem
from topologies import one_process_each

SERVICE = "user-and-credit-service"
ENDS_SOON = 2


MILLISECONDS = itertools.count(time.time_ns() // 1_000_000)


def new_id():
    """A time-ordered one (RFC 9562, version 7), later than the one before."""
    return str(uuid.UUID(f"{next(MILLISECONDS):012x}7{uuid.uuid4().hex[13:]}"))


@pytest.fixture
def notify(db):
    """Stores a notification, as the credit-application-worker does; answers its id."""

    def notify(someone, title="a title"):
        notification = new_id()
        db(
            "INSERT INTO notifications (id, user_id, offer_id, type, title, message, trace_id)"
            " VALUES (%s, %s, %s, 'CREDIT_LIMIT_APPLIED', %s, 'a message', 'a trace')",
            notification, someone.id, str(uuid.uuid4()), title,
        )  # fmt: skip
        return notification

    return notify


@pytest.fixture(scope="module")
def brief(engines):
    """All services in one process, where a stream ends soon."""
    running = Topology("all", engines, NOTIFICATION_STREAM_SECONDS=str(ENDS_SOON))
    yield running
    assert set(running.stop().values()) == {0}


def open_streams(topology):
    return topology.metric(SERVICE, "ecs_notification_streams")


def ids(events, count):
    return [next(events).id for _ in range(count)]


def test_a_credit_that_becomes_active_is_told_at_once(topology, steady_person):
    with Listening(topology, steady_person) as listening:
        assert listening.answer.headers["Content-Type"] == "text/event-stream"
        assert listening.answer.headers["Cache-Control"] == "no-store"
        steady_person.accept(steady_person.analyse().json()["offer"]["offer_id"])
        event = listening.next()
    [listed] = steady_person.client.get(f"/v1/users/{steady_person.id}/notifications").json()["items"]
    assert event.data == listed
    assert event.id == listed["notification_id"]


def test_every_notification_comes_once_and_in_order(topology, person, notify):
    someone = person()
    with Listening(topology, someone) as listening:
        events = listening.events()
        sent = [notify(someone) for _ in range(3)]
        assert ids(events, 3) == sent
        sent = [notify(someone) for _ in range(2)]
        assert ids(events, 2) == sent


def test_a_client_that_comes_again_gets_what_it_missed(topology, person, notify):
    someone = person()
    sent = [notify(someone) for _ in range(4)]
    with Listening(topology, someone, last=sent[1]) as listening:
        events = listening.events()
        assert ids(events, 2) == sent[2:]
        later = notify(someone)
        assert ids(events, 1) == [later]


def test_more_than_a_statement_brings_come_all_the_same(topology, person, notify):
    someone = person()
    sent = [notify(someone) for _ in range(130)]
    with Listening(topology, someone, last=sent[0]) as listening:
        assert ids(listening.events(), 129) == sent[1:]


def test_a_new_client_gets_only_what_is_new(topology, person, notify):
    someone = person()
    notify(someone)
    with Listening(topology, someone) as listening:
        new = notify(someone)
        assert listening.next().id == new


def test_nobody_gets_what_is_for_another(topology, person, notify):
    mine, theirs = person(), person()
    with Listening(topology, mine) as my_stream, Listening(topology, theirs) as their_stream:
        first, second = notify(theirs, "theirs"), notify(mine, "mine")
        assert my_stream.next().id == second
        assert their_stream.next().id == first


def test_two_streams_of_a_person_both_get_everything(topology, person, notify):
    someone = person()
    first = notify(someone)
    second = notify(someone)
    with Listening(topology, someone, last=first) as early, Listening(topology, someone) as late:
        third = notify(someone)
        assert ids(early.events(), 2) == [second, third]
        assert ids(late.events(), 1) == [third]


@pytest.mark.parametrize("last", ["1", "x" * 36, "00000000-0000-0000-0000-00000000000g"])
def test_a_last_id_that_is_none_is_refused(topology, person, last):
    with Listening(topology, person(), last=last) as listening:
        problem = assert_problem(listening.answer, 422)
    assert problem["errors"] == [{"field": "Last-Event-ID", "message": "must be the id of a notification"}]


def test_an_account_that_is_gone_has_no_stream(topology, person, db):
    someone = person()
    db("DELETE FROM users WHERE id = %s", someone.id)
    with Listening(topology, someone) as listening:
        assert_problem(listening.answer, 401)


def test_the_ninth_stream_of_a_person_ends_the_oldest(topology, person, notify):
    """A client that vanished without a word must not keep the person out."""
    someone, other = person(), person()
    with contextlib.ExitStack() as stack:
        anothers = stack.enter_context(Listening(topology, other))
        streams = [stack.enter_context(Listening(topology, someone)) for _ in range(9)]
        assert list(streams[0].events()) == []
        new = notify(someone)
        assert [stream.next().id for stream in streams[1:]] == [new] * 8
        assert anothers.answer.status_code == 200
        assert notify(other) == anothers.next().id


def test_a_silent_stream_shows_that_it_lives(topology, person, notify):
    someone = person()
    with Listening(topology, someone, timeout=8) as listening:
        listening.wait_for_signs_of_life(2)
        assert notify(someone) == listening.next().id


def test_who_got_nothing_yet_misses_nothing_either(topology, person, notify):
    """The stream ends before its first event, and something happens before the client is back."""
    someone = person()
    before = notify(someone)
    with Listening(topology, someone) as listening:
        assert listening.start == before
    missed = notify(someone)
    with Listening(topology, someone, last=listening.start) as listening:
        assert listening.next().id == missed


def test_there_is_room_for_half_as_many_streams_as_connections(engines):
    narrow = Topology("all", engines, MAX_CONNECTIONS="16")
    try:
        with contextlib.ExitStack() as stack:
            people = [Person(narrow) for _ in range(9)]
            streams = [stack.enter_context(Listening(narrow, someone)) for someone in people]
            assert [stream.answer.status_code for stream in streams] == [200] * 8 + [503]
            assert_problem(streams[-1].answer, 503)
            assert streams[-1].answer.headers["Retry-After"] == "1"
    finally:
        assert narrow.stop() == {"all": 0}


def test_what_a_client_sends_after_its_request_is_ignored(topology, person, notify):
    someone = person()
    with Raw(topology) as connection:
        connection.send(
            f"GET /v1/users/{someone.id}/notifications/stream HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {someone.token}\r\n\r\n"
        )
        assert connection.answer(head_only=True).status == 200
        connection.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 10)
        new = notify(someone)
        told = iter(connection.input.readline, b"")
        assert f"id: {new}\n".encode() in told
    poll(lambda: open_streams(topology) == 0, 10, "the stream to end")


def test_a_stream_whose_client_has_gone_is_forgotten(topology, person):
    poll(lambda: open_streams(topology) == 0, 10, "the streams of before to end")
    with Listening(topology, person()):
        assert open_streams(topology) == 1
    poll(lambda: open_streams(topology) == 0, 10, "the stream to end")


def test_head_tells_of_a_stream_and_opens_none(topology, person):
    someone = person()
    answer = someone.client.call("HEAD", f"/v1/users/{someone.id}/notifications/stream")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    poll(lambda: open_streams(topology) == 0, 10, "no stream to be open")


def test_an_erasure_ends_the_persons_streams(topology, person):
    someone = person()
    with Listening(topology, someone) as listening:
        assert someone.client.delete(f"/v1/users/{someone.id}").status_code == 202
        since = time.monotonic()
        assert list(listening.events()) == []
        assert time.monotonic() - since < 10
    with Listening(topology, someone) as listening:
        assert_problem(listening.answer, 401)


@one_process_each
def test_a_stream_ends_with_the_service_behind_the_gateway(topology, person, notify):
    someone = person()
    with Listening(topology, someone) as listening:
        first = notify(someone)
        events = listening.events()
        assert next(events).id == first
        topology.restart(SERVICE)
        assert list(events) == []
    second = notify(someone)
    with Listening(topology, someone, last=first) as listening:
        assert listening.next().id == second


def test_a_stream_ends_in_time_and_the_next_goes_on(brief, notify):
    someone, begun = Person(brief), time.monotonic()
    with Listening(brief, someone) as listening:
        first = notify(someone)
        events = listening.events()
        assert next(events).id == first
        assert list(events) == []
        assert ENDS_SOON <= time.monotonic() - begun < ENDS_SOON + 5
    second = notify(someone)
    with Listening(brief, someone, last=first) as listening:
        assert [event.id for event in listening.events()] == [second]


def test_a_process_that_ends_ends_its_streams(brief, notify):
    someone = Person(brief)
    with Listening(brief, someone) as listening:
        begun = time.monotonic()
        assert brief.terminate("all") == 0
        assert list(listening.events()) == []
        assert time.monotonic() - begun < 5
    brief.start("all")
    brief.wait_ready()
