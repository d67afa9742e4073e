# SPDX-License-Identifier: Apache-2.0
"""Marks of tests that mean something in one of the two topologies only."""

import pytest

from harness import external


def _only_in(name):
    """An external system is what it is: what the test asks of it decides."""
    return pytest.mark.parametrize("topology", ["external" if external.named() else name], indirect=True, scope="session")


in_one_process = _only_in("all")
one_process_each = _only_in("services")
