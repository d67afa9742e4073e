# SPDX-License-Identifier: Apache-2.0
"""P1, P1j and P9: single events through the gateway, each answered 202 after JetStream's
acknowledgement, beside an nginx that answers 202 at once and does nothing."""

import random
import statistics

import load
import people
from machine import say
from table import Row

PAIRS = 6  # short ones, since other machines' load on the host comes and goes
SECONDS = 1
WARM_UP_SECONDS = 1
# Connections, the least share of nginx's rate, the most milliseconds for 99 of 100 answers.
P1_BARS = ((64, 0.40, 10), (256, 0.55, 20))
BODIES = 8192
EMOTIONS = "/v1/emotions/stream"
TOKENS = 512


# ---- the load

def write_emotions(machine, crowd):
    path = machine.folder / "emotions.requests"
    key = f"X-Internal-Key: {machine.environment['INTERNAL_SERVICE_API_KEY']}"
    bodies = (people.emotion_body(random.choice(crowd)) for _ in range(BODIES))
    load.write_requests(path, ((EMOTIONS, [key], body) for body in bodies))
    return path


def write_transactions(machine, crowd):
    path = machine.folder / "transactions.requests"
    some = crowd[:TOKENS]
    tokens = people.tokens_for(machine, some)
    requests = []
    for _ in range(BODIES):
        chosen = random.randrange(len(some))
        headers = [f"Authorization: Bearer {tokens[chosen]}", "Idempotency-Key: @KEY@"]
        requests.append(("/v1/transactions", headers, people.transaction_body(some[chosen])))
    load.write_requests(path, requests)
    return path


class Side:
    """One side of a comparison: where the load goes, and what it costs there."""

    def __init__(self, server, path, loads=None, events=1):
        self.server = server
        self.path = path
        self.loads = loads
        self.events = events

    def run(self, connections, seconds, rate=0):
        before = self.server.cpu_seconds()
        one = load.run(self.server.url, self.path, connections, seconds, rate)
        one.events = self.events
        one.cpu_us = (self.server.cpu_seconds() - before) / max(one.accepted, 1) * 1e6
        if self.loads is not None:
            self.loads.append(one)
        return one


def compare(row, ours, other, connections):
    """Interleaved pairs: ours, the other, ours, the other, ..."""
    say(f"{row.id}: {row.what}")
    for side in (ours, other):
        side.run(connections, WARM_UP_SECONDS)
    pairs = [(ours.run(connections, SECONDS), other.run(connections, SECONDS)) for _ in range(PAIRS)]
    row.ours = [mine.rate for mine, _ in pairs]
    row.others = [others.rate for _, others in pairs]
    row.notes = {
        "p50 ms": statistics.median(mine.p50_ms for mine, _ in pairs),
        "p99 ms": statistics.median(mine.p99_ms for mine, _ in pairs),
        "the other's p99 ms": statistics.median(others.p99_ms for _, others in pairs),
        "our processor time, us an event": statistics.median(mine.cpu_us for mine, _ in pairs),
    }
    return row


def measure(machine, crowd, parts, ledger):
    rows = []
    server = machine.serve("api-gateway-ecs", "emotion-ingestion-service")
    emotions = Side(server, write_emotions(machine, crowd), ledger.loads["emotions"])
    if "P1" in parts:
        rows += measure_emotions(machine, emotions)
    if "P1j" in parts:
        rows += measure_transactions(machine, crowd, emotions, ledger)
    if "P9" in parts:
        rows += measure_hops(machine, emotions)
    machine.stop(server)
    return rows


def measure_emotions(machine, emotions):
    nginx = machine.nginx()
    other = Side(nginx, emotions.path)
    rows = []
    for connections, share, p99 in P1_BARS:
        row = Row(
            "P1", f"P1/{connections}", f"one event a request, {connections} connections : nginx", "req/s", at_least=share
        )
        rows.append(compare(row, emotions, other, connections))
        times = [one.p99_ms for one in emotions.loads[-PAIRS:]]
        rows.append(Row("P1", f"P1/{connections}/p99", f"the same, p99, {connections} connections", "ms", times, at_most=p99))
    machine.stop(nginx)
    return rows


def measure_hops(machine, emotions):
    """Over a Unix domain socket, as on one host, which the bar is for; and over TCP, as between hosts."""
    what = "gateway and service as two processes, 64 connections : P1"
    return [
        measure_hop(machine, emotions, "unix", Row("P9", "P9", what, "req/s", at_least=0.50)),
        measure_hop(machine, emotions, "tcp", Row("P9", "P9/tcp", "the same, over TCP", "req/s")),
    ]


def measure_hop(machine, emotions, over, row):
    gateway, service = machine.serve_apart("emotion-ingestion-service", "EMOTION_SERVICE", over)
    compare(row, Side(gateway, emotions.path, emotions.loads), emotions, 64)
    machine.stop(gateway)
    machine.stop(service)
    return row


def measure_transactions(machine, crowd, emotions, ledger):
    path = write_transactions(machine, crowd)
    server = machine.serve("api-gateway-ecs", "transaction-service")
    transactions = Side(server, path, ledger.loads["transactions"])
    row = Row("P1j", "P1j", "one transaction a request, with a JWT, 64 connections : P1", "req/s", at_least=0.90)
    compare(row, transactions, emotions, 64)
    machine.stop(server)
    return [row]
