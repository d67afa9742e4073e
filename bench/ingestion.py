# SPDX-License-Identifier: Apache-2.0
"""P1 and P1j: single events through the gateway, each answered 202 after JetStream's acknowledgement,
beside an nginx that answers 202 at once and does nothing."""

import http.client
import json
import random
import statistics
import time
import urllib.parse
import uuid

import load
import people
from machine import say
from table import Row

PAIRS = 3
SECONDS = 3
WARM_UP_SECONDS = 1
BODIES = 8192
TOKENS = 512
NAMED_EVENTS = 1000  # sent with ids of their own, and looked up one by one


class Result:
    """What was measured, and every answer to compare with the tables."""

    def __init__(self):
        self.rows = []
        self.loads = {"emotions": [], "transactions": []}

    def accepted(self, kind):
        return sum(one.accepted for one in self.loads[kind])

    def in_flight(self, kind):
        """Requests that wrk had sent and did not wait for: any of them may be stored."""
        return sum(one.connections for one in self.loads[kind])

    def check(self, machine):
        """Has everything stored, and returns what is not as it was answered."""
        say("storing what was acknowledged, to compare")
        faults = []
        for kind, loads in self.loads.items():
            refused, broken = sum(one.refused for one in loads), sum(one.broken for one in loads)
            if refused or broken:
                faults.append(f"{kind}: {refused} requests were refused and {broken} broke")
        named = send_named_events(machine)
        workers = machine.serve("emotion-processing-worker", "transaction-processing-worker")
        with people.database(machine) as cursor:
            faults += self.compare(cursor, "emotions", "SELECT count(*) FROM emotional_events", len(named))
            faults += self.compare(cursor, "transactions", "SELECT count(*) FROM transactions", 0)
            faults += check_sums(cursor) + check_named_events(cursor, named)
        machine.stop(workers)
        return faults

    def compare(self, cursor, kind, query, extra):
        least = self.accepted(kind) + extra
        most = least + self.in_flight(kind)
        stored = settle(cursor, query, least)
        say(f"{kind}: {least:,} acknowledged, {stored:,} stored, up to {most - least:,} more were under way")
        if least <= stored <= most:
            return []
        return [f"{kind}: {least:,} were acknowledged and at most {most:,} sent, but {stored:,} are stored"]


def settle(cursor, query, least):
    """The count once it has reached `least` and rests; the workers do about 20,000 events a second at worst."""
    deadline = time.monotonic() + 30 + least / 20_000
    count, rests_since = -1, time.monotonic()
    while time.monotonic() < deadline:
        cursor.execute(query)
        now = cursor.fetchone()[0]
        if now != count:
            count, rests_since = now, time.monotonic()
        if count >= least and time.monotonic() - rests_since > 1.5:
            break
        time.sleep(0.25)
    return count


def check_sums(cursor):
    cursor.execute(
        "SELECT (SELECT count(*) FROM emotional_events),"
        "       (SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary)"
    )
    raw, summed = cursor.fetchone()
    return [] if raw == summed else [f"emotions: {raw:,} events are stored, but {summed:,} counted in the sums"]


# ---- events whose ids are known

def send_named_events(machine):
    """Sends events with ids of their own, each twice as after a lost answer; returns the ids."""
    ids = [str(uuid.uuid4()) for _ in range(NAMED_EVENTS)]
    with people.database(machine) as cursor:
        cursor.execute("SELECT user_id FROM consents LIMIT 1")
        person = cursor.fetchone()[0]
    server = machine.serve("api-gateway-ecs", "emotion-ingestion-service")
    address = urllib.parse.urlsplit(server.url)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    headers = {
        "Content-Type": "application/json",
        "X-Internal-Key": machine.environment["INTERNAL_SERVICE_API_KEY"],
    }
    acknowledged = set()
    for id in ids + ids:
        body = dict(json.loads(people.emotion_body(person)), eventId=id)
        client.request("POST", "/v1/emotions/stream", json.dumps(body), headers)
        answer = client.getresponse()
        answer.read()
        if answer.status == 202:
            acknowledged.add(id)
    client.close()
    machine.stop(server)
    return acknowledged


def check_named_events(cursor, named):
    cursor.execute(
        "SELECT event_id::text, count(*) FROM emotional_events WHERE event_id = ANY (%s::uuid[]) GROUP BY 1",
        (list(named),),
    )
    found = dict(cursor.fetchall())
    missing = len(named - set(found))
    doubled = sum(count > 1 for count in found.values())
    faults = [f"emotions: {missing} of {len(named)} events looked up by id are missing"] if missing else []
    return faults + ([f"emotions: {doubled} events are stored more than once"] if doubled else [])


# ---- the load

def write_emotions(machine, crowd):
    path = machine.folder / "emotions.requests"
    key = f"X-Internal-Key: {machine.environment['INTERNAL_SERVICE_API_KEY']}"
    bodies = (people.emotion_body(random.choice(crowd)) for _ in range(BODIES))
    load.write_requests(path, "/v1/emotions/stream", (([key], body) for body in bodies))
    return path


def write_transactions(machine, crowd):
    path = machine.folder / "transactions.requests"
    some = crowd[:TOKENS]
    tokens = people.tokens_for(machine, some)
    requests = []
    for _ in range(BODIES):
        chosen = random.randrange(len(some))
        headers = [f"Authorization: Bearer {tokens[chosen]}", "Idempotency-Key: @KEY@"]
        requests.append((headers, people.transaction_body(some[chosen])))
    load.write_requests(path, "/v1/transactions", requests)
    return path


class Side:
    """One side of a comparison: where the load goes, and what it costs there."""

    def __init__(self, server, path, loads=None):
        self.server = server
        self.path = path
        self.loads = loads

    def run(self, connections, seconds):
        before = self.server.cpu_seconds()
        one = load.run(self.server.url, self.path, connections, seconds)
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


def measure(machine, crowd, parts, faults):
    result = Result()
    emotions_path = write_emotions(machine, crowd)
    server = machine.serve("api-gateway-ecs", "emotion-ingestion-service")
    emotions = Side(server, emotions_path, result.loads["emotions"])
    if "P1" in parts:
        result.rows += measure_emotions(machine, emotions)
    if "P1j" in parts:
        result.rows += measure_transactions(machine, crowd, emotions, result)
    machine.stop(server)
    faults += result.check(machine)
    return result.rows


def measure_emotions(machine, emotions):
    nginx = machine.nginx()
    other = Side(nginx, emotions.path)
    rows = []
    for connections in (64, 256):
        row = Row("P1", f"one event a request, {connections} connections : nginx", "req/s", at_least=0.30)
        rows.append(compare(row, emotions, other, connections))
    machine.stop(nginx)
    return rows


def measure_transactions(machine, crowd, emotions, result):
    path = write_transactions(machine, crowd)
    server = machine.serve("api-gateway-ecs", "transaction-service")
    transactions = Side(server, path, result.loads["transactions"])
    row = Row("P1j", "one transaction a request, with a JWT, 64 connections : P1", "req/s", at_least=0.90)
    compare(row, transactions, emotions, 64)
    machine.stop(server)
    return [row]
