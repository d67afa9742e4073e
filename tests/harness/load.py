# SPDX-License-Identifier: Apache-2.0
"""A steady load of emotions and transactions, and the history of what its clients were told.

Every event is sent until it is answered 202, with the same id each time, as a client does that
keeps what was not acknowledged; some are sent again although they were."""

import datetime
import random
import threading
import time
import uuid
from collections import Counter
from decimal import Decimal

import requests

from harness import tokens
from harness.checker import check
from harness.history import History
from harness.nats import Nats
from harness.people import emotion, people_in_database
from harness.waiting import INTERVAL, poll

ONE = 10**9  # a metric of 1, in billionths
PATIENCE = 90  # seconds for an event to be acknowledged


class Load:
    """Runs from `with` to its end; `check` holds what is stored against its history."""

    def __init__(self, topology, db, pattern_token, people=20, threads=6, kinds=("emotion", "transaction"), patience=PATIENCE):
        self.topology, self.db, self.patience = topology, db, patience
        self.people = people_in_database(db, people)
        self.history = History(self.people)
        self.tokens = {
            person: tokens.for_person(topology.secret_key, person, pattern_token) for person in self.people
        }
        self.kinds = kinds
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.told = Counter()  # of each kind: how many events were acknowledged
        self.slowest = 0.0
        self.given_up = []
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets every event that was begun be acknowledged, then ends."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    @property
    def codes(self):
        """How often each status was answered, and "no answer"."""
        return self.history.codes

    def acknowledged(self, kind=None):
        with self.lock:
            return self.told[kind] if kind else self.told.total()

    def wait_for(self, more, deadline=60):
        """Until that many further events were acknowledged."""
        goal = self.acknowledged() + more
        poll(lambda: self.acknowledged() >= goal, deadline, f"{more} more events")

    def check(self):
        """Each event was acknowledged in the end, refusals said when to come again, the backlog reaches
        zero, and the stores hold what was promised."""
        assert self.given_up == []
        assert set(self.codes) <= {202, 503, "no answer"}, self.codes
        assert self.history.without_retry_after == 0
        with Nats(self.topology.env["NATS_URL"].split(",")[0]) as nats:
            check(self.history, self.db, nats)

    # ---- sending

    def _run(self, number):
        dice = random.Random(number)
        session = requests.Session()
        while not self.stopping.is_set():
            person = dice.choice(self.people)
            if dice.choice(self.kinds) == "emotion":
                self._send_emotion(session, dice, person)
            else:
                self._send_transaction(session, dice, person)

    def _send_emotion(self, session, dice, person):
        event_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=dice.randrange(5))
        values = [dice.randrange(0, 1001) for _ in range(3)]
        body = emotion(
            person, event_id=event_id, at=at.isoformat().replace("+00:00", "Z"),
            positivity=values[0] / 1000, intensity=values[1] / 1000, stress=values[2] / 1000,
        )  # fmt: skip
        asked = (person, at.date(), *(value * ONE // 1000 for value in values))
        headers = {"X-Internal-Key": self.topology.internal_key}

        def send():
            return self._send(session, "/v1/emotions/stream", body, headers)

        acknowledged = self._until_acknowledged("emotions", event_id, asked, send)
        if acknowledged and dice.random() < 0.05:
            self.history.ask("emotions", event_id, asked, send)

    def _send_transaction(self, session, dice, person):
        cents, key = dice.randrange(1, 500000), f"{dice.getrandbits(64):x}"
        body = {"userId": person, "amount": cents / 100}
        headers = {"Authorization": f"Bearer {self.tokens[person]}", "Idempotency-Key": key}
        # The id that the service makes of a person and their key: known although no answer came.
        event_id = str(uuid.uuid5(uuid.UUID(person), key))
        self._until_acknowledged(
            "transactions", event_id, (person, Decimal(cents).scaleb(-2)),
            lambda: self._send(session, "/v1/transactions", body, headers),
        )  # fmt: skip

    def _until_acknowledged(self, kind, identity, asked, send):
        """False for an event that was given up, or acknowledged under another id."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            answer = self.history.ask(kind, identity, asked, send)
            if answer is not None and answer.status_code == 202 and answer.json()["eventId"] == identity:
                with self.lock:
                    self.told[kind] += 1
                return True
            if answer is not None and answer.status_code != 503:
                break
            time.sleep(INTERVAL)
        with self.lock:
            self.given_up.append((kind, identity, asked, answer is not None and answer.text))
        return False

    def _send(self, session, path, body, headers):
        started = time.monotonic()
        answer = session.post(self.topology.url + path, json=body, headers=headers, timeout=30)
        with self.lock:
            self.slowest = max(self.slowest, time.monotonic() - started)
        return answer
