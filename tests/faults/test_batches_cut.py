# SPDX-License-Identifier: Apache-2.0
"""Batches of events while the broker dies, and comes back, again and again: an accepted batch is whole,
and one that was repeated with its key is counted once."""

from harness.batches import BatchSender
from harness.checker import check
from harness.history import History
from harness.nats import Nats
from harness.people import people_in_database
from harness.waiting import poll

LINES = 2000


def test_a_batch_is_whole_or_not_claimed(topology, engines, db):
    people = people_in_database(db, 4)
    history = History(people)
    senders = [BatchSender(topology.url, topology.internal_key, history, person, LINES) for person in people]
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
