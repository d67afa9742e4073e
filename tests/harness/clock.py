# SPDX-License-Identifier: Apache-2.0
"""The wall clock of every process of a topology, which a test moves (by libfaketime); the engines keep theirs."""

import glob
from pathlib import Path

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Clock:
    """Within `with`, all processes read this clock; those that start later do too."""

    def __init__(self, topology):
        self.topology = topology
        self.offset = 0  # seconds ahead of the true time
        # Next to the engines, where every process may read it.
        self.file = Path(topology.engines.folder) / "clock"

    def __enter__(self):
        self.jump_to(0)
        [library] = glob.glob(LIBRARY)
        self.settings = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.topology.env.update(self.settings)
        self._start_anew()
        return self

    def __exit__(self, *_):
        for name in self.settings:
            del self.topology.env[name]
        self._start_anew()

    def jump_to(self, offset):
        self.offset = offset
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset:+}\n")
        new.rename(self.file)

    def _start_anew(self):
        for name in self.topology.names:
            self.topology.kill(name)
            self.topology.start(name)
        self.topology.wait_ready()
