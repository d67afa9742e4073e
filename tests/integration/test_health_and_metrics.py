# SPDX-License-Identifier: Apache-2.0
"""Health, metrics, request ids, traces, and what every answer has in common."""

import re
import uuid

import pytest
import requests

from problems import assert_problem
from routes import identify, public_routes
from topologies import one_process_each

SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.eE+-]+(Inf)?$')


def test_the_gateway_is_well(anybody):
    answer = anybody.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert anybody.get("/readyz").status_code == 200


def test_every_process_is_well(topology):
    for name in topology.names:
        url = topology.metrics_urls[name]
        answer = requests.get(url + "/healthz", timeout=5)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert requests.get(url + "/readyz", timeout=5).status_code == 200


@one_process_each
def test_every_service_that_listens_is_well(topology):
    for name, value in topology.env.items():
        if name.endswith("_SERVICE_URL"):
            for path in ("/healthz", "/readyz"):
                assert requests.get(value + path, timeout=5).status_code == 200, (name, path)


def test_metrics_are_in_the_text_format(topology):
    for url in topology.metrics_urls.values():
        answer = requests.get(url + "/metrics", timeout=5)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
        assert lines
        assert [line for line in lines if not SAMPLE.match(line)] == []


def test_metrics_are_not_on_the_public_port(anybody):
    assert_problem(anybody.get("/metrics"), 404)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/auth", "/v1/auth/login/", "/v2/auth/login", "/V1/auth/login"])  # fmt: skip
def test_an_unknown_path_is_not_found(anybody, path):
    assert_problem(anybody.get(path), 404)


@pytest.mark.parametrize("route", public_routes(), ids=identify)
def test_another_method_is_told_which_are_allowed(anybody, route):
    path = re.sub(r"\{\w+\}", str(uuid.uuid4()), route.pattern)
    allowed = {r.method for r in public_routes() if r.pattern == route.pattern}
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - allowed:
        answer = anybody.call(method, path, json={})
        assert_problem(answer, 405)
        named = {word.strip() for word in answer.headers["Allow"].split(",")}
        assert allowed <= named and method not in named


@pytest.mark.parametrize("value", ["a", "x" * 128, "3f-7:~!@#$%^&*()_+|", str(uuid.uuid4())])
def test_a_request_id_comes_back(anybody, value):
    for path in ("/healthz", "/v1/nothing", "/v1/users/x/offers"):
        assert anybody.get(path, headers={"X-Request-ID": value}).headers["X-Request-ID"] == value


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "a\tb", "\u00e9"])
def test_another_request_id_is_replaced(anybody, value):
    answer = anybody.get("/healthz", headers={"X-Request-ID": value.encode("latin-1")})
    given = answer.headers["X-Request-ID"]
    assert given != value and re.fullmatch(r"[!-~]{1,128}", given)


def test_request_ids_differ(anybody):
    assert len({anybody.get("/healthz").headers["X-Request-ID"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "value",
    ["", "00-0-0-00", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
     "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01"],
)  # fmt: skip
def test_a_bad_trace_is_not_continued(sender, person, value):
    from harness.people import emotion

    answer = sender.post(
        "/v1/emotions/stream", json=emotion(person().id), headers={"traceparent": value}
    )
    assert answer.status_code == 202
    trace = answer.json()["traceId"]
    assert re.fullmatch(r"[0-9a-f]{32}", trace) and trace.lower() not in value.lower()


def test_answers_are_json_in_utf8(anybody):
    assert anybody.get("/healthz").headers["Content-Type"].split(";")[0] == "application/json"


def test_head_has_the_head_of_get(anybody):
    answer = anybody.call("HEAD", "/healthz")
    assert answer.status_code in (200, 405)
    assert answer.content == b""
