# SPDX-License-Identifier: Apache-2.0
"""What clients asked for and what they were told: the record that the stores are held against.

An outcome is OK (a 2xx), FAILED (refused with another code) or UNKNOWN (no answer came). Of a thing
that was asked for several times, the best answer counts."""

import threading
from collections import Counter

import requests

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


class History:
    """Grows from any thread. `emotions`, `transactions` and `acceptances` map an id to what was asked."""

    def __init__(self, people=(), without_consent=()):
        self.people = set(people) | set(without_consent)
        self.without_consent = set(without_consent)
        self.emotions = {}  # event id: (person, day, positivity, intensity, stress), in billionths
        self.transactions = {}  # event id: (person, amount)
        self.acceptances = {}  # offer id: person
        self.outcomes = {}  # id: outcome
        self.codes = Counter()
        self.without_retry_after = 0  # of the answers 503
        self.lock = threading.Lock()

    def record(self, kind, identity, asked, outcome):
        """`kind` is one of the three names above; what is repeated must be asked alike."""
        with self.lock:
            before = getattr(self, kind).setdefault(identity, asked)
            assert before == asked, f"two different {kind} under the id {identity}"
            if outcome == OK or identity not in self.outcomes:
                self.outcomes[identity] = outcome

    def count(self, call):
        """Calls call(), counts how it ended, and answers the response, or None when none came."""
        try:
            answer = call()
        except requests.RequestException:
            answer = None
        with self.lock:
            self.codes["no answer" if answer is None else answer.status_code] += 1
            if answer is not None and answer.status_code == 503 and not answer.headers.get("Retry-After", "").isdigit():
                self.without_retry_after += 1
        return answer

    def ask(self, kind, identity, asked, call):
        """The same for what the stores are held against: records it too."""
        answer = self.count(call)
        outcome = UNKNOWN if answer is None else OK if answer.ok else FAILED
        self.record(kind, identity, asked, outcome)
        return answer

    def promised(self, kind):
        """The ids that were answered OK."""
        return {identity for identity in getattr(self, kind) if self.outcomes[identity] == OK}
