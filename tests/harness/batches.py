# SPDX-License-Identifier: Apache-2.0
"""A client that sends batches of emotions, and records what it was told."""

import datetime
import json
import threading
import uuid

import requests

from harness.history import OK, UNKNOWN
from harness.people import emotion
from harness.waiting import poll

ONE = 10**9  # a metric of 1, in billionths


class BatchSender(threading.Thread):
    """Sends one batch after the other for its person to `url`, each until it is accepted."""

    def __init__(self, url, internal_key, history, person, lines):
        super().__init__()
        self.url, self.internal_key, self.history, self.person, self.lines = url, internal_key, history, person, lines
        self.sent, self.refused, self.stopping = 0, 0, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            key, at = str(uuid.uuid4()), datetime.datetime.now(datetime.timezone.utc)
            body = f"{json.dumps(emotion(self.person, at=at.isoformat()))}\n" * self.lines
            # The ids that the service makes of a person, a key and the number of a line.
            ids = [str(uuid.uuid5(uuid.UUID(self.person), f"{key}#{number}")) for number in range(1, self.lines + 1)]
            asked = (self.person, at.date(), ONE // 2, ONE // 2, ONE // 5)
            self._record(ids, asked, UNKNOWN)
            self._until_accepted(body, {"X-Internal-Key": self.internal_key, "Idempotency-Key": key,
                                        "Content-Type": "application/x-ndjson"})  # fmt: skip
            self._record(ids, asked, OK)
            self.sent += 1

    def _record(self, ids, asked, outcome):
        for identity in ids:
            self.history.record("emotions", identity, asked, outcome)

    def _until_accepted(self, body, headers):
        def accepted():
            answer = requests.post(self.url + "/v1/emotions/stream", data=body, headers=headers, timeout=15)
            if answer.status_code == 503:
                self.refused += 1
                assert int(answer.headers["Retry-After"]) >= 1
            assert answer.status_code in (202, 503), answer.text
            self.told = answer.text
            return answer.status_code == 202 and answer.json()["accepted"] == self.lines

        poll(accepted, 120, lambda: f"the batch to be accepted; last told: {self.told[:500]}")
