# SPDX-License-Identifier: Apache-2.0
"""P3: the emotion worker storing a backlog, beside COPY of the same rows into the same tables."""

import collections
import io
import random
import statistics
import struct
import time
import uuid

import people
import storage
from machine import Failure, cpu_seconds, say
from nats import Publisher
from table import Row

EVENTS = 300_000
LINES_A_MESSAGE = 100
PAIRS = 3
SUBJECT = "user.emotions.topic"
MICROSECONDS_TO_2000 = 946_684_800_000_000  # PostgreSQL counts from there
Drained = collections.namedtuple("Drained", "rate costs")  # events a second; processor time of each process, us an event
ROWS = "emotional_events (event_id, user_id, occurred_at, emotion_type, positivity_ppb, intensity_ppb, stress_ppb)"
IDS = "emotional_event_ids (user_id, event_id, occurred_at, generation)"
COPY_BEGINS, COPY_ENDS = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0), struct.pack(">h", -1)


def uuid7(milliseconds):
    """A time-ordered id (RFC 9562), as the service makes them."""
    low = random.getrandbits(74)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | (low >> 62) << 64 | 2 << 62 | low & (1 << 62) - 1)


def make_events(crowd, events=EVENTS):
    """The same events in two forms: messages of the stream, and what binary COPYs of rows and ids read."""
    now = int(time.time() * 1000)
    messages, lines = [], []
    copies = {ROWS: [COPY_BEGINS], IDS: [COPY_BEGINS]}
    owners = {id: uuid.UUID(id).bytes for id in crowd}
    for i in range(events):
        at = now - 60_000 + i // 10  # what ten thousand people send in half a minute
        event, person, type = uuid7(at), random.choice(crowd), random.choice(people.TYPES)
        measured = people.metrics()
        lines.append(line(event, person, at, type, measured))
        if len(lines) == LINES_A_MESSAGE:
            messages.append("\n".join(lines).encode())
            lines.clear()
        copies[ROWS].append(row(event, owners[person], at, type, measured))
        copies[IDS].append(id_row(event, owners[person], at))
    return messages, {table: b"".join([*parts, COPY_ENDS]) for table, parts in copies.items()}


def line(event, person, at, type, measured):
    time_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000))
    return (
        f'{{"eventId":"{event}","userId":"{person}","timestamp":"{time_text}.{at % 1000:03d}000Z","emotionEvent":'
        f'{{"type":"{type}","metrics":{{"positivity":{measured[0]},"intensity":{measured[1]},'
        f'"stress_level":{measured[2]}}}}},"traceId":"{event.hex}"}}'
    )


def row(event, person, at, type, measured):
    kind = type.encode()
    parts = [round(value * 1_000_000_000) for value in measured]
    return struct.pack(
        f">hi16si16siqi{len(kind)}siiiiii",
        *(7, 16, event.bytes, 16, person, 8, at * 1000 - MICROSECONDS_TO_2000, len(kind), kind),
        *(4, parts[0], 4, parts[1], 4, parts[2]),
    )


def id_row(event, person, at):
    return struct.pack(">hi16si16siqih", 4, 16, person, 16, event.bytes, 8, at * 1000 - MICROSECONDS_TO_2000, 2, 0)


def empty(cursor):
    cursor.execute("TRUNCATE emotional_events, emotional_event_ids, emotional_events_summary")


def time_copy(machine, cursor, copies, costs):
    """Rows a second of COPY, commit included; binary, the faster of its forms."""
    empty(cursor)
    before = machine.postgres_cpu_seconds()
    begun = time.monotonic()
    cursor.execute("BEGIN")
    for table, rows in copies.items():
        cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", io.BytesIO(rows))
    cursor.execute("COMMIT")
    seconds = time.monotonic() - begun
    costs["COPY"].append((machine.postgres_cpu_seconds() - before) / EVENTS * 1e6)
    return EVENTS / seconds


def time_worker(machine, messages, events):
    """Events a second of the worker, from the first that it stored to the last, and what they cost.

    Asked of the worker itself: summing up the tables meanwhile would be a load that grows with them."""
    publish(machine, messages)
    postgres_before = machine.postgres_cpu_seconds()
    nats_before = cpu_seconds(machine.engine_pid("nats"))
    worker = machine.serve("emotion-processing-worker")
    first, count = None, 0
    deadline = time.monotonic() + 60
    while count < events and time.monotonic() < deadline:
        count = worker.metric("ecs_emotions_stored_total")
        if first is None and count > 0:
            first = count, time.monotonic()
        time.sleep(0.01)
    if count < events:
        raise Failure(f"of {events:,} events {count:,.0f} were stored within a minute")
    drained = Drained(
        (count - first[0]) / (time.monotonic() - first[1]),
        {
            "worker": worker.cpu_seconds() / events * 1e6,
            "PostgreSQL": (machine.postgres_cpu_seconds() - postgres_before) / events * 1e6,
            "NATS": (cpu_seconds(machine.engine_pid("nats")) - nats_before) / events * 1e6,
        },
    )
    machine.stop(worker)
    return drained


def check(cursor, faults):
    cursor.execute("SELECT count(*) FROM emotional_events")
    raw = cursor.fetchone()[0]
    if not raw == storage.counted(cursor) == EVENTS:
        faults.append(f"P3: of {EVENTS:,} events {raw:,} are stored and {storage.counted(cursor):,} counted")


def publish(machine, messages):
    publisher = Publisher(machine.environment["NATS_URL"])
    publisher.publish(SUBJECT, messages)
    publisher.close()


def measure(machine, crowd, faults):
    say(f"P3: making {EVENTS:,} events")
    messages, copies = make_events(crowd)
    result = Row("P3", "P3", f"the emotion worker storing {EVENTS:,} events : COPY", "rows/s", at_least=0.35)
    costs = {"worker": [], "PostgreSQL": [], "NATS": [], "COPY": []}
    with people.database(machine) as cursor:
        time_copy(machine, cursor, copies, costs)
        for pair in range(PAIRS):
            say(f"P3: pair {pair + 1} of {PAIRS}")
            empty(cursor)
            drained = time_worker(machine, messages, EVENTS)
            check(cursor, faults)
            result.ours.append(drained.rate)
            for name, cost in drained.costs.items():
                costs[name].append(cost)
            result.others.append(time_copy(machine, cursor, copies, costs))
        empty(cursor)
    for name, each in costs.items():
        result.notes[f"processor time of {name}, us an event"] = statistics.median(each)
    return [result]
