# SPDX-License-Identifier: Apache-2.0
"""Production mode as a newcomer starts it: README's calls through the load balancer, and what must
not be reachable or visible."""

import ipaddress
import json
import re
import subprocess

import pytest
import requests

from harness import people
from harness.listening import Listening
from stack import GATEWAY, NGINX, ROOT, docker

MODE = "production"


@pytest.fixture(scope="module")
def client(stack):
    return people.Api(stack.url)


def test_the_calls_of_the_readme_work_through_the_load_balancer(stack):
    readme = (ROOT / "README.md").read_text()
    calls = re.search(r"^json=.*?(?=^# ready\?)", readme, re.M | re.S).group()
    script = f". {stack.secrets}/env\n" + calls.replace("curl -s", "curl -sS -w '\\n%{http_code}\\n'")
    script = re.sub(r"\| field (\w+)", r"| field \1 | head -n 1", script)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    codes = re.findall(r"^(\d{3})$", done.stdout, re.M)
    assert codes and set(codes) <= {"200", "201", "202"}, done.stdout
    assert '"approved":true' in done.stdout


def test_only_the_load_balancer_publishes_a_port(stack):
    published = {}
    for service in stack.services():
        for container in stack.containers(service):
            ports = stack.inspect(container)["NetworkSettings"]["Ports"]
            published.update({service: bound for bound in ports.values() if bound})
    assert set(published) == {NGINX}
    assert {bound["HostPort"] for bound in published[NGINX]} == {str(stack.port)}


def test_a_reviewer_resolves_what_a_person_contests(stack):
    person = people.Person(stack)
    decision = person.analyse().json()["decision_id"]
    assert person.client.post(f"/v1/decisions/{decision}/review", json={"statement": "why?"}).status_code == 202
    reviews = lambda *words: stack.compose("run", "--rm", "--no-deps", "-T", "reviews", *words).stdout  # noqa: E731
    assert decision in reviews("list")
    assert "why?" in reviews("show", decision)
    assert "upheld" in reviews("uphold", decision, "--reviewer", "Ana", "--explanation", "It is early days.")
    review = person.client.get(f"/v1/decisions/{decision}").json()["review"]
    assert (review["status"], review["explanation"]) == ("upheld", "It is early days.")


def test_a_notification_comes_live_through_the_load_balancer(stack):
    person = people.Person(stack)
    with Listening(stack, person) as listening:
        assert listening.answer.headers["Content-Type"] == "text/event-stream"
        listening.wait_for_signs_of_life(4)  # for longer than the load balancer waits for anything
        person.accept(person.analyse().json()["offer"]["offer_id"])
        assert listening.next().data["type"] == "CREDIT_LIMIT_APPLIED"


