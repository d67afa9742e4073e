# SPDX-License-Identifier: Apache-2.0
"""The backup and the restore that docs/operations.md describes, with all volumes lost in between."""

from harness import people
from harness.waiting import poll

MODE = "testing"


def shell(stack, command):
    return stack.run("bash", "-euo", "pipefail", "-c", command)


def test_a_backup_brings_back_what_the_volumes_held(stack):
    person = people.Person(stack)
    events = {person.feel().json()["eventId"] for _ in range(5)}

    def stored():
        rows = stack.database("SELECT event_id::text FROM emotional_events WHERE user_id = %s", person.id)
        return {row[0] for row in rows}

    poll(lambda: stored() == events, 30, "the events to be stored")
    dump, broker = stack.folder / "ecs.dump", stack.folder / "nats.tar"
    shell(stack, f"docker-compose exec -T postgres pg_dump -U postgres -Fc ecs >{dump}")
    shell(stack, "docker-compose stop nats")
    shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -c . >{broker}")

    stack.compose("down", "-v")
    shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -x <{broker}")
    stack.up()
    assert stored() == set()
    shell(stack, f"docker-compose exec -T postgres pg_restore -U postgres -d ecs --clean --if-exists <{dump}")

    poll(lambda: stored() == events, 30, "the events to be back")
    counted = stack.database("SELECT sum(event_count)::int FROM emotional_events_summary WHERE user_id = %s", person.id)
    assert counted == [(5,)]
    again = people.Api(stack.url).post("/v1/auth/login", json={"email": person.email, "password": people.PASSWORD})
    assert again.status_code == 200
