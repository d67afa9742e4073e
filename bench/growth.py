# SPDX-License-Identifier: Apache-2.0
"""P8: what an event and an analysis cost when the tables have grown, beside what they cost at first."""

import time

import analysis
import drain
import people
import storage
from machine import say
from table import Row

SENDERS = 1_000  # whose events are stored
MANY_SENDERS = 10_000
EVENTS = 100_000
BACKLOGS = 3
SIZES = ((1_000, 0), (100_000, 1_000_000))
ALL_SIZES = (*SIZES, (1_000_000, 10_000_000))  # people, raw events
FEW, MANY = 10, 100_000  # events of one person
PEOPLE_EACH = 20
CACHED_SECONDS = 1
ANALYSES, WARM_UP = 200, 60  # of either kind
PAIRS = 3

# An id that grows with time, as those that the service makes.
TIME_ORDERED = """
    (lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7' ||
     substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid
"""
ADD_PEOPLE = """
    WITH added AS (INSERT INTO users (id, email, password_hash)
                   SELECT gen_random_uuid(), 'grown-' || gen_random_uuid() || '@example.com', '!'
                     FROM generate_series(1, %(people)s) RETURNING id)
    INSERT INTO consents (user_id, purpose) SELECT id, 'emotional_data' FROM added
"""
NUMBER_PEOPLE = """
    CREATE TEMP TABLE IF NOT EXISTS numbered (n bigint PRIMARY KEY, id uuid);
    TRUNCATE numbered;
    INSERT INTO numbered SELECT row_number() OVER () - 1, user_id FROM consents
"""
ADD_EVENTS = storage.with_ids(f"""
    INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb, intensity_ppb, stress_ppb)
    SELECT {TIME_ORDERED.format(at="at")}, id, at, 'calm', 500000000, 500000000, 500000000
      FROM (SELECT (random() * %(last)s)::bigint AS n, now() - interval '2 days' + i * interval '1 ms' AS at
              FROM generate_series(1, %(rows)s) AS i) AS given JOIN numbered USING (n)
""")
ADD_SUMS = """
    INSERT INTO emotional_events_summary (user_id, summary_date, event_count, stress_event_count,
                                          positivity_sum_ppb, intensity_sum_ppb, stress_sum_ppb)
    SELECT user_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*), 0,
           sum(positivity_ppb), sum(intensity_ppb), sum(stress_ppb)
      FROM emotional_events GROUP BY 1, 2 ON CONFLICT DO NOTHING
"""


def grow(cursor, crowd, rows):
    """Makes the tables hold so many people and raw events."""
    say(f"P8: growing to {crowd:,} people and {rows:,} events")
    drain.empty(cursor)
    cursor.execute("SELECT count(*) FROM consents")
    cursor.execute(ADD_PEOPLE, {"people": max(0, crowd - cursor.fetchone()[0])})
    cursor.execute(NUMBER_PEOPLE)
    cursor.execute("SELECT max(n) FROM numbered")
    if rows:
        cursor.execute(ADD_EVENTS, {"rows": rows, "last": cursor.fetchone()[0]})
        cursor.execute(ADD_SUMS)
    cursor.execute("VACUUM ANALYZE")


def cost(machine, cursor, count):
    """Microseconds an event, of so many senders: several backlogs, after one that touches their pages."""
    cursor.execute("SELECT id::text FROM numbered ORDER BY random() LIMIT %s", (count,))
    senders = [row[0] for row in cursor.fetchall()]
    taken = []
    for _ in range(1 + BACKLOGS):
        messages, _ = drain.make_events(senders, EVENTS)
        taken.append(1e6 / drain.time_worker(machine, messages, EVENTS).rate)
    return taken[1:]


def row(id, what, ours, other):
    return Row("P8", f"P8/{id}", f"an event stored, {what}", "us", ours, other, at_most=1.5)


def measure_events(machine, cursor, sizes):
    """The same senders while the tables grow, and then ten times the senders."""
    (few, nothing), *grown = sizes
    grow(cursor, few, nothing)
    first, rows = cost(machine, cursor, SENDERS), []
    for crowd, held in grown:
        grow(cursor, crowd, held)
        size = f"{crowd:,} people, {held / 1e6:.0f} million rows"
        same = cost(machine, cursor, SENDERS)
        rows.append(row(f"{held // 1_000_000}M", f"{size} : {few:,}, none", same, first))
    many = cost(machine, cursor, MANY_SENDERS)
    return [*rows, row("spread", f"{MANY_SENDERS:,} senders : {SENDERS:,}, {size}", many, same)]


def give_events(cursor, person, count):
    cursor.execute(
        storage.with_ids(f"""
            INSERT INTO emotional_events (event_id, user_id, occurred_at, emotion_type,
                                          positivity_ppb, intensity_ppb, stress_ppb)
            SELECT {TIME_ORDERED.format(at="at")}, %(person)s, at, 'calm', 500000000, 500000000, 500000000
              FROM (SELECT now() - i * interval '25 days' / %(rows)s AS at FROM generate_series(1, %(rows)s) AS i) AS given
        """),
        {"person": person, "rows": count},
    )


def time_analyses(caller, everyone, analyses):
    """The p99 for those with few events and for those with many, asked in turn; each person's answer is
    cached for the second before the next."""
    few, many = [], []
    while len(few) < analyses:
        for index, (person, token) in enumerate(everyone):
            taken = many if index % 2 else few
            taken.append(caller.analyse(person, token, cached=False).milliseconds)
        time.sleep(CACHED_SECONDS + 0.1)
    return analysis.quantile(few, 0.99), analysis.quantile(many, 0.99)


def measure_analyses(machine, cursor, faults):
    say(f"P8: people with {FEW:,} and with {MANY:,} events")
    applicants = people.register_many(machine, 2 * PEOPLE_EACH)
    for index, person in enumerate(applicants):
        give_events(cursor, person, MANY if index % 2 else FEW)
    cursor.execute(ADD_SUMS)
    cursor.execute("VACUUM ANALYZE")
    everyone = list(zip(applicants, people.tokens_for(machine, applicants)))
    server = machine.serve("all", DECISION_CACHE_SECONDS=str(CACHED_SECONDS))
    caller = analysis.Caller(server)
    time_analyses(caller, everyone, WARM_UP)
    pairs = [time_analyses(caller, everyone, ANALYSES) for _ in range(PAIRS)]
    machine.stop(server)
    faults += sorted(f"P8: {fault}" for fault in caller.faults)
    what = f"an analysis, {MANY:,} events of one person : {FEW}; p99"
    few, many = zip(*pairs)
    return [Row("P8", "P8/analysis", what, "ms", list(many), list(few), at_most=1.5)]


def measure(machine, faults, full):
    with people.database(machine) as cursor:
        rows = measure_events(machine, cursor, ALL_SIZES if full else SIZES)
        return rows + measure_analyses(machine, cursor, faults)