def test_the_api_describes_itself_to_whoever_comes_through_the_load_balancer(client):
    page = client.get("/docs")
    assert page.status_code == 200 and "requestReview" in page.text
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_an_operator_sees_the_dashboard_and_its_figures(stack, client):
    page = client.get("/dashboard")
    assert page.status_code == 200 and "/dashboard/dashboard.js" in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert client.get("/dashboard/dashboard.js").status_code == 200
    made = stack.compose("exec", "-T", "user-and-credit-service", "ecs", "operator-token", "ana").stdout
    token = re.search(r"^[\w-]+\.[\w-]+\.[\w-]+$", made, re.M).group()
    for topic in ("decisions", "reasons", "offers", "emotions"):
        answer = client.get(f"/v1/insights/{topic}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["complete"]


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/v1/predict", "/v1/predict/", "/batch/v1/emotions/stream"])
def test_what_is_internal_is_not_reachable(client, path):
    for method in ("GET", "POST"):
        answer = client.call(method, path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_plain_http_is_sent_to_https(stack):
    answer = requests.post(f"http://localhost:{stack.port}/v1/auth/login?a=b", json={}, allow_redirects=False, timeout=10)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://localhost:{stack.port}/v1/auth/login?a=b"


def test_the_callers_request_id_and_trace_go_on(stack, client):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    person = people.Person(stack)
    headers = {"X-Request-ID": "mine-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Internal-Key": stack.internal_key}
    answer = client.post("/v1/emotions/stream", json=people.emotion(person.id), headers=headers)
    assert answer.status_code == 202
    assert answer.headers["X-Request-ID"] == "mine-1"
    assert answer.json()["traceId"] == trace
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/healthz").headers["X-Request-ID"])


def test_answers_carry_security_headers(client):
    headers = client.get("/healthz").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_forged_client_address_is_not_believed(stack, client):
    client.get("/healthz?forged", headers={"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "forged-1"})
    line = next(line for line in stack.logs(NGINX).splitlines() if "forged-1" in line)
    assert "203.0.113.9" not in line


@pytest.mark.parametrize("service", [GATEWAY, "user-and-credit-service"])
def test_who_is_believed_has_an_address_of_these_networks(stack, service):
    """A client of a local network is neither believed nor left uncounted."""
    environment = stack.inspect(stack.containers(service)[0])["Config"]["Env"]
    [trusted] = [line.partition("=")[2] for line in environment if line.startswith("TRUSTED_PROXIES=")]
    trusted = ipaddress.ip_network(trusted)
    networks = [json.loads(docker("network", "inspect", stack.network(name)))[0] for name in ("public", "edge", "services")]
    ours = [ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"]) for network in networks]
    assert all(network.subnet_of(trusted) for network in ours)
    assert trusted.num_addresses <= 256


@pytest.mark.parametrize("status, method, path, headers", [
    (405, "TRACE", "/healthz", {}),
    (414, "GET", "/" + "x" * 10_000, {}),
    (414, "GET", "/" + "x" * 20_000, {}),
    (431, "GET", "/healthz", {"X-Large": "x" * 15_000, "X-Larger": "x" * 15_000}),
    (431, "GET", "/healthz", {"X-Large": "x" * 20_000}),
    (501, "POST", "/v1/auth/login", {"Transfer-Encoding": "gzip"}),
    (400, "GET", "/healthz", {"Host": "two words"}),
])  # fmt: skip
def test_a_bad_request_is_refused_in_the_form_of_every_problem(client, status, method, path, headers):
    answer = client.call(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_body_that_is_too_large_is_refused_in_the_form_of_every_problem(client):
    answer = client.post("/v1/auth/login", data=b"x" * (9 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["status"] == 413


def test_the_key_that_the_load_balancer_gives_does_not_join_two_events(stack):
    person = people.Person(stack)
    ids = {person.feel().json()["eventId"] for _ in range(3)} | {person.pay(1).json()["eventId"] for _ in range(3)}
    assert len(ids) == 6


def test_containers_run_without_root_and_cannot_write_their_files(stack):
    for service in ("api-gateway-ecs", "user-and-credit-service", "emotion-processing-worker"):
        container = stack.inspect(stack.containers(service)[0])
        assert container["Config"]["User"] == "10001:10001"
    for service in stack.services():
        host = stack.inspect(stack.containers(service)[0])["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"], service
        assert host["Memory"] > 0 and host["NanoCpus"] > 0, service


def test_no_secret_stands_in_an_environment_or_on_a_command_line(stack):
    secrets = [file.read_text().strip() for file in stack.secrets.glob("*_password")]
    secrets += [(stack.secrets / name).read_text() for name in ("secret_key", "internal_service_api_key")]
    for service in stack.services():
        config = str(stack.inspect(stack.containers(service)[0])["Config"])
        assert not [secret for secret in secrets if secret in config], service


def test_those_who_need_not_talk_cannot(stack):
    def reaches(service, host, port):
        # exec works as a shell's own TCP client; its code tells whether the name and port answered.
        command = f"exec 3<>/dev/tcp/{host}/{port}"
        container = stack.containers(service)[0]
        done = stack.run("docker", "exec", container, "timeout", "3", "bash", "-c", command, check=False)
        return done.returncode == 0

    assert reaches("user-and-credit-service", "postgres", 5432)
    assert reaches("api-gateway-ecs", "transaction-service", 9002)
    assert not reaches("api-gateway-ecs", "postgres", 5432)
    assert not reaches("api-gateway-ecs", "nats", 4222)
    assert not reaches("credit-analysis-service", "postgres", 5432)
    assert not reaches("emotion-ingestion-service", "postgres", 5432)
    assert not reaches("emotion-processing-worker", "redis", 6379)


def test_two_replicas_share_the_work(stack, client):
    for _ in range(40):
        people.Api(stack.url).get("/healthz")
    upstreams = set(re.findall(r'"upstream":"([0-9.]+):9999"', stack.logs(NGINX)))
    assert len(upstreams) == 2
