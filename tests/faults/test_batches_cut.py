# SPDX-License-Identifier: Apache-2.0
"""Batches of events while the broker dies, and comes back, again and again: an accepted batch is whole,
and one that was repeated with its key is counted once."""

import datetime
import json
import threading
import uuid

import requests

from harness.checker import check
from harness.history import OK, UNKNOWN, History
from harness.nats import Nats
from harness.people import emotion, people_in_database
from harness.waiting import poll

LINES = 2000
ONE = 10**9  # a metric of 1, in billionths


class Sender(threading.Thread):
    """Sends one batch after the other for its person, each until it is accepted."""

    def __init__(self, topology, history, person):
        super().__init__()
        self.topology, self.history, self.person = topology, history, person
        self.sent, self.refused, self.stopping = 0, 0, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            key, at = str(uuid.uuid4()), datetime.datetime.now(datetime.timezone.utc)
            body = f"{json.dumps(emotion(self.person, at=at.isoformat()))}\n" * LINES
            # The ids that the service makes of a person, a key and the number of a line.
            ids = [str(uuid.uuid5(uuid.UUID(self.person), f"{key}#{number}")) for number in range(1, LINES + 1)]
            asked = (self.person, at.date(), ONE // 2, ONE // 2, ONE // 5)
            self._record(ids, asked, UNKNOWN)
            self._until_accepted(body, {"X-Internal-Key": self.topology.internal_key, "Idempotency-Key": key,
                                        "Content-Type": "application/x-ndjson"})  # fmt: skip
            self._record(ids, asked, OK)
            self.sent += 1

    def _record(self, ids, asked, outcome):
        for identity in ids:
            self.history.record("emotions", identity, asked, outcome)

    def _until_accepted(self, body, headers):
        def accepted():
            answer = requests.post(self.topology.url + "/v1/emotions/stream", data=body, headers=headers, timeout=15)
            self.refused += answer.status_code == 503
            assert answer.status_code in (202, 503), answer.text
            return answer.status_code == 202 and answer.json()["accepted"] == LINES

        poll(accepted, 60, "the batch to be accepted")


def test_a_batch_is_whole_or_not_claimed(topology, engines, db):
    people = people_in_database(db, 4)
    history = History(people)
    senders = [Sender(topology, history, person) for person in people]
    for sender in senders:
        sender.start()
    for _ in range(3):
        goal = sum(sender.sent for sender in senders) + 6
        poll(lambda: sum(sender.sent for sender in senders) >= goal, 60, "batches to be accepted")
        engines.kill("nats")
        engines.up()
    topology.wait_ready()
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(90)
    assert sum(sender.refused for sender in senders) > 0
    assert len(history.promised("emotions")) == sum(sender.sent for sender in senders) * LINES
    with Nats(engines.env["NATS_URL"]) as nats:
        check(history, db, nats)
