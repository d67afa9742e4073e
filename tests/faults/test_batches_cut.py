# SPDX-License-Identifier: Apache-2.0
"""Batches of events while the broker dies, and comes back, again and again: an accepted batch is whole,
and one that was repeated with its key is counted once."""

import json
import threading
import uuid

import requests

from harness.people import emotion, people_in_database
from harness.waiting import poll

LINES = 2000


class Sender(threading.Thread):
    """Sends one batch after the other for its person, each until it is accepted."""

    def __init__(self, topology, person_id):
        super().__init__()
        self.topology, self.person_id = topology, person_id
        self.sent, self.refused, self.stopping = 0, 0, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            body = "".join(json.dumps(emotion(self.person_id)) + "\n" for _ in range(LINES))
            self._until_accepted(body, {"X-Internal-Key": self.topology.internal_key, "Idempotency-Key": str(uuid.uuid4()),
                                        "Content-Type": "application/x-ndjson"})  # fmt: skip
            self.sent += 1

    def _until_accepted(self, body, headers):
        def accepted():
            answer = requests.post(self.topology.url + "/v1/emotions/stream", data=body, headers=headers, timeout=15)
            self.refused += answer.status_code == 503
            assert answer.status_code in (202, 503), answer.text
            return answer.status_code == 202 and answer.json()["accepted"] == LINES

        poll(accepted, 60, "the batch to be accepted")


def test_a_batch_is_whole_or_not_claimed(topology, engines, db):
    senders = [Sender(topology, person_id) for person_id in people_in_database(db, 4)]
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

    def counted(person_id):
        return db("SELECT coalesce(sum(event_count), 0)::int FROM emotional_events_summary WHERE user_id = %s", person_id)[0][0]

    for sender in senders:
        poll(lambda: counted(sender.person_id) >= sender.sent * LINES, 60, "every batch to be stored")
        rows = db("SELECT count(*) FROM emotional_events WHERE user_id = %s", sender.person_id)[0][0]
        assert rows == counted(sender.person_id) == sender.sent * LINES
