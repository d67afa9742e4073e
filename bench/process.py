# SPDX-License-Identifier: Apache-2.0
"""P6 and P7: what one process of all services needs: memory at rest, with many connections, and after
many events; and time until it is ready."""

import statistics
import threading
import time

import batches
import ingestion
import load
import people
import storage
from acknowledged import forget_messages
from machine import Failure, say
from table import Row

IDLE_SECONDS = 3
MANY_CONNECTIONS = 1000
LOAD_SECONDS = 5
ROUND = 200  # batches, each stored before the next round
ROUNDS = 4
ALL_ROUNDS = 50  # ten million events
DRAIN_SECONDS = 60
STARTS = 5


def peak_mib(server, seconds):
    """The most that it holds in a time."""
    end, peak = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        peak = max(peak, server.resident_mib())
        time.sleep(0.05)
    return peak


def measure_many_connections(server, side):
    background = threading.Thread(target=side.run, args=(MANY_CONNECTIONS, LOAD_SECONDS))
    background.start()
    peak = peak_mib(server, LOAD_SECONDS)
    background.join()
    return Row("P6", "P6/1000", f"serve all, {MANY_CONNECTIONS:,} connections under load", "MiB", [peak], at_most=128)


def measure_growth(machine, server, crowd, full):
    """What it holds after the first events, and after the last."""
    path = batches.write_batches(machine, crowd)
    rounds = ALL_ROUNDS if full else ROUNDS
    side = ingestion.Side(server, path, events=batches.LINES)
    held, sent = [], 0
    with people.database(machine) as cursor:
        before = storage.counted(cursor)
        for _ in range(rounds):
            for _ in range(ROUND // 50):
                one = side.run(batches.CONNECTIONS, 1, rate=50)
                if said := load.trouble([one]):
                    raise Failure(said)
                sent += one.accepted * batches.LINES
                storage.wait_counted(cursor, before + sent, DRAIN_SECONDS)
            forget_messages(machine)  # before the stream is full
            held.append(server.resident_mib())
            say(f"P6: {held[-1]:.1f} MiB after {sent:,} events")
    first = "tenth" if full else "quarter"
    return Row("P6", "P6/growth", f"serve all, after {sent / 1e6:.1f} million events : the first {first}", "MiB", [held[-1]],
              [held[max(0, rounds // 10 - 1)]], at_most=1.1)  # fmt: skip


def measure_memory(machine, crowd, full):
    server = machine.serve("all")
    time.sleep(IDLE_SECONDS)
    idle = Row("P6", "P6/idle", "serve all, resident, idle", "MiB", [server.resident_mib()], at_most=64)
    events = ingestion.Side(server, ingestion.write_emotions(machine, crowd))
    rows = [idle, measure_many_connections(server, events), measure_growth(machine, server, crowd, full)]
    machine.stop(server)
    return rows


def measure_start(machine):
    taken = []
    for _ in range(STARTS):
        server = machine.serve("all")
        taken.append(server.started_ms)
        machine.stop(server)
    row = Row("P7", "P7", "from exec to readiness, engines up", "ms", [statistics.median(taken)], at_most=150)
    row.notes["slowest ms"] = max(taken)
    return [row]
