# SPDX-License-Identifier: Apache-2.0
"""Every test that takes `topology` runs twice: all services in one process, and one process each."""

import pytest

from harness.topology import Topology


@pytest.fixture(scope="session", params=["all", "services"])
def topology(request, engines):
    running = Topology(request.param, engines)
    yield running
    codes = running.stop()
    assert set(codes.values()) == {0}, f"exit codes after SIGTERM: {codes}"
