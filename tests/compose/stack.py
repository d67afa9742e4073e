# SPDX-License-Identifier: Apache-2.0
"""One system of containers: a compose project with its own port, secrets and volumes."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg2

from harness.engines import read_env
from harness.waiting import free_port, poll

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "tests" / "compose" / "images.sh"
FILES = {
    "production": ["docker-compose.yaml"],
    "testing": ["docker-compose.yaml", "docker-compose.testing.yaml"],
}
GATEWAY = "api-gateway-ecs"
NGINX = "api-gateway-ecs-nginx"


def engine_runs():
    """None, or why containers cannot be run here."""
    if not shutil.which("docker") or not (shutil.which("docker-compose")):
        return "docker or docker-compose is not installed"
    done = subprocess.run(["docker", "version"], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def docker(*arguments, check=True):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class Stack:
    def __init__(self, mode, **settings):
        self.folder = Path(tempfile.mkdtemp(prefix="ecs-compose-"))
        self.secrets = self.folder / "secrets"
        self.port = free_port()
        self.ports = {name: free_port() for name in ("POSTGRES", "NATS", "REDIS")}
        self.environment = dict(
            os.environ,
            COMPOSE_PROJECT_NAME=f"ecs-test-{uuid.uuid4().hex[:8]}",
            COMPOSE_FILE=":".join(FILES[mode]),
            ECS_PORT=str(self.port),
            ECS_IMAGE="ecs:test",
            ECS_SECRETS=str(self.secrets),
            ECS_SUBNET=f"10.203.{random.randrange(100, 250)}",
            **{f"TEST_{name}_PORT": str(port) for name, port in self.ports.items()},
            **settings,
        )
        self.make_secrets()

    # ---- its life

    def make_secrets(self):
        self.run(str(ROOT / "deploy" / "compose" / "make-secrets.sh"))
        self.env = read_env(self.secrets / "env")
        self.url = self.env["API_URL"]
        self.internal_key = self.env["INTERNAL_SERVICE_API_KEY"]
        os.environ["REQUESTS_CA_BUNDLE"] = self.env["CURL_CA_BUNDLE"]

    def run(self, *command, check=True, timeout=300):
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=timeout,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout
        return done

    def compose(self, *arguments, **options):
        return self.run("docker-compose", *arguments, **options)

    def up(self):
        self.compose("up", "-d", "--no-build")
        self.wait_healthy()

    def wait_healthy(self, *services, deadline=90):
        for service in services or self.services():
            poll(lambda: all(map(self.is_healthy, self.containers(service))), deadline,
                 f"{service} to be healthy")  # fmt: skip

    def down(self):
        self.compose("down", "-v", "-t", "5", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- its containers

    def services(self):
        """Those that keep running."""
        once = {"check-secrets", "check-port", "database-setup", "migrate", "reviews"}
        return [name for name in self.compose("config", "--services").stdout.split() if name not in once]

    def containers(self, service):
        return self.compose("ps", "-q", service).stdout.split()

    def inspect(self, container):
        return json.loads(docker("inspect", container))[0]

    def is_healthy(self, container):
        state = self.inspect(container)["State"]
        return state["Running"] and state.get("Health", {}).get("Status") == "healthy"

    def crash(self, container):
        """Ends its process as a crash would, so that the restart policy applies."""
        before = self.inspect(container)["RestartCount"]
        os.kill(self.inspect(container)["State"]["Pid"], signal.SIGKILL)
        poll(lambda: self.inspect(container)["RestartCount"] > before, 30, "the container to be started again")

    def network(self, name):
        return f"{self.environment['COMPOSE_PROJECT_NAME']}_{name}"

    def address(self, container, network):
        return self.inspect(container)["NetworkSettings"]["Networks"][self.network(network)]["IPAddress"]

    @contextlib.contextmanager
    def unplugged(self, container, network, service):
        """Takes a container off a network: packets to it are lost, and its service's name forgets it."""
        docker("network", "disconnect", self.network(network), container)
        try:
            yield
        finally:
            docker("network", "connect", "--alias", service, self.network(network), container)

    def logs(self, service):
        return self.compose("logs", "--no-color", service).stdout

    # ---- its data, in testing mode

    def database(self, sql, *parameters):
        password = (self.secrets / "ecs_password").read_text()
        connection = psycopg2.connect(
            f"postgresql://ecs:{password}@127.0.0.1:{self.ports['POSTGRES']}/ecs"
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        finally:
            connection.close()
