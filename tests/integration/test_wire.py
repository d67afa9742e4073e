# SPDX-License-Identifier: Apache-2.0
"""How a connection lives: what ends it, what it outlives, and what its answers look like as bytes."""

import json
import socket

import pytest

from harness.raw import Raw, ask

HOST = "Host: x\r\n"
POST = "POST /v1/emotions/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"


def get(target="/healthz", headers=HOST, version="HTTP/1.1", method="GET"):
    return f"{method} {target} {version}\r\n{headers}\r\n"


def send_in_bytes(connection, data):
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for byte in data:
            connection.send(byte)
    except ConnectionError:
        pass  # refused before all of it was sent


ENDED = {
    "folded by a tab": (get(headers=HOST + "X: a\r\n\tb\r\n"), 400),
    "folded and empty": (get(headers=HOST + "X: a\r\n \r\n"), 400),
    "two hosts in other letters": (get(headers=HOST + "hOST: y\r\n"), 400),
    "empty host": (get(headers="Host:\r\n"), 400),
    "host with a path": (get(headers="Host: x/y\r\n"), 400),
    "host with a user": (get(headers="Host: me@x\r\n"), 400),
    "two idempotency keys": (get(headers=HOST + "Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400),
    "NUL in the query": (get("/healthz?a=%00"), 400),
    "encoded backslash": (get("/v1%5cauth"), 400),
    "encoded newline": (get("/healthz%0a"), 400),
    "dots at the end": (get("/v1/.."), 400),
    "protocol that is none": (get(version="HTTX/1.1"), 400),
    "method of another protocol": (get(method="PROPFIND"), 501),
    "TRACE": (get(method="TRACE"), 501),
    "101 headers": (get(headers=HOST + "X: y\r\n" * 100), 431),
    "17 KiB of headers": (get(headers=HOST + ("X: " + "y" * 1024 + "\r\n") * 17), 431),
    "head without an end": ("GET /healthz HTTP/1.1\r\n" + HOST + "X: " + "y" * 32 * 1024, 431),
    "chunks of an old client": (CHUNKED.replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n", 400),
    "bare LF between chunks": (CHUNKED + "2\n{}\n0\n\n", 400),
    "chunk extension without an end": (CHUNKED + "2;a=" + "x" * 256 * 1024, 400),
    "16 MiB in chunks": (CHUNKED + ("4000\r\n" + " " * 0x4000 + "\r\n") * 1024, 413),
}


@pytest.mark.parametrize("name", ENDED)
def test_a_refusal_reaches_the_client_and_ends_the_connection(gateway, name):
    data, status = ENDED[name]
    with Raw(gateway) as connection:
        try:
            connection.send(data + get())
        except ConnectionError:
            pass  # refused before all of it was sent
        answer = connection.answer()
        assert answer is not None, "closed without an answer"
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        problem = json.loads(answer.body)
        assert problem["status"] == status
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert connection.closed()


@pytest.mark.parametrize("name", ["folded by a tab", "two hosts in other letters", "NUL in the query", "empty host"])
def test_it_is_refused_also_when_it_comes_in_single_bytes(gateway, name):
    data, status = ENDED[name]
    with Raw(gateway) as connection:
        send_in_bytes(connection, data)
        assert connection.answer().status == status


OUTLIVED = {
    "query that looks like a path": (get("/healthz?a=b&c=..%2f//"), 200),
    "100 headers": (get(headers=HOST + "X: y\r\n" * 99), 200),
    "15 KiB of headers": (get(headers=HOST + "X: " + "y" * 15 * 1024 + "\r\n"), 200),
    "upgrade to websocket": (get(headers=HOST + "Connection: upgrade\r\nUpgrade: websocket\r\n"), 200),
    "upgrade to HTTP/2": (get(headers=HOST + "Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    "unknown path": (get("/nothing/here"), 404),
    "slash at the end": (get("/healthz/"), 404),
    "other method": (get(method="PUT"), 405),
    "no credential": (POST + "Content-Length: 2\r\n\r\n{}", 401),
    "chunks with extension and trailer": (CHUNKED + "1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: t\r\n\r\n", 401),
    "no body": (POST + "\r\n", 401),
}


@pytest.mark.parametrize("name", OUTLIVED)
def test_an_error_of_the_request_alone_leaves_the_connection_open(gateway, name):
    data, status = OUTLIVED[name]
    with Raw(gateway) as connection:
        connection.send(data)
        answer = connection.answer()
        assert answer.status == status
        assert "connection" not in answer.headers
        connection.send(get())
        assert connection.answer().status == 200


@pytest.mark.parametrize("name", ["chunks with extension and trailer", "no credential"])
def test_it_is_served_also_when_it_comes_in_single_bytes(gateway, name):
    data, status = OUTLIVED[name]
    with Raw(gateway) as connection:
        send_in_bytes(connection, data)
        assert connection.answer().status == status


def test_requests_of_every_kind_in_a_row_are_told_apart(gateway):
    kinds = [
        (get(), 200),
        (CHUNKED + "2\r\n{}\r\n0\r\n\r\n", 401),
        (get("/nothing"), 404),
        (POST + "Content-Length: 2\r\n\r\n{}", 401),
    ]
    with Raw(gateway) as connection:
        connection.send("".join(data for data, _ in kinds) * 100)
        for _ in range(100):
            for _, status in kinds:
                assert connection.answer().status == status


def test_what_follows_a_wish_to_close_is_not_served(gateway):
    with Raw(gateway) as connection:
        connection.send(get(headers=HOST + "Connection: close\r\n") + get())
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.closed()


def test_an_old_client_is_closed_unless_it_asks_to_stay(gateway):
    answer, _ = ask(gateway, get(version="HTTP/1.0", headers=""))
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    with Raw(gateway) as connection:
        for _ in range(2):
            connection.send(get(version="HTTP/1.0", headers=HOST + "Connection: keep-alive\r\n"))
            answer = connection.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")


def test_head_is_answered_without_the_body(gateway):
    with Raw(gateway) as connection:
        connection.send(get(method="HEAD"))
        answer = connection.answer(head_only=True)
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 0
        connection.send(get())
        assert connection.answer().status == 200


def test_options_name_the_methods(gateway):
    answer, _ = ask(gateway, get(method="OPTIONS"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "content-length" not in answer.headers
    answer, _ = ask(gateway, get(method="DELETE"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_clients_that_leave_before_their_answer_harm_nobody(gateway):
    for _ in range(50):
        with Raw(gateway) as connection:
            connection.send(get() * 20)
    assert ask(gateway, get())[0].status == 200


VISIBLE = "".join(chr(c) for c in range(0x21, 0x7F))


@pytest.mark.parametrize("given", ["a", VISIBLE, "x" * 128])
def test_a_good_request_id_comes_back(gateway, given):
    answer, _ = ask(gateway, get(headers=f"{HOST}X-Request-ID: {given}\r\n"))
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\xe9"])
def test_a_bad_request_id_is_replaced(gateway, given):
    answer, _ = ask(gateway, get(headers=f"{HOST}X-Request-ID: {given}\r\n"))
    assert len(answer.headers["x-request-id"]) == 32
