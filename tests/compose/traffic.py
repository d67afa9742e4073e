# SPDX-License-Identifier: Apache-2.0
"""People whose emotions and payments go through the load balancer all the time, from several threads.
Every answer is remembered, so that afterwards each event can be looked for."""

import threading
import time
import uuid

import requests

from harness import people
from harness.waiting import poll

PAUSE = 0.02  # seconds between a sender's requests: a steady load, not as much as possible


class Traffic:
    """As a context: runs within it. `failures` are answers that were not 2xx, or none at all."""

    def __init__(self, stack, senders=4):
        self.stack = stack
        # Several people a sender, so that none comes near the limit of one person.
        self.groups = [[people.Person(stack) for _ in range(4)] for _ in range(senders)]
        self.people = [person for group in self.groups for person in group]
        self.emotions, self.payments, self.failures = {}, {}, []
        self.requests = 0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(group,)) for group in self.groups]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, group):
        sender = people.Api(self.stack.url, {"X-Internal-Key": self.stack.internal_key})
        turn = 0
        while not self._end.is_set():
            turn += 1
            person = group[turn // 20 % len(group)]
            if turn % 3 == 0:
                self._pay(person)
            elif turn % 20 == 1:
                self._try("analysis", person.analyse, {200})
            else:
                self._feel(sender, person, with_id=turn % 2 == 0)
            time.sleep(PAUSE)

    def _feel(self, sender, person, with_id):
        event_id = str(uuid.uuid4()) if with_id else None
        body = people.emotion(person.id, event_id=event_id)
        answer = self._try("emotion", lambda: sender.post("/v1/emotions/stream", json=body), {202})
        if answer is not None:
            self.emotions[answer.json()["eventId"]] = person.id

    def _pay(self, person):
        answer = self._try("payment", lambda: person.pay(1.25), {202})
        if answer is not None:
            self.payments[answer.json()["eventId"]] = person.id

    def _try(self, what, call, good):
        self.requests += 1
        try:
            answer = call()
        except requests.RequestException as error:
            self.failures.append(f"{what}: {error!r}")
            return None
        if answer.status_code not in good:
            self.failures.append(f"{what}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer

    def wait_stored(self):
        """Waits until every acknowledged event is a row; each that is stored is then counted once."""

        def settled():
            emotions, payments, _ = self.stored()
            return set(emotions) >= set(self.emotions) and set(payments) >= set(self.payments)

        poll(settled, 60, "every acknowledged event to be stored")
        emotions, payments, counted = self.stored()
        assert counted == len(emotions)
        return emotions, payments

    def stored(self):
        """What PostgreSQL holds of these people: ids of emotions and payments, and the daily sums."""
        ids = [person.id for person in self.people]
        emotions = self.stack.database("SELECT event_id::text FROM emotional_events WHERE user_id = ANY(%s::uuid[])", ids)
        payments = self.stack.database("SELECT id::text FROM transactions WHERE user_id = ANY(%s::uuid[])", ids)
        sums = self.stack.database(
            "SELECT coalesce(sum(event_count), 0)::bigint FROM emotional_events_summary WHERE user_id = ANY(%s::uuid[])", ids
        )
        return [row[0] for row in emotions], [row[0] for row in payments], sums[0][0]
