# SPDX-License-Identifier: Apache-2.0
"""What the stores hold of some people, read at one quiet moment; and the wait for that moment."""

import json
from dataclasses import dataclass, field

from harness.nats import NatsError
from harness.waiting import poll

QUIET_WITHIN = 30  # seconds for the backlog after a fault
STREAMS = ("emotions", "transactions", "credits")


@dataclass
class Stores:
    emotions: list = field(default_factory=list)  # (event id, person, day, positivity, intensity, stress)
    sums: dict = field(default_factory=dict)  # (person, day): (events, stress events, positivity, intensity, stress)
    transactions: list = field(default_factory=list)  # (event id, person, amount)
    offers: dict = field(default_factory=dict)  # offer id: Offer
    notifications: list = field(default_factory=list)  # (notification id, offer id)
    told: list = field(default_factory=list)  # (notification id, offer id), of the stream, repeats left out
    dead: list = field(default_factory=list)  # (person, reason)


@dataclass
class Offer:
    person: str
    status: str
    accepted_at: object = None
    activated_at: object = None


def backlog(db, nats):
    """How many rows no outbox has published, and how many messages no worker has finished. A stream
    whose consumer is missing waits as a whole.

    Read in the direction in which things move, so that what moves on meanwhile is met again."""
    accepted = db(
        "SELECT count(*) FROM credit_limits WHERE accepted_at IS NOT NULL AND acceptance_published_at IS NULL"
    )[0][0]
    unfinished = 0
    for stream in STREAMS:
        if not nats.consumers(stream):
            raise NatsError(f"{stream} has no consumer")
        unfinished += nats.backlog(stream)
    untold = db("SELECT count(*) FROM notifications WHERE published_at IS NULL")[0][0]
    return accepted + unfinished + untold


def wait_until_quiet(db, nats, within=QUIET_WITHIN):
    """After a fault: until nothing waits any more, in the streams or the outboxes."""

    def is_quiet():
        try:
            return backlog(db, nats) == 0
        except (NatsError, OSError):
            return False

    poll(is_quiet, within, "the backlog to reach zero")


def read_stores(db, nats, people):
    """Everything that is held of these people."""
    people = list(people)

    def rows(sql):
        return db(sql + " WHERE user_id = ANY(%s::uuid[])", people)

    stores = Stores()
    stores.emotions = rows(
        "SELECT event_id::text, user_id::text, (occurred_at AT TIME ZONE 'UTC')::date, positivity_ppb,"
        " intensity_ppb, stress_ppb FROM emotional_events"
    )
    stores.sums = {
        (person, day): tuple(sums)
        for person, day, *sums in rows(
            "SELECT user_id::text, summary_date, event_count, stress_event_count, positivity_sum_ppb,"
            " intensity_sum_ppb, stress_sum_ppb FROM emotional_events_summary"
        )
    }
    stores.transactions = rows("SELECT id::text, user_id::text, amount FROM transactions")
    stores.offers = {
        offer: Offer(*state)
        for offer, *state in rows(
            "SELECT id::text, user_id::text, status, accepted_at, activated_at FROM credit_limits"
        )
    }
    stores.notifications = rows("SELECT id::text, offer_id::text FROM notifications")
    stores.told = sorted({
        (message["notificationId"], message["offerId"])
        for message in stored_messages(nats, "notifications") if message["userId"] in people
    })  # fmt: skip
    stores.dead = [
        (person, headers)
        for _, _, headers, data in nats.stored("dead-letters")
        for person in people if person.encode() in data
    ]  # fmt: skip
    return stores


def stored_messages(nats, stream):
    return [json.loads(data) for _, _, _, data in nats.stored(stream)]
