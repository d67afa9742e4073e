# SPDX-License-Identifier: Apache-2.0
"""What a careful operator gets wrong some day: each stops the start, with one line that says what to
do, and `docker-compose ps` shows where."""

import socket

import pytest

from harness.waiting import poll
from stack import Stack, docker


@pytest.fixture
def stack():
    made = Stack("production")
    yield made
    made.down()


def stopped_line(stack, service):
    """The one line of a service that stopped the start; `ps` shows it as ended."""
    done = stack.compose("up", "-d", "--no-build", check=False)
    assert done.returncode != 0

    def shows_the_end():
        row = next(line for line in stack.compose("ps").stdout.splitlines() if f"_{service}_" in line)
        return "Exit 1" in row or "Restarting" in row

    # What is started again and again is up for a moment each time.
    poll(shows_the_end, 30, f"{service} to be shown as ended")
    lines = [line.partition("| ")[2] for line in stack.logs(service).splitlines() if "| " in line]
    assert len(set(lines)) == 1, lines
    return lines[0]


def test_a_missing_secret(stack):
    (stack.secrets / "redis_url").unlink()
    line = stopped_line(stack, "check-secrets")
    assert "redis_url" in line and "make-secrets.sh" in line
    stack.make_secrets()
    assert (stack.secrets / "redis_url").is_file()


def test_an_empty_secret(stack):
    (stack.secrets / "nats_url").chmod(0o644)
    (stack.secrets / "nats_url").write_text("")
    assert "nats_url" in stopped_line(stack, "check-secrets")


def test_a_wrong_database_password(stack):
    stack.compose("up", "-d", "--no-build", "postgres")
    stack.wait_healthy("postgres")
    stack.compose("rm", "-sf", "postgres")
    (stack.secrets / "postgres_password").unlink()
    stack.make_secrets()
    line = stopped_line(stack, "database-setup")
    assert "postgres_password" in line and "\\password" in line


def test_a_volume_of_another_postgresql_version(stack):
    volume = f"{stack.environment['COMPOSE_PROJECT_NAME']}_postgres-data"
    docker("volume", "create", "--label", f"com.docker.compose.project={stack.environment['COMPOSE_PROJECT_NAME']}",
           "--label", "com.docker.compose.volume=postgres-data", volume)  # fmt: skip
    docker("run", "--rm", "-v", f"{volume}:/var/lib/postgresql/data", "--entrypoint", "sh", "postgres:15-bookworm", "-c",
           "mkdir /var/lib/postgresql/data/pgdata && echo 14 >/var/lib/postgresql/data/pgdata/PG_VERSION")  # fmt: skip
    line = stopped_line(stack, "postgres")
    assert "PostgreSQL 14" in line and "this is 15" in line and "docs/operations.md" in line


def test_a_port_in_use(stack):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", stack.port))
        taken.listen()
        line = stopped_line(stack, "check-port")
    assert f"port {stack.port} " in line and "in use" in line and "ECS_PORT" in line
    stack.up()
    stack.compose("up", "-d", "--no-build")  # its own load balancer may listen there


def test_secrets_that_exist_are_kept(stack):
    before = {file.name: file.read_text() for file in stack.secrets.iterdir()}
    stack.make_secrets()
    assert {file.name: file.read_text() for file in stack.secrets.iterdir()} == before
    assert oct(stack.secrets.stat().st_mode & 0o777) == "0o700"
