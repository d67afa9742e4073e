# SPDX-License-Identifier: Apache-2.0
"""Redis talks nonsense, is emptied under way, runs full, hangs: answers stay right, are hardly slower,
and each change of its state is one warning."""

import os
import socket
import statistics
import threading
from urllib.parse import urlsplit

import pytest

from harness.listener import Listener
from harness.people import PASSWORD
from harness.redis import forget_everything, redis_command
from harness.waiting import poll, steady, window_that_lasts

SERVICE = "user-and-credit-service"
LOGINS_THAT_MAY_FAIL = 10  # of an account
SLOWER_AT_MOST = 0.1  # seconds an analysis


pytestmark = pytest.mark.usefixtures("lived")


class FakeRedis(Listener):
    """Answers whatever it is sent with what `reply(asked)` gives; None ends the connection."""

    def __init__(self, reply):
        self.reply, self.asked = reply, 0
        super().__init__()
        self.url = f"redis://:secret@127.0.0.1:{self.port}"

    def serve(self, client):
        with client:
            try:
                while asked := client.recv(65536):
                    self.asked += 1
                    said = self.reply(asked)
                    if said is None:
                        return
                    client.sendall(said)
            except OSError:
                pass


def late(answer, seconds=0.15):
    """An answer that comes after its deadline, so that the next command may take it for its own."""

    def reply(_):
        threading.Event().wait(seconds)
        return answer

    return reply


def greeted(answer):
    """Takes the password and says that it is there, as it should; then says `answer` to everything."""
    greeting = {b"AUTH": b"+OK\r\n", b"PING": b"+PONG\r\n"}

    def reply(asked):
        name = asked.split(b"\r\n")[2]
        return greeting.get(name) or (answer(asked) if callable(answer) else answer)

    return reply


NONSENSE = {
    "HTTP": lambda _: b"HTTP/1.1 200 OK\r\n\r\n",
    "OK to everything": lambda _: b"+OK\r\n",
    "a number": greeted(b":7\r\n"),
    "a text": greeted(b"$5\r\nhello\r\n"),
    "an object of nobody": greeted(b"$2\r\n{}\r\n"),
    "a huge length": greeted(b"$2147483647\r\nx"),
    "a negative length": greeted(b"$-7\r\n\r\n"),
    "a huge array": greeted(b"*2147483647\r\n"),
    "half an answer": greeted(b"$100\r\nhalf"),
    "two answers": greeted(b"$2\r\n{}\r\n$2\r\n{}\r\n"),
    "an error": greeted(b"-ERR nonsense\r\n"),
    "random bytes": lambda _: os.urandom(64),
    "zeros": lambda _: bytes(4096),
    "nothing": lambda _: b"",
    "an end": lambda _: None,
    "an end after the greeting": greeted(lambda _: None),
    "too late": late(b"+OK\r\n"),
    "too late after the greeting": greeted(late(b"$2\r\n{}\r\n")),
}


def read(client):
    """What came; nothing once the other side has gone, which it does at once."""
    try:
        return client.recv(65536)
    except ConnectionResetError:
        return b""


class OneAnswerBehind(Listener):
    """Between a service and Redis. Once `armed`, the next answer to a count is kept back until the next
    command of its connection, the answer to that one until the one after it, and so on."""

    def __init__(self, url):
        self.redis, self.armed, self.kept = urlsplit(url), False, 0
        super().__init__()
        self.url = url.replace(f":{self.redis.port}", f":{self.port}")

    def serve(self, client):
        kept = None
        with client, socket.create_connection((self.redis.hostname, self.redis.port)) as redis:
            while command := read(client):
                redis.sendall(command)
                answer = redis.recv(65536)
                if self.armed and b"INCRBY" in command:
                    self.armed, kept = False, b""
                if kept is not None:
                    self.kept += 1
                    kept, answer = answer, kept
                client.sendall(answer)


def changes(topology, since):
    """The log lines on the cache's state since that many bytes: (warnings, how often it came back)."""
    text = topology.log_file(SERVICE).read_text()[since:]
    lines = [line for line in text.splitlines() if "cache " in line]
    return (
        [line for line in lines if "WARNING" in line],
        [line for line in lines if "cache is back" in line or "takes values again" in line],
    )


def log_length(topology):
    return len(topology.log_file(SERVICE).read_text())


def seconds_of(answers):
    return statistics.median(answer.elapsed.total_seconds() for answer in answers)


@pytest.fixture
def usual(person, engines):
    """Seconds of an analysis that PostgreSQL answers, with Redis well but empty, as of now."""
    someone = person()
    someone.analyse()

    def measure():
        taken = []
        for _ in range(7):
            forget_everything(engines.env["REDIS_URL"])
            taken.append(someone.analyse())
        return seconds_of(taken)

    return measure


