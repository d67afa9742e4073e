# SPDX-License-Identifier: Apache-2.0
"""The threads and the connections of a process, as the kernel tells of them."""

import contextlib
import os
from pathlib import Path


def http_threads(topology, name):
    """Those of a process that serve HTTP, one for each event loop."""
    tasks = sorted(Path(f"/proc/{topology.processes[name].pid}/task").iterdir())
    found = [task for task in tasks if (task / "comm").read_text().strip().partition("-")[0] == "http"]
    assert found, f"no thread of {name} is named http"
    return found


def processor_time(task):
    """How long a thread has had a processor, in nanoseconds."""
    return int((task / "schedstat").read_text().split()[0])


ESTABLISHED = "01"


def connections_to(pid, port):
    """How many TCP connections a process has to a port of this machine."""
    own = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            own.add(os.readlink(file))
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(
        remote == f"0100007F:{port:04X}" and state == ESTABLISHED and f"socket:[{inode}]" in own
        for _, _, remote, state, _, _, _, _, _, inode, *_ in lines
    )
