# SPDX-License-Identifier: Apache-2.0
"""A steady load of emotions and transactions, and the independent sum that the tables must show.

Every event is sent until it is answered 202, with the same id each time, as a client does that
keeps what was not acknowledged; some are sent again although they were."""

import datetime
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from decimal import Decimal

import requests

from harness import tokens
from harness.people import emotion, people_in_database
from harness.waiting import INTERVAL, poll

ONE = 10**9  # a metric of 1, in billionths


class Load:
    """Runs from `with` to its end; `check` compares what was acknowledged with what is stored."""

    def __init__(self, topology, db, pattern_token, people=20, threads=6, kinds=("emotion", "transaction")):
        self.topology, self.db = topology, db
        self.people = people_in_database(db, people)
        self.tokens = {
            person: tokens.for_person(topology.secret_key, person, pattern_token) for person in self.people
        }
        self.kinds = kinds
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.codes = Counter()
        self.slowest = 0.0
        self.without_retry_after = 0
        self.emotions = {}  # event id: (person, day, positivity, intensity, stress)
        self.transactions = {}  # event id: (person, amount)
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

    def acknowledged(self):
        with self.lock:
            return len(self.emotions) + len(self.transactions)

    def wait_for(self, more, deadline=60):
        """Until that many further events were acknowledged."""
        goal = self.acknowledged() + more
        poll(lambda: self.acknowledged() >= goal, deadline, f"{more} more events")

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
        headers = {"X-Internal-Key": self.topology.internal_key}
        answer = self._until_acknowledged(session, "/v1/emotions/stream", body, headers)
        if answer is not None:
            assert answer["eventId"] == event_id
            with self.lock:
                self.emotions[event_id] = (person, at.date(), *(v * ONE // 1000 for v in values))
            if dice.random() < 0.05:
                self._send(session, "/v1/emotions/stream", body, headers)

    def _send_transaction(self, session, dice, person):
        cents = dice.randrange(1, 500000)
        key = f"{dice.getrandbits(64):x}"
        body = {"userId": person, "amount": cents / 100}
        headers = {"Authorization": f"Bearer {self.tokens[person]}", "Idempotency-Key": key}
        answer = self._until_acknowledged(session, "/v1/transactions", body, headers)
        if answer is not None:
            with self.lock:
                self.transactions[answer["eventId"]] = (person, Decimal(cents).scaleb(-2))

    def _until_acknowledged(self, session, path, body, headers, deadline=90):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            answer = self._send(session, path, body, headers)
            if answer is not None and answer.status_code == 202:
                return answer.json()
            if answer is not None and answer.status_code != 503:
                break
            time.sleep(INTERVAL)
        with self.lock:
            self.given_up.append((path, body, answer is not None and answer.text))
        return None

    def _send(self, session, path, body, headers):
        """The answer, or None when the connection broke."""
        started = time.monotonic()
        try:
            answer = session.post(self.topology.url + path, json=body, headers=headers, timeout=30)
        except requests.RequestException:
            with self.lock:
                self.codes["no answer"] += 1
            return None
        with self.lock:
            self.codes[answer.status_code] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
            if answer.status_code == 503 and not answer.headers.get("Retry-After", "").isdigit():
                self.without_retry_after += 1
        return answer

    # ---- comparing

    def check(self, deadline=60):
        """Everything acknowledged is stored once, nothing else is, and the daily sums are exact."""
        assert self.given_up == []
        assert set(self.codes) <= {202, 503, "no answer"}, self.codes
        assert self.without_retry_after == 0
        poll(lambda: self._stored_transactions() == self.transactions, deadline, self.difference)
        poll(lambda: self._stored_emotions() == set(self.emotions), deadline, self.difference)
        assert self._stored_sums() == self._own_sums()

    def difference(self):
        """What is missing and what is too much; for the message of a failure."""
        emotions, transactions = self._stored_emotions(), self._stored_transactions()
        return (
            f"emotions: {len(set(self.emotions) - emotions)} lost, {len(emotions - set(self.emotions))} "
            f"too many of {len(self.emotions)}; transactions: "
            f"{len(set(self.transactions) - set(transactions))} lost, "
            f"{len(set(transactions) - set(self.transactions))} too many of {len(self.transactions)}"
        )

    def _stored_transactions(self):
        rows = self.db(
            "SELECT id::text, user_id::text, amount FROM transactions WHERE user_id = ANY(%s::uuid[])",
            self.people,
        )
        return {event_id: (person, amount) for event_id, person, amount in rows}

    def _stored_emotions(self):
        rows = self.db(
            "SELECT event_id::text FROM emotional_events WHERE user_id = ANY(%s::uuid[])", self.people
        )
        return {event_id for (event_id,) in rows}

    def _stored_sums(self):
        rows = self.db(
            "SELECT user_id::text, summary_date, event_count, stress_event_count, positivity_sum_ppb,"
            " intensity_sum_ppb, stress_sum_ppb FROM emotional_events_summary"
            " WHERE user_id = ANY(%s::uuid[])", self.people,
        )  # fmt: skip
        return {(person, day): tuple(sums) for person, day, *sums in rows}

    def _own_sums(self):
        sums = defaultdict(lambda: [0, 0, 0, 0, 0])
        for person, day, positivity, intensity, stress in self.emotions.values():
            total = sums[person, day]
            for place, value in enumerate((1, stress >= ONE * 7 // 10, positivity, intensity, stress)):
                total[place] += value
        return {key: tuple(total) for key, total in sums.items()}
