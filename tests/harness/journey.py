# SPDX-License-Identifier: Apache-2.0
"""Clients that live the whole journey, emotions, transactions, analyses and acceptances, and keep its
history: what they asked for and what they were told, whatever happens meanwhile."""

import datetime
import random
import threading
import time
import uuid
from decimal import Decimal

from harness.checker import check
from harness.history import History
from harness.nats import Nats
from harness.people import Api, emotion, people_in_database
from harness.tokens import for_person
from harness.waiting import poll

ONE = 10**9  # a metric of 1, in billionths
TRIES = 3  # of what was not answered; then a client gives up, as some do
PAUSE = 0.1  # seconds before it is tried again
PATIENCE = 10  # seconds for an answer
MIX = (6, 4, 2)  # how often a client feels, pays and borrows


class Journey:
    """Runs from `with` to its end; `history` is then complete."""

    def __init__(self, topology, db, pattern_token, seed, people=24, threads=6, mix=MIX):
        consenting = people_in_database(db, people - people // 4)
        others = people_in_database(db, people // 4, consent=False)
        self.history = History(consenting, others)
        self.topology, self.db, self.stopping = topology, db, threading.Event()
        everybody = consenting + others
        clients = [
            Client(topology, self.history, pattern_token, random.Random(f"{seed} {n}"), everybody[n::threads], mix)
            for n in range(threads)
        ]
        self.threads = [threading.Thread(target=client.live, args=(self.stopping,)) for client in clients]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def asked(self):
        """How many different things were asked for so far."""
        return len(self.history.outcomes)

    def wait_for(self, more, deadline=60):
        goal = self.asked() + more
        poll(lambda: self.asked() >= goal, deadline, f"{more} more things to be asked for")

    def check(self):
        """After its end: the backlog reaches zero, and the stores hold what clients were promised."""
        with Nats(self.topology.env["NATS_URL"]) as nats:
            check(self.history, self.db, nats)


class Client:
    """One thread, and the people it speaks for."""

    def __init__(self, topology, history, pattern_token, dice, people, mix):
        self.history, self.dice, self.people, self.mix = history, dice, people, mix
        self.backend = Api(topology.url, {"X-Internal-Key": topology.internal_key})
        self.apps = {
            person: Api(topology.url, {"Authorization": f"Bearer {for_person(topology.secret_key, person, pattern_token)}"})
            for person in people
        }  # fmt: skip

    def live(self, stopping):
        while not stopping.is_set():
            person = self.dice.choice(self.people)
            step = self.dice.choices([self.feel, self.pay, self.borrow], self.mix)[0]
            step(person)

    def feel(self, person):
        event_id = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=self.dice.randrange(5))
        values = [self.dice.randrange(0, 1001) for _ in range(3)]
        body = emotion(
            person, event_id=event_id, at=at.isoformat().replace("+00:00", "Z"),
            positivity=values[0] / 1000, intensity=values[1] / 1000, stress=values[2] / 1000,
        )  # fmt: skip
        asked = (person, at.date(), *(value * ONE // 1000 for value in values))
        self._ask("emotions", event_id, asked, lambda: self.backend.post("/v1/emotions/stream", json=body, timeout=PATIENCE))

    def pay(self, person):
        cents, key = self.dice.randrange(1, 500000), f"{self.dice.getrandbits(64):x}"
        body = {"userId": person, "amount": cents / 100}
        headers = {"Idempotency-Key": key}
        # The id that the service makes of a person and their key: known although no answer came.
        event_id = str(uuid.uuid5(uuid.UUID(person), key))
        self._ask(
            "transactions", event_id, (person, Decimal(cents).scaleb(-2)),
            lambda: self.apps[person].post("/v1/transactions", json=body, headers=headers, timeout=PATIENCE),
        )  # fmt: skip

    def borrow(self, person):
        app = self.apps[person]
        offer = None
        for _ in range(2):  # the second answer comes from the decision that was made, or the cache
            answer = self.history.count(lambda: app.post(f"/v1/users/{person}/credit-analysis", timeout=PATIENCE))
            if answer is not None and answer.status_code == 200:
                offer = answer.json()["offer"]
        if offer:
            path, body = f"/v1/credit-offers/{offer['offer_id']}/accept", {"userId": person}
            self._ask("acceptances", offer["offer_id"], person, lambda: app.post(path, json=body, timeout=PATIENCE))

    def _ask(self, kind, identity, asked, call):
        """Again while the answer is missing or 503; now and then once more although it was OK."""
        for _ in range(TRIES):
            answer = self.history.ask(kind, identity, asked, call)
            if answer is not None and answer.status_code != 503:
                break
            time.sleep(PAUSE)
        if self.dice.random() < 0.05:
            self.history.ask(kind, identity, asked, call)
