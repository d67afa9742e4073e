# SPDX-License-Identifier: Apache-2.0
"""Both modes of the compose files, brought up for real from images made on this machine."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stack import IMAGES, NGINX, ROOT, Stack, engine_runs  # noqa: E402


def pytest_sessionstart(session):
    why = engine_runs()
    if why:
        pytest.exit(f"the compose tests need a Docker engine: {why}", 2)
    subprocess.run([str(IMAGES)], check=True)
    subprocess.run(["nice", "docker", "build", "-q", "-t", "ecs:test", "."], cwd=ROOT, check=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what runs, the end of each log, and what the load balancer could not pass on."""
    outcome = yield
    report = outcome.get_result()
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack:
        report.sections.append(("containers", stack.compose("ps", check=False).stdout))
        refused = [line for line in stack.logs(NGINX).splitlines() if '"status":5' in line]
        report.sections.append(("refused by the load balancer", "\n".join(refused)))
        report.sections.append(("logs", stack.compose("logs", "--tail", "15", check=False).stdout))


@pytest.fixture(scope="module")
def stack(request):
    """A system of its own for the tests of one file, whose MODE says which."""
    running = Stack(request.module.MODE)
    try:
        running.up()
        yield running
    finally:
        running.down()
