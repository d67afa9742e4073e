# SPDX-License-Identifier: Apache-2.0
"""P4: the whole way in one process, from requests to rows, at a steady rate, with analyses and
acceptances among them: the largest rate at which the workers stay less than a second behind."""

import threading
import time

import analysis
import ingestion
import load
import people
import storage
from machine import Failure, say
from table import Row

SECONDS = 5
CONNECTIONS = 256
SHARE = 0.25  # of nginx's rate, to begin with
GROWTH = 1.2
BEHIND_SECONDS = 1.0
DRAIN_SECONDS = 60
APPLICANTS = 400
PAUSE = 0.05  # between two applicants


class Applicants(threading.Thread):
    """Asks for one analysis after the other, and accepts what is offered, until it is told to end."""

    def __init__(self, server, everyone):
        super().__init__()
        self.caller = analysis.Caller(server)
        self.everyone = everyone
        self.end = threading.Event()
        self.accepted = 0

    def run(self):
        for person, token in self.everyone:
            if self.end.is_set():
                return
            offer = self.caller.analyse(person, token, cached=False).offer
            if offer:
                self.accepted += self.caller.accept(person, token, offer)
            time.sleep(PAUSE)


def reach(side, cursor, rate):
    """Sends at a rate; answers the rate that was reached, 0 when the workers fell behind."""
    before = storage.counted(cursor)
    one = side.run(CONNECTIONS, SECONDS, rate)
    behind = storage.wait_counted(cursor, before + one.accepted, DRAIN_SECONDS)
    say(f"P4: {one.rate:,.0f} of {rate:,.0f} events a second, all stored {behind:.2f} s after the last")
    if said := load.trouble([one]):
        raise Failure(said)
    return one.rate if behind < BEHIND_SECONDS else 0.0


def largest_rate(side, cursor, whole):
    """Asks for more and more, until no more is reached or the workers fall behind."""
    best, rate = 0.0, SHARE * whole
    while (reached := reach(side, cursor, rate)) > 1.02 * best:
        best, rate = reached, rate * GROWTH
    return max(best, reached)


def measure(machine, crowd, faults):
    applicants = people.register_many(machine, APPLICANTS)
    analysis.give_history(machine, applicants)
    tokens = people.tokens_for(machine, applicants)
    path = ingestion.write_emotions(machine, crowd)
    nginx = machine.nginx()
    whole = ingestion.Side(nginx, path).run(CONNECTIONS, ingestion.SECONDS).rate
    machine.stop(nginx)

    server = machine.serve("all")
    loads = []
    side = ingestion.Side(server, path, loads)
    background = Applicants(server, list(zip(applicants, tokens)))
    with people.database(machine) as cursor:
        before = storage.counted(cursor)
        background.start()
        best = largest_rate(side, cursor, whole)
        background.end.set()
        background.join()
        most = sum(one.accepted + one.connections for one in loads)
        stored = storage.counted(cursor) - before
        if not sum(one.accepted for one in loads) <= stored <= most:
            faults.append(f"P4: {stored:,} events are counted, of at most {most:,} that were sent")
    machine.stop(server)
    faults += sorted(background.caller.faults)
    row = Row("P4", "P4", "the whole way, less than a second behind : nginx", "event/s", [best], [whole], at_least=0.25)
    row.notes["offers accepted meanwhile"] = background.accepted
    return [row]
