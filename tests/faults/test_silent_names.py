# SPDX-License-Identifier: Apache-2.0
"""The name server is silent: whoever asks it for an address hangs in the C library for 10 s and more,
and nothing interrupts that. A process that is asked to end does so all the same, wherever it hangs."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from harness.engines import BINARY, PLAIN, ROOT
from harness.people import Api, new_email
from harness.topology import SERVICES
from harness.waiting import free_port, poll

NAME_SERVER = "127.77.0.1"
ENDS_WITHIN = 10  # seconds
EVERYTHING = [*SERVICES, "all"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="port 53 and /etc/resolv.conf are root's only")


@pytest.fixture
def silence(tmp_path):
    """A command before a command, which then asks a name server that says nothing."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME_SERVER, 53))
        yield ["unshare", "--mount", "sh", "-c", f'mount --bind "{resolver}" /etc/resolv.conf && exec "$@"', "sh"]


@pytest.fixture
def named(topology):
    """The settings of all services, with names where addresses were."""
    env = dict(topology.env)
    for name, value in topology.env.items():
        if name.endswith("_URL"):
            env[name] = value.replace("127.0.0.1", "somewhere.example")
    return env


@pytest.fixture
def start(silence, named, tmp_path):
    """start(name): the process of a service, or of all, and where its metrics are."""
    started = []

    def run(name, settings=named, **listening):
        env = dict(settings, METRICS_LISTEN=f"127.0.0.1:{free_port()}")
        env |= {listen: f"127.0.0.1:{free_port()}" for listen, _ in SERVICES.values() if listen}
        env |= listening
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*silence, str(BINARY), "serve", name], env=dict(PLAIN, **env), cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        started.append(process)
        return process, f"http://{env['METRICS_LISTEN']}"

    yield run
    for process in started:
        process.kill()
        process.wait()


def lives(url):
    try:
        return requests.get(url + "/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def has_begun(process):
    """It is past the point from which on a signal is waited for."""
    names = Path(f"/proc/{process.pid}/task").glob("*/comm")
    return any(name.read_text() == "ending\n" for name in names)


def assert_ends(processes):
    asked = time.monotonic()
    for process in processes:
        process.send_signal(signal.SIGTERM)
    codes = [process.wait(max(0.1, asked + ENDS_WITHIN - time.monotonic())) for process in processes]
    assert codes == [0] * len(processes)


def test_a_process_ends_in_time_while_its_names_are_not_answered(start):
    running = [start(name) for name in EVERYTHING]
    for _, url in running:
        poll(lambda: lives(url), 60, "the process to live")
    assert_ends([process for process, _ in running])


def test_a_process_that_still_starts_ends_in_time(start):
    processes = [start(name)[0] for name in EVERYTHING]
    for process in processes:
        poll(lambda: has_begun(process), 10, "the process to begin")
    assert_ends(processes)


def test_a_redis_whose_name_is_not_answered_costs_nobody_more_than_a_moment(topology, start):
    """The one thread for passwords counts failed logins there."""
    gateway = f"127.0.0.1:{free_port()}"
    redis = topology.env["REDIS_URL"].replace("127.0.0.1", "somewhere.example")
    start("all", dict(topology.env, REDIS_URL=redis), API_GATEWAY_LISTEN=gateway)
    poll(lambda: lives(f"http://{gateway}"), 30, "the process to live")
    client, until = Api(f"http://{gateway}"), time.monotonic() + 5
    while time.monotonic() < until:
        answer = client.post("/v1/auth/login", json={"email": new_email(), "password": "not the password"})
        assert answer.status_code == 401
        assert answer.elapsed.total_seconds() < 2
