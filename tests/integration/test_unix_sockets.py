# SPDX-License-Identifier: Apache-2.0
"""Services behind Unix domain sockets: the same answers, and what is particular to them: a file, whom
it lets in, and clients without an address."""

import http.client
import json
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from harness.engines import BINARY, PLAIN, ROOT
from harness.people import Api, Person, emotion, new_email
from harness.topology import SERVICES, Topology, run_command
from harness.waiting import poll, window_that_lasts
from problems import assert_problem

LISTENS = [listen for listen, url in SERVICES.values() if url]
WINDOW = window_that_lasts(300)


@pytest.fixture(scope="module")
def topology(engines):
    running = Topology("sockets", engines, LOGIN_ATTEMPTS_PER_ADDRESS="3", LOGIN_WINDOW_SECONDS=str(WINDOW))
    yield running
    assert set(running.stop().values()) == {0}
    assert not any(path_of(running, listen).exists() for listen in LISTENS), "the files go with their processes"


def path_of(topology, listen):
    return Path(topology.env[listen].removeprefix("unix:"))


def get(path, target, **headers):
    """Asks over a socket; answers status and body."""
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def is_answered(path):
    """A socket's file is there a moment before anybody listens."""
    try:
        return get(path, "/healthz")[0] == 200
    except OSError:
        return False


# ---- the same answers


def test_a_person_is_served(topology):
    someone = Person(topology)
    assert someone.feel().status_code == 202
    assert someone.pay(10).status_code == 202
    assert someone.analyse().status_code == 200, "the risk model is asked"
    assert someone.offers().status_code == 200
    assert topology.is_ready(topology.url)


def test_a_large_batch_arrives_whole(topology):
    someone = Person(topology)
    body = "".join(json.dumps(dict(emotion(someone.id), note="x" * 500)) + "\n" for _ in range(10_000))
    sender = Api(topology.url, {"X-Internal-Key": topology.internal_key, "Content-Type": "application/x-ndjson"})
    answer = sender.post("/v1/emotions/stream", data=body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 10_000)


# ---- whom they let in, and who that is


@pytest.mark.parametrize("listen", LISTENS)
def test_a_socket_is_for_its_owner_and_their_group(topology, listen):
    mode = path_of(topology, listen).stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_whoever_gets_in_needs_a_credential_all_the_same(topology):
    assert get(path_of(topology, "EMOTION_SERVICE_LISTEN"), "/v1/emotions/stream")[0] == 405
    user = Person(topology).id
    assert get(path_of(topology, "USER_CREDIT_SERVICE_LISTEN"), f"/v1/users/{user}")[0] == 401


def test_logins_are_counted_by_the_client_and_not_by_the_gateway(topology):
    def guess(address):
        return Api(topology.url, {"X-Forwarded-For": address}).post(
            "/v1/auth/login", json={"email": new_email(), "password": "not the password"}
        )

    assert [guess("198.51.100.1").status_code for _ in range(4)] == [401] * 3 + [429]
    assert guess("198.51.100.2").status_code == 401


@pytest.fixture
def entrance(engines, tmp_path):
    """entrance(**settings): the socket of a gateway that itself listens on one, before no services."""
    started = []

    def start(**settings):
        listen = f"unix:{tmp_path}/gateway.sock"
        env = dict(PLAIN, **{name: engines.env[name] for name in ("SECRET_KEY", "INTERNAL_SERVICE_API_KEY")})
        env.update(settings, API_GATEWAY_LISTEN=listen, METRICS_LISTEN=f"unix:{tmp_path}/metrics.sock")
        started.append(subprocess.Popen([str(BINARY), "serve", "api-gateway-ecs"], env=env, cwd=ROOT))
        poll(lambda: is_answered(tmp_path / "metrics.sock"))
        return tmp_path / "gateway.sock"

    yield start
    for process in started:
        process.terminate()
        assert process.wait(15) == 0


def statuses(path, addresses):
    return {get(path, "/v1/nothing", **{"X-Forwarded-For": address})[0] for address in addresses}


def test_a_proxy_at_the_socket_is_believed_as_to_whom_it_asks_for(entrance):
    path = entrance(RATE_LIMIT_ADDRESS_PER_MINUTE="10")
    assert 429 in statuses(path, ["198.51.100.1"] * 21)
    assert statuses(path, [f"198.51.100.{n}" for n in range(2, 23)]) == {404}


def test_it_is_not_believed_when_it_is_not_trusted(entrance):
    path = entrance(RATE_LIMIT_ADDRESS_PER_MINUTE="10", TRUSTED_PROXIES="0.0.0.0/0,::/0")
    assert 429 in statuses(path, [f"198.51.100.{n}" for n in range(21)])


# ---- health, metrics


def test_health_and_metrics_are_told_over_a_socket(entrance, tmp_path):
    entrance()
    assert get(tmp_path / "metrics.sock", "/healthz")[0] == 200
    assert b"ecs_http_connections" in get(tmp_path / "metrics.sock", "/metrics")[1]
    done = run_command({"METRICS_LISTEN": f"unix:{tmp_path}/metrics.sock"}, "healthcheck")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "emotion-ingestion-service" in done.stderr
    url = f"unix:{tmp_path}/metrics.sock:/healthz"
    assert run_command({}, "healthcheck", "--url", url).returncode == 0
    done = run_command({}, "healthcheck", "--url", f"unix:{tmp_path}/nobody.sock:/healthz")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "does not answer" in done.stderr


# ---- the file


def test_a_socket_where_somebody_listens_is_not_taken(topology):
    listen = topology.env["EMOTION_SERVICE_LISTEN"]
    done = run_command({**topology.env, "METRICS_LISTEN": ""}, "serve", "emotion-ingestion-service")
    lines = [line for line in done.stderr.splitlines() if "EMOTION_SERVICE_LISTEN" in line]
    assert done.returncode == 1
    assert len(lines) == 1 and f"cannot listen on {listen}: Address already in use" in lines[0]
    assert Person(topology).feel().status_code == 202


def test_a_file_that_is_no_socket_is_not_replaced(topology, tmp_path):
    (tmp_path / "notes").write_text("mine")
    settings = {**topology.env, "METRICS_LISTEN": "", "EMOTION_SERVICE_LISTEN": f"unix:{tmp_path}/notes"}
    done = run_command(settings, "serve", "emotion-ingestion-service")
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize("path, why", [("/nowhere/at/all.sock", "No such file or directory"), ("/" + "x" * 107, "107 bytes"), ("a.sock", "absolute")])  # fmt: skip
def test_a_socket_that_cannot_be_stops_the_start_with_one_line(engines, path, why):
    done = run_command(dict(engines.env, API_GATEWAY_LISTEN=f"unix:{path}"), "serve", "api-gateway-ecs")
    assert done.returncode == 1
    assert [why in line for line in done.stderr.splitlines() if "API_GATEWAY_LISTEN" in line] == [True]


def test_a_service_that_was_killed_is_found_again_at_its_socket(topology):
    someone = Person(topology)
    topology.kill("emotion-ingestion-service")
    assert path_of(topology, "EMOTION_SERVICE_LISTEN").exists()
    answer = someone.feel()
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    poll(lambda: "emotion-ingestion-service" in Api(topology.url).get("/readyz").json().get("down", []))
    topology.start("emotion-ingestion-service")
    topology.wait_ready()
    assert someone.feel().status_code == 202
