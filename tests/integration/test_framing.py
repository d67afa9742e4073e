# SPDX-License-Identifier: Apache-2.0
"""Requests as raw bytes: what must be refused, with which status, and that nothing hides behind it."""

import time

import pytest

from harness.raw import Raw, ask
from harness.waiting import poll

LOGIN = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: hidden\r\n\r\n"


def get(target="/healthz", version="HTTP/1.1", headers="Host: x\r\n"):
    return f"GET {target} {version}\r\n{headers}\r\n"


REFUSED = [
    # name, bytes, statuses that are right
    ("space before the colon", LOGIN + "Content-Length : 5\r\n\r\n" + HIDDEN, [400]),
    ("length and encoding", LOGIN + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, [400]),
    ("encoding and length", LOGIN + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN, [400]),
    ("two lengths", LOGIN + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + HIDDEN, [400]),
    ("the same length twice", LOGIN + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN, [400]),
    ("lengths in one line", LOGIN + "Content-Length: 2, 2\r\n\r\n{}" + HIDDEN, [400]),
    ("negative length", LOGIN + "Content-Length: -1\r\n\r\n" + HIDDEN, [400]),
    ("signed length", LOGIN + "Content-Length: +2\r\n\r\n{}" + HIDDEN, [400]),
    ("length in hexadecimal", LOGIN + "Content-Length: 0x2\r\n\r\n{}" + HIDDEN, [400]),
    ("length beyond 64 bits", LOGIN + "Content-Length: 99999999999999999999999\r\n\r\n", [400, 413]),
    ("xchunked", LOGIN + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN, [400, 501]),
    ("chunked twice", LOGIN + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, [400]),
    ("chunked, then identity", LOGIN + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN, [400, 501]),
    ("gzip, chunked", LOGIN + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + HIDDEN, [400, 415, 501]),
    ("bad chunk size", LOGIN + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", [400]),
    ("chunk size with a sign", LOGIN + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", [400]),
    ("huge chunk size", LOGIN + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", [400, 413]),
    ("chunk without its end", LOGIN + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n", [400]),
    ("folded line", get(headers="Host: x\r\nX-A: a\r\n b\r\n"), [400]),
    ("folded first line", get(headers=" Host: x\r\n"), [400]),
    ("bare LF", "GET /healthz HTTP/1.1\nHost: x\n\n", [400]),
    ("bare LF in the head", "GET /healthz HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n", [400]),
    ("bare CR in the head", "GET /healthz HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n", [400]),
    ("no host", get(headers=""), [400]),
    ("two hosts", get(headers="Host: x\r\nHost: y\r\n"), [400]),
    ("the same host twice", get(headers="Host: x\r\nHost: x\r\n"), [400]),
    ("two credentials", get(headers="Host: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n"), [400]),
    ("two content types", LOGIN + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", [400]),
    ("two internal keys", get(headers="Host: x\r\nX-Internal-Key: a\r\nX-Internal-Key: b\r\n"), [400]),
    ("NUL in a header", get(headers="Host: x\r\nX-A: a\0b\r\n"), [400]),
    ("no colon", get(headers="Host: x\r\nnonsense\r\n"), [400]),
    ("no name", get(headers="Host: x\r\n: a\r\n"), [400]),
    ("bad name", get(headers="Host: x\r\nX A: a\r\n"), [400]),
    ("absolute form", get("http://x/healthz"), [400]),
    ("authority form", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", [400, 405, 501]),
    ("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [400, 404, 405]),
    ("no slash", get("healthz"), [400]),
    ("dots", get("/v1/../healthz"), [400]),
    ("one dot", get("/./healthz"), [400]),
    ("encoded dots", get("/v1/%2e%2e/healthz"), [400]),
    ("double slash", get("//healthz"), [400]),
    ("double slash inside", get("/v1//auth"), [400]),
    ("encoded NUL", get("/healthz%00"), [400]),
    ("encoded slash", get("/v1%2fauth"), [400]),
    ("encoded slash in capitals", get("/v1%2Fauth"), [400]),
    ("bad percent", get("/health%zz"), [400]),
    ("cut percent", get("/healthz%2"), [400]),
    ("backslash", get("/v1\\auth"), [400]),
    ("NUL in the path", get("/health\0z"), [400]),
    ("byte above 7F", get("/health\xe9"), [400]),
    ("space in the path", get("/health z"), [400, 505]),
    ("fragment", get("/healthz#x"), [400]),
    ("version 2.0", get(version="HTTP/2.0"), [505]),
    ("version 0.9", get(version="HTTP/0.9"), [505]),
    ("version 1.2", get(version="HTTP/1.2"), [505]),
    ("version 1.10", get(version="HTTP/1.10"), [400, 505]),
    ("no version", "GET /healthz\r\n\r\n", [400, 505]),
    ("preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, [400]),
    ("small letters", "get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", [400, 405, 501]),
    ("unknown method", "FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n", [501]),
    ("unknown expectation", LOGIN + "Expect: foo\r\nContent-Length: 2\r\n\r\n{}", [417]),
    ("70 KB header", get(headers="Host: x\r\nX-A: " + "a" * 70000 + "\r\n"), [431]),
    ("200 headers", get(headers="Host: x\r\n" + "".join(f"X-{n}: a\r\n" for n in range(200))), [431]),
    ("long target", get("/" + "a" * 9000), [414]),
    ("body over the limit", LOGIN + "Content-Length: 70000\r\n\r\n", [413]),
    ("body over the limit in chunks", LOGIN + "Transfer-Encoding: chunked\r\n\r\n" + ("4000\r\n" + "a" * 0x4000 + "\r\n") * 5, [413]),
]  # fmt: skip


@pytest.mark.parametrize("name, data, right", REFUSED, ids=[row[0] for row in REFUSED])
def test_a_bad_frame_is_refused_and_nothing_hides_behind_it(gateway, name, data, right):
    with Raw(gateway) as connection:
        try:
            connection.send(data)
        except ConnectionError:
            pass
        answer = connection.answer()
        assert answer is not None, "closed without an answer"
        assert answer.status in right, answer
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.headers["x-request-id"] != "hidden"
        if answer.status in (400, 413, 414, 417, 431, 505):
            rest = connection.input.read() if not isinstance(data, bytes) else b""
            assert b"hidden" not in rest
            assert b"200 OK" not in rest


ACCEPTED = [
    ("plain", get(), 200),
    ("query", get("/healthz?a=b&c"), 200),
    ("version 1.0", get(version="HTTP/1.0"), 200),
    ("empty line first", "\r\n" + get(), 200),
    ("spaces around a value", get(headers="Host:   x  \r\nX-A:\tb\t\r\n"), 200),
    ("empty value", get(headers="Host: x\r\nX-A:\r\n"), 200),
    ("capitals", get(headers="HOST: x\r\n"), 200),
    ("host with a port", get(headers="Host: x:9999\r\n"), 200),
    ("chunked", LOGIN + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n", 422),
    ("chunked in capitals", LOGIN + "Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 422),
    ("no body at all", LOGIN + "Content-Length: 0\r\n\r\n", 400),
    ("encoded letters", get("/v1/%6eothing"), 404),
]  # fmt: skip


@pytest.mark.parametrize("name, data, status", ACCEPTED, ids=[row[0] for row in ACCEPTED])
def test_a_good_frame_is_taken(gateway, name, data, status):
    answer, _ = ask(gateway, data)
    assert answer.status == status, answer


def test_a_request_may_come_in_single_bytes(gateway):
    with Raw(gateway) as connection:
        for byte in LOGIN + "Content-Length: 2\r\n\r\n{}":
            connection.send(byte)
        assert connection.answer().status == 422


def test_requests_in_a_row_are_answered_in_order(gateway):
    with Raw(gateway) as connection:
        connection.send(
            "".join(f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: {n}\r\n\r\n" for n in range(50))
        )
        assert [connection.answer().headers["x-request-id"] for _ in range(50)] == [str(n) for n in range(50)]


def test_slow_and_quick_requests_in_a_row_keep_their_order(gateway):
    login = LOGIN + "X-Request-ID: N\r\nContent-Length: 52\r\n\r\n" + '{"email": "a@example.com", "password": "abcdefghij"}'
    with Raw(gateway) as connection:
        connection.send(
            login.replace("N", "1") + get(headers="Host: x\r\nX-Request-ID: 2\r\n")
            + login.replace("N", "3")
            + get("/none", headers="Host: x\r\nX-Request-ID: 4\r\n")
        )  # fmt: skip
        answers = [connection.answer() for _ in range(4)]
    assert [answer.headers["x-request-id"] for answer in answers] == ["1", "2", "3", "4"]
    assert [answer.status for answer in answers] == [401, 200, 401, 404]


def test_a_half_closed_connection_gets_its_answer(gateway):
    with Raw(gateway) as connection:
        connection.send(get())
        connection.half_close()
        assert connection.answer().status == 200
        assert connection.closed()


def test_a_client_that_wants_to_close_is_closed(gateway):
    with Raw(gateway) as connection:
        connection.send(get(headers="Host: x\r\nConnection: close\r\n"))
        assert connection.answer().status == 200
        assert connection.closed()


def test_an_expected_continue_is_given(gateway):
    with Raw(gateway) as connection:
        connection.send(LOGIN + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.answer().status == 100
        connection.send("{}")
        assert connection.answer().status == 422


def test_a_body_that_is_too_large_is_not_asked_for(gateway):
    with Raw(gateway) as connection:
        connection.send(LOGIN + "Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
        assert connection.answer().status == 413


def test_a_connection_that_ends_in_the_middle_harms_nobody(gateway, anybody):
    for data in ("G", "GET /healthz HT", get()[:-2], LOGIN + "Content-Length: 50\r\n\r\n{", LOGIN + "Transfer-Encoding: chunked\r\n\r\n5\r\n{"):  # fmt: skip
        for _ in range(20):
            with Raw(gateway) as connection:
                connection.send(data)
    assert anybody.get("/healthz").status_code == 200


def test_many_idle_connections_leave_room_for_others(gateway, anybody):
    idle = [Raw(gateway) for _ in range(400)]
    try:
        assert anybody.get("/healthz").elapsed.total_seconds() < 1
    finally:
        for connection in idle:
            connection.__exit__()


def test_a_head_that_never_ends_is_cut_off(topology, gateway):
    """The deadline is for the whole head: a byte now and then does not move it."""
    limit = int(topology.env.get("REQUEST_TIMEOUT_MS", "10000")) / 1000
    with Raw(gateway, timeout=limit + 5) as connection:
        started = time.monotonic()
        connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")

        def cut_off():
            try:
                connection.send("a")
            except ConnectionError:
                return True
            connection.socket.settimeout(0.5)
            try:
                return connection.socket.recv(4096) is not None
            except TimeoutError:
                return False

        poll(cut_off, limit + 5)
        assert time.monotonic() - started > limit / 2


@pytest.mark.parametrize(
    "headers",
    ["X-Request-ID: a\r\nX-Injected: b\r\n", "X-Request-ID: a%0d%0aX-Injected:%20b\r\n", "X-Request-ID: a\tb\r\n"],
)
def test_nothing_is_injected_into_the_answer(gateway, headers):
    answer, _ = ask(gateway, get(headers="Host: x\r\n" + headers))
    assert "x-injected" not in answer.headers


def test_what_a_client_says_of_itself_is_not_believed(gateway):
    answer, _ = ask(
        gateway,
        "POST /v1/emotions/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-User-Id: admin\r\n"
        "X-Internal-Trusted: yes\r\nConnection: X-Internal-Key\r\nContent-Length: 2\r\n\r\n{}",
    )
    assert answer.status == 401
