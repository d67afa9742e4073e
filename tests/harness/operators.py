# SPDX-License-Identifier: Apache-2.0
"""Somebody who runs the system, with a token as the command makes it."""

from harness.people import Api
from harness.topology import run_command


def operator_token(topology, name="ada", *options):
    done = run_command({"SECRET_KEY": topology.secret_key}, "operator-token", name, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def operator(topology, name="ada"):
    return Api(topology.url, {"Authorization": f"Bearer {operator_token(topology, name)}"})
