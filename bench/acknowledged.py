# SPDX-License-Identifier: Apache-2.0
"""What was answered 202, and whether it is all in the tables, each event once."""

import http.client
import json
import time
import urllib.parse
import uuid

import load
import nats
import people
from machine import say

NAMED_EVENTS = 1000  # sent with ids of their own, and looked up one by one


class Ledger:
    """Every load that was sent, to compare with the tables."""

    def __init__(self):
        self.loads = {"emotions": [], "transactions": []}
        self.named = set()

    def accepted(self, kind):
        return sum(one.accepted * one.events for one in self.loads[kind])

    def in_flight(self, kind):
        """Events that wrk had sent and did not wait for: any of them may be stored."""
        return sum(one.connections * one.events for one in self.loads[kind])

    def check(self, machine):
        """Has everything stored, and returns what is not as it was answered."""
        say("storing what was acknowledged, to compare")
        faults = []
        for kind, loads in self.loads.items():
            if said := load.trouble(loads):
                faults.append(f"{kind}: {said}")
        self.named |= send_named_events(machine)
        workers = machine.serve("emotion-processing-worker", "transaction-processing-worker")
        with people.database(machine) as cursor:
            faults += self.compare(cursor, "emotions", "SELECT count(*) FROM emotional_events", len(self.named))
            faults += self.compare(cursor, "transactions", "SELECT count(*) FROM transactions", 0)
            faults += check_sums(cursor) + check_named_events(cursor, self.named)
        machine.stop(workers)
        forget_messages(machine)
        return faults

    def compare(self, cursor, kind, query, extra):
        least = self.accepted(kind) + extra
        most = least + self.in_flight(kind)
        stored = settle(cursor, query, least)
        say(f"{kind}: {least:,} acknowledged, {stored:,} stored, up to {most - least:,} more were under way")
        if least <= stored <= most:
            return []
        return [f"{kind}: {least:,} were acknowledged and at most {most:,} sent, but {stored:,} are stored"]


def forget_messages(machine):
    """Makes room in the streams: what they held is in the tables."""
    broker = nats.Publisher(machine.environment["NATS_URL"])
    for stream in ("emotions", "transactions"):
        broker.request(f"$JS.API.STREAM.PURGE.{stream}")
    broker.close()


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
        "       (SELECT count(*) FROM emotional_event_ids),"
        "       (SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary)"
    )
    raw, ids, summed = cursor.fetchone()
    if raw == ids == summed:
        return []
    return [f"emotions: {raw:,} events are stored with {ids:,} ids, but {summed:,} counted in the sums"]


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
