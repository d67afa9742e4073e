# SPDX-License-Identifier: Apache-2.0
"""Load on loopback by wrk: requests are made beforehand, so that the generator costs both sides the
same little."""

import dataclasses
import json
import os
import pathlib
import subprocess
import uuid

from machine import Failure

SCRIPT = pathlib.Path(__file__).with_name("load.lua")
SEPARATOR = "\x1e"
MADE_BEFORE = 150_000  # requests for each second of a load: more than any side answers


@dataclasses.dataclass
class Load:
    rate: float  # answers a second
    accepted: int  # answers that were no error
    refused: int  # answered with 4xx or 5xx
    broken: int  # connections that failed, answers that did not come
    p50_ms: float
    p99_ms: float
    connections: int
    events: int = 1  # a request
    cpu_us: float = 0.0  # of the server, a request


def trouble(loads):
    """What went wrong with some loads, as text; None when all was accepted."""
    refused, broken = sum(one.refused for one in loads), sum(one.broken for one in loads)
    return f"{refused} requests were refused and {broken} broke" if refused or broken else None


def for_us_alone(path, flags):
    return os.open(path, flags, 0o600)  # the requests carry keys


def write_requests(path, requests, content_type="application/json"):
    """`requests` are triples of a path, header lines and a body."""
    with open(path, "w", newline="", opener=for_us_alone) as file:
        for route, headers, body in requests:
            lines = [
                f"POST {route} HTTP/1.1",
                "Host: 127.0.0.1",
                f"Content-Type: {content_type}",
                f"Content-Length: {len(body)}",
                *headers,
            ]
            file.write("\r\n".join(lines) + "\r\n\r\n" + body + SEPARATOR)


def run(url, requests_file, connections, seconds, rate=0):
    """As many requests as the other side takes, or `rate` a second."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, url, "--"]
    command += [requests_file, uuid.uuid4().hex[:12] + "-", str(seconds * MADE_BEFORE), str(int(rate))]
    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + 30)
    output = finished.stdout.decode()
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            return Load(
                rate=found["answered"] / found["microseconds"] * 1e6,
                accepted=found["answered"] - found["refused"],
                refused=found["refused"],
                broken=found["broken"],
                p50_ms=found["p50"] / 1000,
                p99_ms=found["p99"] / 1000,
                connections=connections,
            )
    raise Failure(f"wrk failed: {output}")
