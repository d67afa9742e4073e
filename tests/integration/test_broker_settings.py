# SPDX-License-Identifier: Apache-2.0
"""The broker's settings are chosen by what its version knows: syncing before each acknowledgement
exists from 2.10 on, and stops an earlier server from starting."""

import subprocess

import pytest

from harness.engines import PLAIN, ROOT

WRITES_SETTING = 'eval "$(sed -n "/^nats_sync_setting()/,/^}/p" "$0")"; nats_sync_setting'


@pytest.mark.parametrize(
    "version, syncs",
    [("2.2.0", False), ("2.9.10", False), ("2.9.25", False), ("2.10.0", True), ("2.10.23", True),
     ("2.11.1", True), ("2.100.0", True), ("3.0.0", True)],
)  # fmt: skip
def test_the_strictest_sync_that_the_version_knows_is_set(tmp_path, version, syncs):
    server = tmp_path / "nats-server"
    server.write_text(f'#!/bin/sh\necho "nats-server: v{version}"\n')
    server.chmod(0o755)
    said = subprocess.run(
        ["bash", "-c", WRITES_SETTING, str(ROOT / "deploy" / "local" / "engines.sh")],
        env=dict(PLAIN, PATH=f"{tmp_path}:{PLAIN['PATH']}"), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert said == ("sync_interval: always" if syncs else "")
