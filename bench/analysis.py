# SPDX-License-Identifier: Apache-2.0
"""P5: a credit analysis of an idle system that has nothing cached, and the memory it rests in."""

import http.client
import json
import time
import urllib.parse

import people
from machine import say
from table import Row

PEOPLE = 1000
WARM_UP = 50
EVENTS_EACH = 100
TRANSACTIONS_EACH = 40
IDLE_SECONDS = 3

HISTORY = (
    """
    INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type,
                                  positivity_ppb, intensity_ppb, stress_ppb)
    SELECT gen_random_uuid(), person, now() - random() * interval '29 days', 'calm',
           (random() * 1e9)::int, (random() * 1e9)::int, (random() * random() * 1e9)::int
      FROM unnest(%(people)s::uuid[]) AS person, generate_series(1, %(events)s)
    """,
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
    """Asks for one analysis after the other, on one connection."""

    def __init__(self, server):
        address = urllib.parse.urlsplit(server.url)
        self.client = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        self.faults = set()

    def analyse(self, person, token, cached):
        """Milliseconds until the answer is there."""
        begun = time.monotonic()
        self.client.request(
            "POST", f"/v1/users/{person}/credit-analysis", headers={"Authorization": f"Bearer {token}"}
        )
        answer = self.client.getresponse()
        body = answer.read()
        milliseconds = (time.monotonic() - begun) * 1000
        if answer.status != 200:
            self.faults.add(f"P5: an analysis was answered {answer.status}")
        elif json.loads(body)["cached"] is not cached:
            self.faults.add(f"P5: an analysis was {'not cached' if cached else 'cached'} that should differ")
        return milliseconds


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(machine, faults):
    say("P5: giving people a history")
    crowd = people.register_many(machine, PEOPLE + WARM_UP)
    give_history(machine, crowd)
    tokens = people.tokens_for(machine, crowd)
    server = machine.serve("all")
    time.sleep(IDLE_SECONDS)
    resident = server.resident_mib()

    say(f"P5: {PEOPLE:,} analyses, one after the other")
    caller = Caller(server)
    everyone = list(zip(crowd, tokens))
    for person, token in everyone[:WARM_UP]:
        caller.analyse(person, token, cached=False)
    fresh = [caller.analyse(person, token, cached=False) for person, token in everyone[WARM_UP:]]
    again = [caller.analyse(person, token, cached=True) for person, token in everyone[WARM_UP:]]
    after = server.resident_mib()
    machine.stop(server)
    faults += sorted(caller.faults)

    row = Row("P5", "credit analysis, idle, nothing cached: p99", "ms", [quantile(fresh, 0.99)], at_most=15)
    row.notes["p50 ms"] = quantile(fresh, 0.5)
    row.notes["cached, p50 ms"] = quantile(again, 0.5)
    row.notes["cached, p99 ms"] = quantile(again, 0.99)
    memory = Row("P6", "serve all, resident, idle", "MiB", [resident], at_most=64)
    memory.notes["resident after the analyses, MiB"] = after
    return [row, memory]
