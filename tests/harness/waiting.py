# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline, windows of time, and free ports."""

import fcntl
import os
import random
import socket
import time
from pathlib import Path

INTERVAL = 0.02


def poll(until, deadline=15.0, what=None):
    """Calls until() over and over and returns its first true answer; fails after `deadline` s.

    `what` names it for the message, or is a function that does."""
    end = time.monotonic() + deadline
    while True:
        answer = until()
        if answer:
            return answer
        if time.monotonic() > end:
            said = what() if callable(what) else what or until
            raise AssertionError(f"not within {deadline} s: {said}; last answer: {answer!r}")
        time.sleep(INTERVAL)


def steady(check, seconds, what=None):
    """Checks that check() stays true for a while: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert check(), f"no longer true: {what or check}"
        time.sleep(INTERVAL)


def window_that_lasts(seconds):
    """A length of windows (they begin at its multiples since 1970) of which this one goes on for so long."""
    now = time.time()
    return next(length for length in range(3600, 86400) if length - now % length > seconds)


# Of all test runs on this machine, each of which has a folder of its own for temporary files.
PORTS = Path("/tmp") / f"ecs-test-ports-{os.getuid()}"
ours = []  # open files: their locks last as long as this process


def is_ours(port):
    """Whether no other test run on this machine was given the port, nor this one before."""
    PORTS.mkdir(exist_ok=True)
    file = (PORTS / str(port)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    ours.append(file)
    return True


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A free port below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        if is_free(port) and is_ours(port):
            return port
