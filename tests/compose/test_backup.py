# SPDX-License-Identifier: Apache-2.0
"""The backup and the restore that docs/operations.md describes, made under load, with all volumes lost
in between."""

from harness import people
from harness.waiting import poll
from traffic import Traffic

MODE = "testing"


def shell(stack, command):
    return stack.run("bash", "-euo", "pipefail", "-c", command)


def restore(stack, dump, broker):
    stack.compose("down", "-v")
    shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -x <{broker}")
    shell(stack, "docker-compose up -d --no-build migrate")
    shell(stack, "docker-compose run --rm --no-deps migrate")
    shell(stack, f"docker-compose exec -T postgres pg_restore -U postgres -d postgres --clean --if-exists --create <{dump}")
    shell(stack, "docker-compose run --rm --no-deps migrate")


def log_in(stack, person):
    return people.Api(stack.url).post("/v1/auth/login", json={"email": person.email, "password": people.PASSWORD})


def test_a_backup_brings_back_what_was_acknowledged_before_it(stack):
    dump, broker = stack.folder / "ecs.dump", stack.folder / "nats.tar"
    with Traffic(stack) as traffic:
        poll(lambda: traffic.requests >= 100, 60, "100 requests")
        shell(stack, "docker-compose stop nats")
        shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -c . >{broker}")
    assert [failure for failure in traffic.failures if ": 503 " not in failure] == []
    shell(stack, f"docker-compose exec -T postgres pg_dump -U postgres -Fc ecs >{dump}")

    restore(stack, dump, broker)
    stack.up()

    traffic.wait_stored()
    assert log_in(stack, traffic.people[0]).status_code == 200


def test_who_was_erased_after_the_backup_does_not_come_back_with_it(stack):
    dump, broker, erasures = (stack.folder / name for name in ("ecs.dump", "nats.tar", "erasures.txt"))
    psql = "docker-compose exec -T postgres psql -U postgres -d ecs"
    gone, stays = people.Person(stack), people.Person(stack)
    shell(stack, "docker-compose stop nats")
    shell(stack, f"docker-compose run --rm --no-deps -T --entrypoint tar nats -C /data -c . >{broker}")
    shell(stack, f"docker-compose exec -T postgres pg_dump -U postgres -Fc ecs >{dump}")
    shell(stack, "docker-compose start nats")
    assert gone.client.delete(f"/v1/users/{gone.id}").status_code == 202
    shell(stack, f"{psql} -c '\\copy erasures TO pstdout' >{erasures}")
    restore(stack, dump, broker)
    shell(stack, f"deploy/compose/erase-again.sh <{erasures}")
    stack.up()
    assert log_in(stack, gone).status_code == 401
    assert log_in(stack, stays).status_code == 200
