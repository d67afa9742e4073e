# SPDX-License-Identifier: Apache-2.0
"""The backup and the restore that docs/operations.md describes, made under load, with all volumes lost
in between."""

from harness import people
from harness.waiting import poll
from traffic import Traffic

MODE = "testing"


def shell(stack, command):
    return stack.run("bash", "-euo", "pipefail", "-c", command)


def test_a_backup_brings_back_what_was_acknowledged_before_it(stack):
    dump, broker = stack.folder / "ecs.dump", stack.folder / "nats.tar"
    with Traffic(stack) as traffic:
        poll(lambda: traffic.requests >= 100, 60, "100 requests")
        shell(stack, "docker-compose stop nats")
        shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -c . >{broker}")
    assert [failure for failure in traffic.failures if ": 503 " not in failure] == []
    shell(stack, f"docker-compose exec -T postgres pg_dump -U postgres -Fc ecs >{dump}")

    stack.compose("down", "-v")
    shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -x <{broker}")
    shell(stack, "docker-compose up -d --no-build migrate")
    shell(stack, "docker-compose run --rm --no-deps migrate")
    shell(stack, f"docker-compose exec -T postgres pg_restore -U postgres -d ecs --clean --if-exists <{dump}")
    stack.up()

    traffic.wait_stored()
    person = traffic.people[0]
    again = people.Api(stack.url).post("/v1/auth/login", json={"email": person.email, "password": people.PASSWORD})
    assert again.status_code == 200