def assert_right_and_quick(someone, first, usually, times=7):
    answers = [someone.analyse() for _ in range(times)]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json()["decision_id"] == first["decision_id"]
        assert answer.json()["offer"] == first["offer"]
    # The machine itself may be twice as slow by now.
    assert seconds_of(answers) <= 2 * usually + SLOWER_AT_MOST


def test_nonsense_of_the_cache_changes_no_answer(topology, person, anybody, usual):
    someone = person()
    first = someone.analyse().json()
    usually = usual()
    says = {"now": None}
    fake = FakeRedis(lambda asked: says["now"](asked))
    try:
        for name, reply in NONSENSE.items():
            says["now"] = reply
            since, asked = log_length(topology), fake.asked
            topology.restart(SERVICE, REDIS_URL=fake.url)
            # The first of each of the service's threads connects to PostgreSQL: more than those.
            assert_right_and_quick(someone, first, usually, times=15)
            login = anybody.post("/v1/auth/login", json={"email": someone.email, "password": PASSWORD})
            assert login.status_code == 200, name
            assert fake.asked > asked, f"{name}: nothing was asked"
            warnings, back = changes(topology, since)
            assert len(warnings) <= len(back) + 1, (name, warnings)
    finally:
        topology.restart(SERVICE)
        fake.close()


def test_a_cache_that_is_emptied_under_way_changes_no_answer(topology, engines, person):
    someone = person()
    first = someone.analyse().json()
    done = threading.Event()

    def empty():
        while not done.is_set():
            forget_everything(engines.env["REDIS_URL"])

    threads = [threading.Thread(target=empty) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            answer = someone.analyse().json()
            assert (answer["decision_id"], answer["offer"]) == (first["decision_id"], first["offer"])
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_full_cache_changes_no_answer_and_is_one_warning(topology, engines, person, usual):
    url = engines.env["REDIS_URL"]
    someone = person()
    first = someone.analyse().json()
    usually = usual()
    since = log_length(topology)
    redis_command(url, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis_command(url, "CONFIG", "SET", "maxmemory", "1")

    def full():
        return [line for line in changes(topology, since)[0] if "takes no values" in line]

    try:
        assert_right_and_quick(someone, first, usually)
        # A cache that was late on a starved machine is left alone for a second.
        poll(lambda: person().analyse().status_code == 200 and full(), 10, "the cache to take no values")
        for _ in range(3):
            assert person().analyse().status_code == 200
        assert len(full()) == 1, full()
    finally:
        redis_command(url, "CONFIG", "SET", "maxmemory", str(64 << 20))
        redis_command(url, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    poll(
        lambda: someone.analyse() and any("takes values again" in line for line in changes(topology, since)[1]),
        10, "the cache to take values again",
    )  # fmt: skip


def test_a_hanging_cache_is_one_warning_and_its_late_answers_go_nowhere(topology, engines, person, usual):
    people = [person() for _ in range(3)]
    firsts = [someone.analyse().json() for someone in people]
    usually = usual()
    since = log_length(topology)
    engines.pause("redis")
    try:
        for someone, first in zip(people, firsts):
            assert_right_and_quick(someone, first, usually, times=15)
        warnings, back = changes(topology, since)
        assert len(warnings) == 1 and not back, warnings
    finally:
        engines.resume("redis")
    # Commands that Redis had not read while it hung are answered now, to nobody.
    steady(
        lambda: all(s.analyse().json()["decision_id"] == f["decision_id"] for s, f in zip(people, firsts)), 2
    )  # fmt: skip
    warnings, back = changes(topology, since)
    # A starved machine may have made it wait once more since: each change is one line.
    assert back and len(back) <= len(warnings) <= len(back) + 1


def test_a_late_answer_goes_to_no_other_command(topology, engines, anybody, person):
    """A count of one account's failed logins that comes when another's are asked for would lock it."""
    guessed, other = person(), person()
    behind = OneAnswerBehind(engines.env["REDIS_URL"])
    topology.restart(SERVICE, REDIS_URL=behind.url, PASSWORD_WORKERS="1", LOGIN_WINDOW_SECONDS=str(window_that_lasts(300)))
    since = log_length(topology)

    def login(someone, password):
        return anybody.post("/v1/auth/login", json={"email": someone.email, "password": password}).status_code

    try:
        assert {login(guessed, "not the password") for _ in range(LOGINS_THAT_MAY_FAIL)} == {401}
        behind.armed = True
        # On a starved machine the cache may be given up for being slow just then, and asked again a second later.
        poll(lambda: login(guessed, "not the password") == 429 and behind.kept, 10, "the fault to happen")
        steady(lambda: login(other, PASSWORD) == 200, 2)
        assert changes(topology, since)[1], "the cache was asked again"
    finally:
        topology.restart(SERVICE)
        behind.close()
