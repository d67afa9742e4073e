# SPDX-License-Identifier: Apache-2.0
"""P5: a credit analysis with nothing cached, while events come at half the largest rate; and cached ones,
beside an nginx that answers at once and does nothing."""

import collections
import http.client
import json
import threading
import time
import urllib.parse

import ingestion
import load
import people
import storage
from machine import say
from table import Row

PEOPLE = 1000
WARM_UP = 50
EVENTS_EACH = 100
TRANSACTIONS_EACH = 40
CONNECTIONS = 64
BURST_SECONDS = 2  # to find the largest rate
LOAD_SECONDS = 12
DRAIN_SECONDS = 60

Analysis = collections.namedtuple("Analysis", "milliseconds offer")

HISTORY = (
    storage.with_ids("""
    INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type,
                                  positivity_ppb, intensity_ppb, stress_ppb)
    SELECT gen_random_uuid(), person, now() - random() * interval '29 days', 'calm',
           (random() * 1e9)::int, (random() * 1e9)::int, (random() * random() * 1e9)::int
      FROM unnest(%(people)s::uuid[]) AS person, generate_series(1, %(events)s)
    """),
    """
    INSERT INTO emotional_events_summary (user_id, summary_date, event_count, stress_event_count,
                                          positivity_sum_ppb, intensity_sum_ppb, stress_sum_ppb)
    SELECT user_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*),
           count(*) FILTER (WHERE stress_ppb >= 700000000),
           sum(positivity_ppb), sum(intensity_ppb), sum(stress_ppb)
      FROM emotional_events WHERE user_id = ANY (%(people)s::uuid[]) GROUP BY 1, 2
    """,
    """
    INSERT INTO transactions (id, user_id, amount, created_at)
    SELECT gen_random_uuid(), person, (1 + random() * 200)::numeric(10, 2),
           now() - random() * interval '29 days'
      FROM unnest(%(people)s::uuid[]) AS person, generate_series(1, %(transactions)s)
    """,
    "ANALYZE",
)


def give_history(machine, crowd):
    values = {"people": crowd, "events": EVENTS_EACH, "transactions": TRANSACTIONS_EACH}
    with people.database(machine) as cursor:
        for statement in HISTORY:
            cursor.execute(statement, values)


class Caller:
    """Asks for one thing after the other, on one connection."""

    def __init__(self, server):
        address = urllib.parse.urlsplit(server.url)
        self.client = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        self.faults = set()

    def post(self, path, token, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.client.request("POST", path, json.dumps(body) if body is not None else None, headers)
        answer = self.client.getresponse()
        return answer.status, json.loads(answer.read())

    def analyse(self, person, token, cached):
        begun = time.monotonic()
        status, body = self.post(f"/v1/users/{person}/credit-analysis", token)
        milliseconds = (time.monotonic() - begun) * 1000
        if status != 200:
            self.faults.add(f"an analysis was answered {status}")
        elif body["cached"] is not cached:
            self.faults.add(f"an analysis was {'not cached' if cached else 'cached'} that should differ")
        offer = body.get("offer")
        return Analysis(milliseconds, offer and offer["offer_id"])

    def accept(self, person, token, offer):
        status, _ = self.post(f"/v1/credit-offers/{offer}/accept", token, {"userId": person})
        if status != 202:
            self.faults.add(f"an acceptance was answered {status}")
        return status == 202


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_fresh(machine, server, crowd, everyone, faults):
    """Analyses one after the other, under load."""
    events = ingestion.Side(server, ingestion.write_emotions(machine, crowd))
    with people.database(machine) as cursor:
        before = storage.counted(cursor)
        burst = events.run(CONNECTIONS, BURST_SECONDS)
        storage.wait_counted(cursor, before + burst.accepted, DRAIN_SECONDS)
    rate = burst.rate / 2
    background = threading.Thread(target=events.run, args=(CONNECTIONS, LOAD_SECONDS, rate))
    background.start()
    say(f"P5: analyses one after the other, among {rate:,.0f} events a second")
    caller = Caller(server)
    for person, token in everyone[:WARM_UP]:
        caller.analyse(person, token, cached=False)
    taken = []
    for person, token in everyone[WARM_UP:]:
        if not background.is_alive():
            break
        taken.append(caller.analyse(person, token, cached=False).milliseconds)
    background.join()
    faults += sorted(f"P5: {fault}" for fault in caller.faults)
    row = Row("P5", "P5/fresh/p99", "credit analysis, nothing cached, half of P1's load: p99", "ms",
              [quantile(taken, 0.99)], at_most=15)  # fmt: skip
    row.notes = {"p50 ms": quantile(taken, 0.5), "analyses": len(taken), "events a second meanwhile": rate}
    return row


def measure_cached(machine, server, everyone, faults):
    caller = Caller(server)
    for person, token in everyone:
        caller.analyse(person, token, cached=False)
        caller.analyse(person, token, cached=True)
    faults += sorted(f"P5: {fault}" for fault in caller.faults)
    path = machine.folder / "analyses.requests"
    load.write_requests(
        path, ((f"/v1/users/{person}/credit-analysis", [f"Authorization: Bearer {token}"], "") for person, token in everyone)
    )
    nginx = machine.nginx()
    row = Row("P5", "P5/cached", f"credit analysis, cached, {CONNECTIONS} connections : nginx", "req/s", at_least=0.40)
    ingestion.compare(row, ingestion.Side(server, path), ingestion.Side(nginx, path), CONNECTIONS)
    machine.stop(nginx)
    return row


def measure(machine, crowd, faults):
    say("P5: giving people a history")
    applicants = people.register_many(machine, 2 * PEOPLE + WARM_UP)
    give_history(machine, applicants)
    everyone = list(zip(applicants, people.tokens_for(machine, applicants)))
    server = machine.serve("all")
    rows = [
        measure_fresh(machine, server, crowd, everyone[PEOPLE:], faults),
        measure_cached(machine, server, everyone[:PEOPLE], faults),
    ]
    machine.stop(server)
    return rows
