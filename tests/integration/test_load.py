# SPDX-License-Identifier: Apache-2.0
"""The load tests' own tools: the sessions, the comparison with PostgreSQL, and each scenario for a moment."""

import json
import os
import shutil
import socket
import subprocess
from urllib.parse import urlsplit

import pytest
import requests

from harness.engines import PLAIN, ROOT
from harness.listener import Listener
from harness.people import emotion

K6 = shutil.which(os.environ.get("K6", "k6"))
SCENARIOS = ["emotion-ingestion", "transactions", "journey", "spike", "soak"]


@pytest.fixture
def env(topology, tmp_path):
    return dict(
        PLAIN,
        LOAD_URL=topology.url,
        INTERNAL_SERVICE_API_KEY=topology.internal_key,
        DATABASE_URL=topology.env["DATABASE_URL"],
        VAR_DIR=str(tmp_path),
        LOAD_PATIENCE="20",
        LOAD_WAIT="20",
    )


@pytest.fixture
def sessions(env, tmp_path):
    done = run(env, "generate_sessions.sh", "3")
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "load" / "sessions.json").read_text())


def run(env, script, *arguments, **more):
    return subprocess.run(
        [str(ROOT / "load" / script), *arguments], env=dict(env, **more), cwd=ROOT, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip


def write_result(tmp_path, sessions, **counted):
    names = ["emotions_sent", "emotions_accepted", "emotions_refused", "transactions_sent", "transactions_accepted"]
    names += ["transactions_refused", "acceptances_sent", "offers_activated"]
    folder = tmp_path / "load" / "results"
    folder.mkdir(exist_ok=True)
    tag = sessions[0]["email"].rsplit("-", 1)[0]
    result = {"tag": tag, "counted": {name: counted.get(name, 0) for name in names}}
    (folder / "made-up.json").write_text(json.dumps(result))


def test_a_session_is_a_person_who_is_logged_in(topology, sessions):
    assert len({person["userId"] for person in sessions}) == 3
    for person in sessions:
        answer = requests.get(
            f"{topology.url}/v1/users/{person['userId']}",
            headers={"Authorization": f"Bearer {person['token']}"},
            timeout=10,
        )
        assert answer.status_code == 200
        assert answer.json()["email"] == person["email"]
        assert answer.json()["consents"] == {"emotional_data": True}


def test_sessions_are_readable_by_their_owner_only(sessions, tmp_path):
    assert (tmp_path / "load" / "sessions.json").stat().st_mode & 0o077 == 0


def test_no_session_is_written_when_nothing_answers(env, tmp_path):
    done = run(env, "generate_sessions.sh", "2", LOAD_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in done.stderr
    assert not (tmp_path / "load" / "sessions.json").exists()


class LosesAnAnswer(Listener):
    """Passes everything on, but for the first answer to a registration: 504 in its place."""

    def __init__(self, url):
        target = urlsplit(url)
        self.target = (target.hostname, target.port)
        self.lost = 0
        super().__init__()

    def serve(self, client):
        with client, socket.create_connection(self.target) as gateway:
            while request := client.recv(65536):
                gateway.sendall(request)
                answer = gateway.recv(65536)
                if b"/v1/auth/register" in request and not self.lost:
                    self.lost += 1
                    answer = b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"
                client.sendall(answer)


def test_a_registration_whose_answer_was_lost_is_a_session_all_the_same(env, topology, tmp_path):
    between = LosesAnAnswer(topology.url)
    done = run(env, "generate_sessions.sh", "2", LOAD_URL=f"http://127.0.0.1:{between.port}", LOAD_AT_ONCE="1")
    between.close()
    assert done.returncode == 0, done.stderr
    assert between.lost == 1
    made = json.loads((tmp_path / "load" / "sessions.json").read_text())
    assert len({person["userId"] for person in made}) == 2
    for person in made:
        url = f"{topology.url}/v1/users/{person['userId']}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {person['token']}"}, timeout=10)
        assert answer.json()["email"] == person["email"]


@pytest.mark.parametrize(
    "sent, accepted, code",
    [(2, 2, 0), (3, 3, 1), (1, 1, 1), (3, 2, 0), (2, 1, 0)],
    ids=["all there", "one lost", "one too many", "one unanswered and lost", "one unanswered and stored"],
)
def test_the_count_finds_what_is_lost_or_doubled(env, sessions, sender, tmp_path, sent, accepted, code):
    for _ in range(2):
        assert sender.post("/v1/emotions/stream", json=emotion(sessions[0]["userId"])).status_code == 202
    write_result(tmp_path, sessions, emotions_sent=2, emotions_accepted=2)
    assert run(env, "check_counts.py").returncode == 0
    write_result(tmp_path, sessions, emotions_sent=sent, emotions_accepted=accepted)
    done = run(env, "check_counts.py", LOAD_WAIT="0.1")
    assert done.returncode == code, done.stdout + done.stderr
    assert ("WRONG" in done.stdout) == bool(code)


@pytest.mark.skipif(K6 is None, reason="k6 is not on the path (and K6 does not name it)")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_runs_and_nothing_is_lost(env, scenario):
    rate = "2" if scenario == "journey" else "20"
    done = run(env, "run.sh", "--short", scenario, K6=K6, LOAD_SECONDS="3", LOAD_RATE=rate, LOAD_PEOPLE="3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{scenario}: every limit held" in done.stdout
    assert "emotions stored" in done.stdout


@pytest.mark.skipif(K6 is None, reason="k6 is not on the path (and K6 does not name it)")
def test_a_limit_that_does_not_hold_fails_the_run(env):
    done = run(
        env, "run.sh", "--short", "transactions", K6=K6, LOAD_SECONDS="3", LOAD_RATE="20", LOAD_PEOPLE="3",
        LOAD_PATIENCE="0.0001",
    )  # fmt: skip
    assert done.returncode == 1
    assert "transactions: FAILED" in done.stdout
    assert "load: FAILED: transactions" in done.stderr
