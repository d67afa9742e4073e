# SPDX-License-Identifier: Apache-2.0
"""`make up`, `make down` and `make run`, in a var/ of their own whose path has a space."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest
import requests

from harness.engines import PLAIN, ROOT, read_env, running
from harness.nats import Nats, NatsError
from harness.people import new_email
from harness.waiting import free_port, poll

ENGINES = ("postgres", "nats", "redis")


class Machine:
    """A folder with its own var/ and port, and make in it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ecs-test-"))
        self.folder.chmod(0o711)
        self.var = self.folder / "var of a test"
        self.listen = f"127.0.0.1:{free_port()}"
        self.environment = dict(PLAIN, VAR_DIR=str(self.var), API_GATEWAY_LISTEN=self.listen)

    def make(self, target, **changes):
        return subprocess.run(
            ["make", "--no-print-directory", target], cwd=ROOT, env=dict(self.environment, **changes),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip

    @property
    def env(self):
        return read_env(self.var / "env")

    def pid(self, name):
        return int((self.var / "run" / f"{name}.pid").read_text().split()[0])

    def watched(self):
        """What was said of engines that were started again."""
        return (self.var / "log" / "watch.log").read_text()

    def processes(self):
        """Those whose command line speaks of this var/, and those that were started with it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.var).encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def remove(self):
        self.make("down")
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def machine():
    made = Machine()
    done = made.make("up")
    assert done.returncode == 0, done.stdout
    yield made
    made.remove()


def test_up_returns_when_it_is_ready(machine):
    env = machine.env
    assert env["API_URL"] == f"http://{machine.listen}"
    assert requests.get(env["API_URL"] + "/readyz", timeout=5).status_code == 200
    assert requests.get(f"http://{env['METRICS_LISTEN']}/metrics", timeout=5).status_code == 200


def test_the_env_file_is_private_and_complete(machine):
    assert stat.S_IMODE((machine.var / "env").stat().st_mode) == 0o600
    assert stat.S_IMODE((machine.var / "secrets").stat().st_mode) == 0o700
    lines = (machine.var / "env").read_text().splitlines()
    assert all(re.match(r"export [A-Z_]+=", line) for line in lines)
    assert {
        "SECRET_KEY", "INTERNAL_SERVICE_API_KEY", "DATABASE_URL", "NATS_URL", "REDIS_URL", "API_URL",
        "USER_CREDIT_DATABASE_URL", "EMOTION_WORKER_DATABASE_URL", "TRANSACTION_WORKER_DATABASE_URL",
        "CREDIT_WORKER_DATABASE_URL", "REVIEWER_DATABASE_URL", "API_GATEWAY_LISTEN", "METRICS_LISTEN", "MODEL_PATH",
        "POLICY_PATH", "MIGRATIONS_PATH",
    } <= set(machine.env)  # fmt: skip


def test_a_second_up_is_harmless(machine):
    before = [machine.pid(name) for name in (*ENGINES, "ecs")]
    env = machine.env
    done = machine.make("up")
    assert done.returncode == 0
    assert "already running" in done.stdout
    assert [machine.pid(name) for name in (*ENGINES, "ecs")] == before
    assert machine.env == env


def test_no_secret_stands_on_a_command_line(machine):
    secrets = [file.read_bytes().strip() for file in (machine.var / "secrets").iterdir()]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        assert not [secret for secret in secrets if secret in line], line


def test_engines_do_not_run_as_root(machine):
    for name in ENGINES:
        status = Path(f"/proc/{machine.pid(name)}/status").read_text()
        assert re.search(r"^Uid:\s+(\d+)", status, re.M).group(1) != "0", name


def test_engines_listen_on_loopback_only(machine):
    ports = dict(line.split("=") for line in (machine.var / "ports").read_text().split())
    wanted = {f"{int(port):04X}" for port in ports.values()}
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows += Path("/proc/net/tcp6").read_text().splitlines()[1:] if Path("/proc/net/tcp6").exists() else []
    bound = [row.split()[1] for row in rows if row.split()[3] == "0A"]
    for place in bound:
        address, port = place.split(":")
        if port in wanted:
            assert address in ("0100007F", "0" * 24 + "01000000"), place


def test_an_anonymous_client_of_the_broker_is_refused(machine):
    with pytest.raises(NatsError, match="Authorization"):
        Nats(machine.env["NATS_URL"], anonymous=True)
    with pytest.raises(NatsError, match="Authorization"):
        Nats(re.sub(r":[^:@]+@", ":wrong@", machine.env["NATS_URL"]))


def test_redis_and_postgres_ask_for_a_password(machine):
    host, port = machine.env["REDIS_URL"].split("@")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")
    address = machine.env["DATABASE_URL"].split("@")[1]
    for user in ("ecs", "postgres", "ecs:wrong"):
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(f"postgresql://{user}@{address}")


def test_engines_run_with_their_durable_settings(machine):
    connection = psycopg2.connect(machine.env["DATABASE_URL"])
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("on",), name
    connection.close()
    with Nats(machine.env["NATS_URL"]) as nats:
        assert nats.stream("emotions")["config"]["storage"] == "file"


def test_the_broker_may_take_half_of_the_disk_at_most(machine):
    config = (machine.var / "nats" / "nats.conf").read_text()
    limit = int(re.search(r"max_file_store: (\d+)", config)[1])
    assert 0 < limit <= shutil.disk_usage(machine.var).total / 2


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_crashed_is_named_and_started_again_by_itself(machine, name):
    pid = machine.pid(name)
    os.kill(pid, signal.SIGKILL)
    poll(lambda: not running(pid))
    poll(lambda: f"{name} has stopped; see {machine.var}/log/{name}.log" in machine.watched(), 30)
    assert running(machine.pid(name)) and machine.pid(name) != pid
    poll(lambda: requests.get(machine.env["API_URL"] + "/readyz", timeout=5).status_code == 200, 30)


def test_an_engine_that_crashed_is_named_and_started_again_by_up(machine):
    """Also when nobody watches."""
    watcher, pid = machine.pid("watch"), machine.pid("redis")
    for process in (watcher, pid):
        os.kill(process, signal.SIGKILL)
        poll(lambda: not running(process))
    done = machine.make("up")
    assert done.returncode == 0, done.stdout
    assert f"redis has stopped; see {machine.var}/log/redis.log" in done.stdout
    assert running(machine.pid("redis")) and machine.pid("redis") != pid
    assert running(machine.pid("watch"))
    poll(lambda: requests.get(machine.env["API_URL"] + "/readyz", timeout=5).status_code == 200, 30)


def test_a_broker_that_answers_nobody_is_started_again_by_itself(machine):
    pid = machine.pid("nats")
    os.kill(pid, signal.SIGSTOP)
    poll(lambda: "nats answers nobody" in machine.watched(), 60)
    assert running(machine.pid("nats")) and machine.pid("nats") != pid
    poll(lambda: requests.get(machine.env["API_URL"] + "/readyz", timeout=5).status_code == 200, 30)


def test_who_watches_ends_when_nobody_knows_of_it(machine):
    """Or it would work against a later `make down`."""
    watcher = machine.pid("watch")
    (machine.var / "run" / "watch.pid").unlink()
    poll(lambda: not running(watcher))
    assert machine.make("up").returncode == 0
    assert running(machine.pid("watch"))


def test_a_service_that_crashed_is_named_and_started_again(machine):
    os.kill(machine.pid("ecs"), signal.SIGKILL)
    poll(lambda: not running(machine.pid("ecs")))
    done = machine.make("up")
    assert done.returncode == 0, done.stdout
    assert "ecs has stopped" in done.stdout
    assert requests.get(machine.env["API_URL"] + "/readyz", timeout=5).status_code == 200


def test_a_port_that_is_taken_is_named_in_one_line(machine):
    other = Machine()
    try:
        done = other.make("up", API_GATEWAY_LISTEN=machine.listen)
        assert done.returncode != 0
        lines = [line for line in done.stdout.splitlines() if machine.listen.split(":")[1] in line]
        assert len(lines) == 1, done.stdout
        assert "API_GATEWAY_LISTEN" in lines[0]
        assert other.processes() == []
    finally:
        other.remove()


def test_down_leaves_no_process_and_the_data_survives(machine):
    email = new_email()
    answer = requests.post(
        machine.env["API_URL"] + "/v1/auth/register", json={"email": email, "password": "long enough"}, timeout=10
    )
    assert answer.status_code == 201
    pids = [machine.pid(name) for name in (*ENGINES, "ecs")]
    secrets = machine.env["SECRET_KEY"]
    done = machine.make("down")
    assert done.returncode == 0, done.stdout
    assert [pid for pid in pids if running(pid)] == []
    assert machine.processes() == []
    assert machine.make("down").returncode == 0

    done = machine.make("up")
    assert done.returncode == 0, done.stdout
    assert "has stopped" not in done.stdout
    assert machine.env["SECRET_KEY"] == secrets
    answer = requests.post(
        machine.env["API_URL"] + "/v1/auth/login", json={"email": email, "password": "long enough"}, timeout=10
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_stopped(stop):
    machine = Machine()
    try:
        output = machine.folder / "output"
        with output.open("w") as to, subprocess.Popen(
            ["make", "--no-print-directory", "run"], cwd=ROOT, env=machine.environment,
            stdin=subprocess.DEVNULL, stdout=to, stderr=subprocess.STDOUT, start_new_session=True,
        ) as run:  # fmt: skip

            def invited():
                assert run.poll() is None, output.read_text()
                return "/v1/auth/register" in output.read_text()

            poll(invited, 60)
            assert requests.get(f"http://{machine.listen}/readyz", timeout=5).status_code == 200
            pids = [machine.pid(name) for name in (*ENGINES, "ecs")]
            os.killpg(run.pid, stop)
            run.wait(60)
        said = output.read_text()
        assert "stopping" in said
        assert [pid for pid in pids if running(pid)] == []
        poll(lambda: machine.processes() == [], 5, machine.processes)
    finally:
        machine.remove()
