# SPDX-License-Identifier: Apache-2.0
"""What the gateway takes for an answer of a service, and which connections it uses again. The services
are played here: they misbehave in ways that real ones should not."""

import hashlib
import json
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import people, tokens
from harness.authority import Authority
from harness.gateway import Gateway
from harness.listener import Listener
from harness.raw import Raw
from harness.waiting import poll

TIMEOUT_MS = 3000
EVENT = people.emotion("00000000-0000-4000-8000-000000000001")
KEY = {"Idempotency-Key": "k"}


def answer(body="{}", status="202 Accepted", headers=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def read_request(connection):
    """One request, whole; empty at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(1 << 20)
    return head + b"\r\n\r\n" + body


class Service(Listener):
    """Does `talk(connection, number, request)` for its request of that number, from 1; answers probes by itself."""

    room = None  # bytes for what it has not read yet

    def __init__(self, talk, context=None):
        self.talk, self.context = talk, context
        self.requests, self.connections, self.closed = [], [], []
        self.lock = threading.Lock()
        super().__init__()
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.room:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.room)
            with connection:
                while request := read_request(connection):
                    if request.startswith(b"GET /healthz"):
                        connection.sendall(answer(status="200 OK"))
                        continue
                    with self.lock:
                        self.requests.append(request)
                        self.connections.append(connection)
                        number = len(self.requests)
                    self.talk(connection, number, request)
        except (OSError, ValueError):
            pass
        self.closed.append(connection)

    def wait_closed(self, connection):
        poll(lambda: connection in self.closed, 10, "the gateway to close its connection")


@pytest.fixture
def play(engines):
    """play(talk): a gateway before such a service; answers (gateway, service)."""
    started = []

    def start(talk, kind=Service, **settings):
        service = kind(talk)
        gateway = Gateway(engines, service.url, REQUEST_TIMEOUT_MS=str(TIMEOUT_MS), **settings)
        started.append((gateway, service))
        gateway.wait_ready()
        return gateway, service

    yield start
    for gateway, service in started:
        gateway.stop()
        service.close()


def send(gateway, **options):
    return gateway.client.post("/v1/emotions/stream", json=EVENT, **options)


def token_of_somebody(engines):
    now = int(time.time())
    claims = {"iss": "ecs", "aud": "ecs-api", "sub": EVENT["userId"], "iat": now, "exp": now + 60}
    return tokens.sign(engines.env["SECRET_KEY"], {"alg": "HS256", "typ": "JWT"}, claims)


# ---- requests as they arrive


def test_a_service_gets_only_the_headers_that_the_gateway_names(play, engines):
    """Nothing that poses as internal, nothing that is about the client's own connection, and the body by its length
    however the client framed it."""
    body, token = json.dumps({"userId": EVENT["userId"], "amount": 1}), token_of_somebody(engines)
    sent = (
        "POST /v1/transactions HTTP/1.1\r\nHost: elsewhere\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\n"
        "X-User-Id: 00000000-0000-4000-8000-000000000002\r\nX-Internal-Trusted: true\r\n"
        "Connection: X-Foo\r\nX-Foo: a\r\nTE: trailers\r\nForwarded: for=203.0.113.7\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        f"5\r\n{body[:5]}\r\n{len(body) - 5:x}\r\n{body[5:]}\r\n0\r\n\r\n"
    )
    gateway, service = play(lambda connection, number, request: connection.sendall(answer()))
    with Raw(gateway) as client:
        client.send(sent)
        assert client.answer().status == 202
    [request] = service.requests
    head, _, arrived = request.decode().partition("\r\n\r\n")
    headers = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    names = sorted(name.lower() for name, _ in headers)
    assert names.count("content-length") == 1 and "transfer-encoding" not in names
    assert names == [
        "authorization", "content-length", "content-type", "host", "traceparent", "x-forwarded-for", "x-request-id",
    ]  # fmt: skip
    values = {name.lower(): value for name, value in headers}
    assert (values["authorization"], values["x-forwarded-for"]) == (f"Bearer {token}", "127.0.0.1")
    assert values["host"] == f"localhost:{service.port}"
    assert (int(values["content-length"]), arrived) == (len(body), body)


def test_the_internal_key_goes_on_only_for_those_who_have_it(play, engines):
    """Over one connection: what the gateway found of a request is forgotten with it."""
    token = token_of_somebody(engines)
    gateway, service = play(lambda connection, number, request: connection.sendall(answer()))

    def ask(client, path, headers):
        body = json.dumps(EVENT)
        client.send(
            f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return client.answer().status

    mine, wrong, bearer = f"X-Internal-Key: {gateway.internal_key}\r\n", "X-Internal-Key: x\r\n", f"Authorization: Bearer {token}\r\n"
    with Raw(gateway) as client:
        assert ask(client, "/v1/emotions/stream", mine) == 202
        assert ask(client, "/v1/transactions", bearer) == 202
        assert ask(client, "/v1/transactions", bearer + wrong) == 202
        assert ask(client, "/v1/auth/login", wrong) == 202
        assert ask(client, "/v1/emotions/stream", "") == 401
        assert ask(client, "/v1/emotions/stream", wrong) == 401
    keys = [[line for line in request.decode().splitlines() if "x-internal-key" in line.lower()] for request in service.requests]
    assert keys == [[mine.strip()], [], [], []]


# ---- answers as they should be


def test_a_connection_is_used_again(play):
    gateway, service = play(lambda connection, number, request: connection.sendall(answer(f'"{number}"')))
    assert [send(gateway).json() for _ in range(5)] == ["1", "2", "3", "4", "5"]
    assert len(set(service.connections)) == 1


def test_an_answer_may_come_byte_by_byte(play):
    def talk(connection, number, request):
        for byte in answer('{"a": 1}', headers="Retry-After: 7\r\n"):
            connection.sendall(bytes([byte]))

    gateway, service = play(talk)
    for _ in range(2):
        got = send(gateway)
        assert (got.status_code, got.json(), got.headers["Retry-After"]) == (202, {"a": 1}, "7")
    assert len(set(service.connections)) == 1


CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4;x=y\r\n: 1}\r\n0\r\nX-T: a\r\n\r\n'


@pytest.mark.parametrize(
    "whole, again",
    [
        (CHUNKED, True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + CHUNKED, True),
        (answer('{"a": 1}', "200 OK", "Connection: close\r\n"), False),
        (answer('{"a": 1}', "200 OK").replace(b"HTTP/1.1", b"HTTP/1.0"), False),
    ],
    ids=["chunked", "interim answers", "connection closes", "version 1.0"],
)
def test_how_an_answer_is_framed_does_not_matter(play, whole, again):
    gateway, service = play(lambda connection, number, request: connection.sendall(whole))
    for _ in range(2):
        got = send(gateway)
        assert (got.status_code, got.json()) == (200, {"a": 1})
    assert len(set(service.connections)) == (1 if again else 2)


def test_an_answer_may_end_with_its_connection(play):
    def talk(connection, number, request):
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"a"')
        connection.sendall(b": 1}")
        connection.shutdown(socket.SHUT_WR)

    gateway, service = play(talk)
    assert [send(gateway).json() for _ in range(2)] == [{"a": 1}] * 2


def test_an_answer_to_a_head_request_has_no_body(play, engines):
    def talk(connection, number, request):
        connection.sendall(answer("1234", "200 OK")[: -4 if number == 1 else None])

    gateway, service = play(talk)
    path, headers = f"/v1/users/{EVENT['userId']}", {"Authorization": f"Bearer {token_of_somebody(engines)}"}
    told = gateway.client.call("HEAD", path, headers=headers)
    assert told.status_code == 200
    assert "Content-Length" not in told.headers, "the gateway cannot know it"
    assert gateway.client.get(path, headers=headers).text == "1234"
    assert service.requests[0].startswith(b"HEAD ") and len(set(service.connections)) == 1


class Slow(Service):
    room = 1 << 16


def test_a_large_request_arrives_whole_at_a_slow_reader(play):
    body = "".join(json.dumps(dict(EVENT, note=number)) + "\n" for number in range(20000)).encode()
    assert 3 << 20 < len(body) < 8 << 20
    gateway, service = play(lambda connection, number, request: connection.sendall(answer()), Slow)
    got = gateway.client.post("/v1/emotions/stream", data=body, headers={"Content-Type": "application/x-ndjson"})
    assert got.status_code == 202
    arrived = service.requests[0].partition(b"\r\n\r\n")[2]
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(body).digest()
    assert send(gateway).status_code == 202
    assert len(set(service.connections)) == 1


# ---- no answers


def without_end(beginning, more):
    def talk(connection, number, request):
        connection.sendall(beginning)
        while True:
            connection.sendall(more * 100)

    return talk


LARGE = 17 << 20  # bytes; the gateway takes 16 MiB


@pytest.mark.parametrize(
    "talk",
    [
        lambda connection, number, request: connection.sendall(b"hello\r\n\r\n"),
        lambda connection, number, request: connection.sendall(b"\0" * 1000),
        lambda connection, number, request: connection.sendall(answer("{}", headers="Content-Length: 3\r\n")),
        lambda connection, number, request: connection.sendall(answer("{}", headers="Transfer-Encoding: chunked\r\n")),
        lambda connection, number, request: connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n".encode()),
        without_end(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        without_end(b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
        without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        without_end(b"HTTP/1.1 200 OK\r\n\r\n", b"0123456789" * 1000),
        without_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"a" * 4096 + b"\r\n"),
        without_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"),
    ],
    ids=[
        "not HTTP", "zeros", "two lengths", "length and chunks", "too large", "headers without end", "a header without end",
        "interim answers without end", "a body without end", "chunks without end", "trailers without end",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_passed_on(play, talk):
    gateway, service = play(talk)
    began = time.monotonic()
    got = send(gateway, headers=KEY)
    assert (got.status_code, got.headers["Retry-After"]) == (503, "1")
    assert time.monotonic() - began < TIMEOUT_MS / 1000, "it is no answer long before its deadline"
    assert len(service.requests) == 1, "who misbehaves is not asked again"
    service.wait_closed(service.connections[0])


def test_who_stays_silent_is_not_waited_for_beyond_the_deadline(play):
    gateway, service = play(lambda connection, number, request: None)
    began = time.monotonic()
    assert send(gateway, headers=KEY).status_code == 503
    assert TIMEOUT_MS - 100 <= (time.monotonic() - began) * 1000 <= TIMEOUT_MS + 1000
    assert len(service.requests) == 1, "he may be at work still"
    service.wait_closed(service.connections[0])


def test_who_stays_silent_keeps_nobody_else_waiting(play):
    def talk(connection, number, request):
        if b"silent" not in request:
            connection.sendall(answer())

    gateway, service = play(talk)
    silent = gateway.new_client()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(silent.post, "/v1/emotions/stream", json=EVENT, headers={"Idempotency-Key": "silent"})
        poll(lambda: service.requests, 5)
        assert [send(gateway).status_code for _ in range(20)] == [202] * 20
        assert not waiting.done()
        assert waiting.result(10).status_code == 503


# ---- which connection a request goes over


def speaks_twice(delay):
    """Answers its first request, and then says something more; over TLS in a record of its own."""

    def talk(connection, number, request):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0 if delay else 1)
        connection.sendall(answer(f'"{number}"'))
        time.sleep(delay)
        if number == 1:
            connection.sendall(answer('"unasked"', "200 OK"))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    return talk


@pytest.mark.parametrize("delay", [0, 0.2], ids=["at once", "later"])
def test_an_answer_that_nobody_asked_for_is_given_to_nobody(play, delay):
    gateway, service = play(speaks_twice(delay))
    assert send(gateway).json() == "1"
    service.wait_closed(service.connections[0])
    assert send(gateway).json() == "2"
    assert len(set(service.connections)) == 2


def test_a_connection_that_was_closed_meanwhile_is_not_used(play):
    def talk(connection, number, request):
        # The end goes out with the answer's last bytes.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(answer())
        connection.close()

    gateway, service = play(talk)
    assert [send(gateway).status_code for _ in range(30)] == [202] * 30
    assert len(service.requests) == 30


def hangs_up_on_the_second(connection, number, request):
    if number == 2:
        connection.close()
    else:
        connection.sendall(answer(f'"{number}"'))


def test_a_kept_connection_that_ends_under_a_request_is_replaced(play):
    gateway, service = play(hangs_up_on_the_second)
    assert send(gateway).json() == "1"
    assert send(gateway, headers=KEY).json() == "3"
    assert service.connections[0] is service.connections[1]
    assert service.connections[2] is not service.connections[1]


def test_a_kept_connection_that_ends_under_what_must_not_arrive_twice_is_an_error(play):
    gateway, service = play(hangs_up_on_the_second)
    assert send(gateway).json() == "1"
    assert send(gateway).status_code == 503
    assert len(service.requests) == 2
    assert send(gateway).json() == "3"


def test_a_repeat_goes_over_a_new_connection(play):
    """Those that were kept may all lead to the same replica that is gone."""
    together = threading.Barrier(3)

    def talk(connection, number, request):
        if number <= 3:
            together.wait(10)
        elif connection in service.connections[:3]:
            connection.close()
            return
        connection.sendall(answer(f'"{number}"'))

    gateway, service = play(talk)
    clients = [gateway.new_client() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda client: client.post("/v1/emotions/stream", json=EVENT), clients))
    assert [got.status_code for got in answers] == [202] * 3
    assert send(gateway, headers=KEY).json() == "5"
    assert len(set(service.connections)) == 4


def test_an_answer_that_breaks_off_is_asked_for_again_when_that_does_no_harm(play):
    def talk(connection, number, request):
        if number < 3:
            connection.sendall(answer('"whole"')[:-1])
            connection.close()
        else:
            connection.sendall(answer('"whole"'))

    gateway, service = play(talk)
    assert send(gateway, headers=KEY).json() == "whole"
    assert len(service.requests) == 3


class Refusing(Service):
    """Looks at the head of a request, and takes no more of it."""

    def serve(self, connection):
        request = connection.recv(4096)
        if request.startswith(b"GET /healthz"):
            connection.sendall(answer(status="200 OK", headers="Connection: close\r\n"))
            connection.close()
        else:
            self.connections.append(connection)
            connection.sendall(answer('"no"', "413 Content Too Large"))


def test_a_refusal_before_the_whole_request_was_taken_is_passed_on(play):
    gateway, service = play(None, Refusing)
    body = (json.dumps(EVENT) + "\n") * 30000
    for _ in range(2):
        got = gateway.client.post("/v1/emotions/stream", data=body, headers={"Content-Type": "application/x-ndjson"})
        assert (got.status_code, got.json()) == (413, "no")
    assert len(set(service.connections)) == 2, "the rest of a request is no new one"


def breaks_now_and_then(connection, number, request):
    """Answers with the request's id; every seventh time in one of three wrong ways."""
    name = next(line for line in request.split(b"\r\n") if line.startswith(b"X-Request-ID: ")).split()[1]
    whole = answer(json.dumps(name.decode()))
    if number % 7 == 3:
        connection.sendall(whole + answer('"unasked"'))
    elif number % 7 == 5:
        connection.sendall(whole[:-3])
        connection.close()
    elif number % 7 == 6:
        connection.sendall(b"nonsense")
    else:
        connection.sendall(whole)


def test_answers_are_never_mixed_up(play):
    gateway, service = play(breaks_now_and_then)

    def ask(number):
        client = gateway.new_client()
        codes = []
        for turn in range(60):
            name = f"request-{number}-{turn}"
            got = client.post("/v1/emotions/stream", json=EVENT, headers={"X-Request-ID": name, "Idempotency-Key": name})
            assert got.status_code == 503 or got.json() == name
            codes.append(got.status_code)
        return codes

    with ThreadPoolExecutor(8) as pool:
        codes = sum(pool.map(ask, range(8)), [])
    assert codes.count(202) > len(codes) / 2 and codes.count(503) > 10


# ---- over TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("upstreams"))


@pytest.fixture
def play_encrypted(engines, authority):
    """play_encrypted(talk, trusted): the same, over TLS, with a gateway that trusts the service or not."""
    started = []

    def start(talk, trusted):
        certificate, key = authority.issue("service", "DNS:localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        service = Service(talk, context)
        gateway = Gateway(engines, service.url, command=trusting(authority) if trusted else ())
        started.append((gateway, service))
        poll(gateway.is_ready if trusted else gateway.is_up, 15, "the gateway")
        return gateway, service

    yield start
    for gateway, service in started:
        gateway.stop()
        service.close()


def trusting(authority):
    """What runs a command where the system's certificates are those of our authority."""
    system = ssl.get_default_verify_paths().openssl_capath + "/ca-certificates.crt"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'mount --bind "{authority.ca}" {system} && exec "$@"', "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("no file system can be changed for one process here")
    return command


def test_a_service_with_a_strange_certificate_is_told_nothing(play_encrypted):
    gateway, service = play_encrypted(lambda connection, number, request: connection.sendall(answer()), trusted=False)
    assert send(gateway, headers=KEY).status_code == 503
    assert service.requests == []


def test_a_service_may_be_called_over_tls(play_encrypted):
    def talk(connection, number, request):
        whole = answer(json.dumps("a" * 100000)) if number == 1 else answer(f'"{number}"')
        half = len(whole) // 2
        connection.sendall(whole[:half])
        connection.sendall(whole[half:])

    gateway, service = play_encrypted(talk, trusted=True)
    assert send(gateway).json() == "a" * 100000
    assert [send(gateway).json() for _ in range(3)] == ["2", "3", "4"]
    assert len(set(service.connections)) == 1
    body = (json.dumps(EVENT) + "\n") * 9000
    got = gateway.client.post("/v1/emotions/stream", data=body, headers={"Content-Type": "application/x-ndjson"})
    assert got.json() == "5"
    assert service.requests[4].partition(b"\r\n\r\n")[2] == body.encode()


@pytest.mark.parametrize("delay", [0, 0.2], ids=["at once", "later"])
def test_over_tls_an_answer_that_nobody_asked_for_is_given_to_nobody(play_encrypted, delay):
    gateway, service = play_encrypted(speaks_twice(delay), trusted=True)
    assert send(gateway).json() == "1"
    service.wait_closed(service.connections[0])
    assert send(gateway).json() == "2"
