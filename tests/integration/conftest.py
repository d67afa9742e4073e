# SPDX-License-Identifier: Apache-2.0
"""Every test that takes `topology` runs twice: all services in one process, and one process each; or
once, against a system that others started (harness/external.py)."""

import pytest

from harness import external
from harness.topology import Topology


@pytest.fixture(scope="session", params=["external"] if external.named() else ["all", "services"])
def topology(request, engines):
    if request.param == "external":
        yield external.ExternalTopology(engines)
        return
    running = Topology(request.param, engines)
    yield running
    codes = running.stop()
    assert set(codes.values()) == {0}, f"exit codes after SIGTERM: {codes}"
