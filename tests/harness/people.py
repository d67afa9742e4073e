# SPDX-License-Identifier: Apache-2.0
"""HTTP clients: of nobody, and of one person with a token."""

import datetime
import itertools
import random
import uuid

import requests

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)
_run = uuid.uuid4().hex[:8]


def now(**offset):
    """The present instant, moved by days=, minutes=, ...; as RFC 3339 text."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**offset)
    return at.isoformat().replace("+00:00", "Z")


def new_email():
    return f"person-{next(_numbers)}-{_run}@example.com"


class Api:
    """Calls below one base URL; keeps its connection."""

    watch = None  # sees every answer: method, path, answer

    def __init__(self, url, headers=None):
        self.url = url
        self.session = requests.Session()
        self.session.headers.update(headers or {})

    def call(self, method, path, **options):
        answer = self.session.request(method, self.url + path, timeout=options.pop("timeout", 20), **options)
        if self.watch:
            self.watch(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, **options):
        return self.call("POST", path, **options)

    def put(self, path, **options):
        return self.call("PUT", path, **options)

    def delete(self, path, **options):
        return self.call("DELETE", path, **options)


def emotion(user_id, event_id=None, at=None, positivity=0.5, intensity=0.5, stress=0.2, kind="joy"):
    """The body of an emotion event."""
    body = {
        "userId": user_id,
        "timestamp": at or now(),
        "emotionEvent": {
            "type": kind,
            "metrics": {"positivity": positivity, "intensity": intensity, "stress_level": stress},
        },
    }
    if event_id:
        body["eventId"] = event_id
    return body


class Person:
    """Somebody who registered and logged in."""

    def __init__(self, topology, consent=True, email=None):
        self.topology = topology
        self.email = email or new_email()
        anybody = Api(topology.url)
        answer = anybody.post(
            "/v1/auth/register",
            json={"email": self.email, "password": PASSWORD, "consents": {"emotional_data": consent}},
        )
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]
        answer = anybody.post("/v1/auth/login", json={"email": self.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        self.client = Api(topology.url, {"Authorization": f"Bearer {self.token}"})

    def feel(self, **event):
        """Sends one emotion as the app's backend does; answers the response."""
        return Api(self.topology.url, {"X-Internal-Key": self.topology.internal_key}).post(
            "/v1/emotions/stream", json=emotion(self.id, **event)
        )

    def pay(self, amount, key=None, **members):
        headers = {"Idempotency-Key": key} if key else {}
        body = {"userId": self.id, "amount": amount, **members}
        return self.client.post("/v1/transactions", json=body, headers=headers)

    def analyse(self):
        return self.client.post(f"/v1/users/{self.id}/credit-analysis")

    def accept(self, offer_id):
        return self.client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": self.id})

    def offers(self, **query):
        return self.client.get(f"/v1/users/{self.id}/offers", params=query)


def people_in_database(db, count, consent=True):
    """Ids of people put straight into the database: for loads, without hashing passwords."""
    ids = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(count)]
    for person in ids:
        db("INSERT INTO users (id, email, password_hash) VALUES (%s, %s, '!')", person, new_email())
        if consent:
            db(
                "INSERT INTO consents (user_id, purpose, granted_at)"
                " VALUES (%s, 'emotional_data', now() - interval '60 days')",
                person,
            )
    return ids
