# SPDX-License-Identifier: Apache-2.0
"""Changing secrets as docs/operations.md describes: remove their files, make new ones, start again."""

from harness import people
from harness.waiting import poll

MODE = "testing"
CHANGED = ["secret_key", "internal_service_api_key", "nats_password", "redis_password"]
CHANGED += ["ecs_password", "ecs_user_credit_password", "ecs_emotion_worker_password"]
CHANGED += ["ecs_transaction_worker_password", "ecs_credit_worker_password", "ecs_reviewer_password"]


def stored(stack, person):
    rows = stack.database("SELECT count(*) FROM emotional_events WHERE user_id = %s", person.id)
    return rows[0][0]


def change_secrets(stack):
    for name in CHANGED:
        (stack.secrets / name).unlink()
    stack.make_secrets()
    stack.compose("up", "-d", "--no-build", "--force-recreate", timeout=300)
    stack.wait_healthy()


def test_changed_secrets_hold_and_old_ones_open_nothing(stack):
    person = people.Person(stack)
    assert person.feel().status_code == 202
    poll(lambda: stored(stack, person) == 1)
    old_key = stack.internal_key
    change_secrets(stack)

    assert person.analyse().status_code == 401
    old_sender = people.Api(stack.url, {"X-Internal-Key": old_key})
    assert old_sender.post("/v1/emotions/stream", json=people.emotion(person.id)).status_code == 401
    login = people.Api(stack.url).post("/v1/auth/login", json={"email": person.email, "password": people.PASSWORD})
    assert login.status_code == 200
    person.client = people.Api(stack.url, {"Authorization": f"Bearer {login.json()['access_token']}"})
    assert person.feel().status_code == 202
    assert person.pay(12.5).status_code == 202
    poll(lambda: stored(stack, person) == 2)
    answer = person.analyse()
    assert answer.status_code == 200
    assert person.accept(answer.json()["offer"]["offer_id"]).status_code == 202
    poll(lambda: person.offers().json()["items"][0]["status"] == "active")
