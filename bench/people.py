# SPDX-License-Identifier: Apache-2.0
"""People for the benchmark: written straight into the database, since hashing ten thousand passwords
would take longer than everything else; and tokens for them, made as the service makes its own."""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import random
import time
import urllib.request
import uuid

import psycopg2

TYPES = ("joy", "calm", "worry", "anger", "sadness", "interest")


@contextlib.contextmanager
def database(machine):
    """A cursor whose every statement is a transaction of its own."""
    connection = psycopg2.connect(machine.environment["DATABASE_URL"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def register_many(machine, count):
    """Registers people who consent to emotional data; returns their ids as text."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with database(machine) as cursor:
        users = "".join(f"{id}\tbench-{id}@example.com\t!\n" for id in ids)
        cursor.copy_expert("COPY users (id, email, password_hash) FROM STDIN", io.StringIO(users))
        consents = "".join(f"{id}\temotional_data\n" for id in ids)
        cursor.copy_expert("COPY consents (user_id, purpose) FROM STDIN", io.StringIO(consents))
        cursor.execute("ANALYZE users, consents")
    return ids


# ---- what people send

def metrics():
    return tuple(random.randrange(1001) / 1000 for _ in range(3))


def emotion_body(person):
    positivity, intensity, stress = metrics()
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    return (
        f'{{"userId":"{person}","timestamp":"{now}.{random.randrange(1000):03d}Z","emotionEvent":'
        f'{{"type":"{random.choice(TYPES)}","metrics":{{"positivity":{positivity},'
        f'"intensity":{intensity},"stress_level":{stress}}}}}}}'
    )


def transaction_body(person):
    return f'{{"userId":"{person}","amount":{random.randrange(1, 20000)}.{random.randrange(100):02d}}}'


# ---- tokens

def post(url, body, headers=None):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def decode(segment):
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def tokens_for(machine, ids):
    """A token for each id: the claims of one that the service issued, with another subject."""
    server = machine.serve("api-gateway-ecs", "user-and-credit-service", "credit-analysis-service")
    email, password = f"bench-{uuid.uuid4()}@example.com", uuid.uuid4().hex
    post(f"{server.url}/v1/auth/register", {"email": email, "password": password})
    token = post(f"{server.url}/v1/auth/login", {"email": email, "password": password})["access_token"]
    machine.stop(server)

    header, claims, _ = token.split(".")
    claims = decode(claims)
    secret = machine.environment["SECRET_KEY"].encode()
    tokens = []
    for id in ids:
        text = f"{header}.{encode(json.dumps(dict(claims, sub=id)).encode())}"
        tokens.append(f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}")
    return tokens
