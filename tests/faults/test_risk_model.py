# SPDX-License-Identifier: Apache-2.0
"""The risk model: away, slow or talking nonsense; and its circuit breaker."""

import http.server
import json
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

from harness.engines import ROOT
from harness.waiting import poll

SERVICE = "credit-analysis-service"

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def stand_in(topology):
    """Kills the service and answers in its place: stand_in(function of the handler)."""
    address = urlsplit(topology.env["CREDIT_ANALYSIS_SERVICE_URL"])
    servers = []

    def answer_with(behave):
        topology.kill(SERVICE)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer_with.calls += 1
                answer_with.headers = self.headers
                behave(self)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((address.hostname, address.port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)

    answer_with.calls = 0
    yield answer_with
    for server in servers:
        server.shutdown()
        server.server_close()
    if topology.processes[SERVICE].poll() is not None:
        topology.start(SERVICE)
    topology.wait_ready()


def say(text, status=200):
    def behave(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return behave


def good_answer(**changes):
    features = ("transaction_count_30d", "avg_transaction_value_30d", "avg_positivity_7d", "stress_events_30d")
    answer = {
        "risk_score": 0.2, "model_version": "stand-in", "risk_score_without_emotions": 0.2,
        "contributions": [{"feature": name, "value": None, "contribution": 0.0} for name in features],
    }  # fmt: skip
    return json.dumps({**answer, **changes})


def told_of(topology, service, dependency):
    """What /readyz of a service's process says of a dependency: (up or down, the status)."""
    answer = requests.get(topology.metrics_urls[service] + "/readyz", timeout=5)
    return answer.json()["dependencies"][dependency].partition(":")[0], answer.status_code


def healed(person):
    """Until the breaker has let a trial call through and closed."""
    someone = person()
    poll(lambda: someone.analyse().status_code == 200, 15, "the breaker to close")


def test_the_trace_and_the_id_of_an_analysis_go_on_to_the_model(person, stand_in):
    someone, trace = person(), "4bf92f3577b34da6a3ce929d0e0e4736"
    stand_in(say(good_answer()))
    path = f"/v1/users/{someone.id}/credit-analysis"
    headers = {"X-Request-ID": "analysis-7", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    poll(lambda: someone.client.post(path, headers=headers).status_code == 200, 10)
    assert stand_in.headers["X-Request-ID"] == "analysis-7"
    version, found, span, flags = stand_in.headers["traceparent"].split("-")
    assert (version, found, flags) == ("00", trace, "01")
    assert len(span) == 16 and span != "00f067aa0ba902b7"


def test_without_the_model_the_breaker_opens_and_closes_again(topology, person):
    healed(person)
    someone = person()
    topology.kill(SERVICE)
    for _ in range(5):
        assert someone.analyse().status_code == 503
    for _ in range(10):
        answer = someone.analyse()
        assert answer.status_code == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
        assert answer.elapsed.total_seconds() < 0.25, "an open breaker answers at once"
    topology.start(SERVICE)
    topology.wait_ready()
    healed(person)
    assert someone.analyse().status_code == 200


def test_an_open_breaker_lets_one_trial_call_through(topology, person, stand_in):
    healed(person)
    someone = person()
    stand_in(say("no", status=500))
    for _ in range(5):
        assert someone.analyse().status_code == 503
    assert stand_in.calls == 5
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert someone.analyse().status_code == 503
    assert 6 <= stand_in.calls <= 7


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", good_answer(risk_score=None), good_answer(risk_score=1.5), good_answer(risk_score=-0.1),
     good_answer(risk_score="0.2"), good_answer().replace("0.2", "NaN", 1), good_answer().replace("0.2", "1e999", 1),
     good_answer(contributions=None), good_answer(model_version=None), good_answer(model_version="v" * 5000)],
)  # fmt: skip
def test_nonsense_of_the_model_decides_nothing(person, stand_in, db, text):
    healed(person)
    someone = person()
    stand_in(say(text))
    answer = someone.analyse()
    assert answer.status_code == 503, answer.text
    assert db("SELECT 1 FROM decisions WHERE user_id = %s", someone.id) == []


def test_a_model_that_ends_under_a_call_costs_no_failed_analysis(person, stand_in):
    """As when its replica is replaced: the call is made again, on a new connection."""
    healed(person)
    someone = person()
    answer_well = say(good_answer())
    stand_in(lambda handler: answer_well(handler) if stand_in.calls > 2 else None)
    assert someone.analyse().status_code == 200
    assert stand_in.calls == 3


def test_a_slow_model_is_given_up_in_time(person, stand_in):
    healed(person)
    someone, release = person(), threading.Event()
    stand_in(lambda handler: release.wait(20))
    answer = someone.analyse()
    release.set()
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 2.5


@pytest.fixture
def never_in_time():
    """Keeps a caller of the model waiting until the test is over."""
    over = threading.Event()
    yield lambda handler: over.wait(30)
    over.set()


@pytest.mark.parametrize("kind", ["slow", "NaN"])
def test_five_useless_answers_open_the_breaker(person, stand_in, never_in_time, kind):
    """An answer that comes too late, or with a score that is no number, counts as none."""
    healed(person)
    someone = person()
    stand_in(never_in_time if kind == "slow" else say(good_answer().replace("0.2", "NaN", 1)))
    for number in range(1, 6):
        answer = someone.analyse()
        assert answer.status_code == 503, answer.text
        assert stand_in.calls == number, "a closed breaker lets each call through"
        assert answer.elapsed.total_seconds() > 0.9 or kind == "NaN"
    for _ in range(3):
        answer = someone.analyse()
        assert answer.status_code == 503, answer.text
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
        assert answer.elapsed.total_seconds() < 0.25, "an open breaker answers at once"
    assert stand_in.calls == 5, "an open breaker calls nobody"


def model_text(content, version=None, features=None):
    """A model file's content with another version or with other names of its features."""
    model = json.loads(content)
    if version:
        model["learner"]["attributes"]["model_version"] = version
    if features:
        model["learner"]["feature_names"] = features
    return json.dumps(model).encode()


def test_a_broken_model_file_is_refused_and_the_old_one_serves(topology, person, tmp_path):
    model, beside = tmp_path / "risk.json", tmp_path / "risk.json.new"
    good = (ROOT / "models" / "risk.json").read_bytes()
    features = json.loads(good)["learner"]["feature_names"]
    model.write_bytes(good)
    topology.restart(SERVICE, MODEL_PATH=str(model))
    healed(person)
    before = person().analyse().json()["model_version"]

    def put(content):
        """Another file under the old name, at one stroke; or none."""
        if content is None:
            model.unlink()
        else:
            beside.write_bytes(content)
            beside.rename(model)

    def said_of_model():
        answer = requests.get(topology.metrics_urls[SERVICE] + "/readyz", timeout=5)
        assert answer.status_code == 200, "the old model serves, so the service is ready"
        return answer.json()["dependencies"]["risk-model"]

    bad = [
        (good[: len(good) // 2], "not valid JSON"), (b"{}", "it is not a model of XGBoost"), (b"", "it is empty"),
        (model_text(good, features=[*features[:3], "age"]), "its features are not ours"),
        (model_text(good, features=features[::-1]), "its features are not ours"),
        (None, "No such file"),
    ]  # fmt: skip
    for content, why in bad:
        put(good)
        poll(lambda: said_of_model() == "up", what=f"the good model to be back, before: {why}")
        put(content)
        said = poll(lambda: said_of_model().startswith("down: ") and said_of_model(), what=f"to be told: {why}")
        assert why in said
        for _ in range(3):
            answer = person().analyse()
            assert answer.status_code == 200, answer.text
            assert answer.json()["model_version"] == before, why
    put(model_text(good, version="risk-the-next-one"))
    poll(lambda: said_of_model() == "up", what="the next model to serve")
    answer = person().analyse()
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_version"] == "risk-the-next-one" != before
    topology.restart(SERVICE)
    assert person().analyse().json()["model_version"] == before


def test_a_broken_policy_file_is_refused_and_the_old_one_holds(topology, person, tmp_path):
    policy = tmp_path / "policy.json"
    good = json.loads((ROOT / "config" / "policy.json").read_text())
    policy.write_text(json.dumps(good))
    topology.restart("user-and-credit-service", POLICY_PATH=str(policy))
    for content in ("", "{", json.dumps({**good, "deny_above": 7})):
        policy.write_text(content)
        answer = person().analyse()
        assert answer.status_code == 200, answer.text
        assert answer.json()["policy_version"] == good["version"]
        poll(lambda: told_of(topology, "user-and-credit-service", "policy") == ("down", 200))
    policy.unlink()
    assert person().analyse().json()["policy_version"] == good["version"]
    policy.write_text(json.dumps({**good, "version": "the-next-one"}))
    poll(lambda: person().analyse().json()["policy_version"] == "the-next-one")
    poll(lambda: told_of(topology, "user-and-credit-service", "policy") == ("up", 200))
    topology.restart("user-and-credit-service")
