# SPDX-License-Identifier: Apache-2.0
"""The commands of the binary."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import uuid
from decimal import Decimal
from types import SimpleNamespace

import pytest

from harness.engines import BINARY, PLAIN, ROOT
from harness.people import emotion, now
from harness.topology import SERVICES, run_command
from harness.waiting import free_port, poll

COMMANDS = ["serve", "migrate", "provision", "config", "healthcheck", "demo", "events", "dead-letters"]


@pytest.fixture(scope="module")
def env(engines):
    return dict(engines.env, API_GATEWAY_LISTEN=f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help(command):
    done = run_command({}, command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout or "usage" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [("help",), ("--help",)])
def test_help_lists_every_command(arguments):
    done = run_command({}, *arguments)
    assert done.returncode == 0
    assert [command for command in COMMANDS if command not in done.stdout] == []


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("--nothing",), ("serve", "nothing"), ("config", "--nothing")])  # fmt: skip
def test_a_wrong_call_says_what_to_do(arguments):
    done = run_command({}, *arguments)
    assert done.returncode != 0
    assert "help" in (done.stderr + done.stdout).lower()


def test_config_prints_every_setting_and_masks_secrets(env):
    done = run_command(env, "config")
    assert done.returncode == 0, done.stderr
    names = [
        line.split("SETTING(", 1)[1].split(",")[0]
        for line in (ROOT / "src" / "platform" / "settings.def").read_text().splitlines()
        if line.startswith("SETTING(")
    ]
    assert [name for name in names if name not in done.stdout] == []
    for name in ("SECRET_KEY", "INTERNAL_SERVICE_API_KEY"):
        assert env[name] not in done.stdout
    for name, value in env.items():
        if name.endswith("_URL") and "@" in value:
            assert value.split("@")[0].rsplit(":", 1)[1] not in done.stdout, name


def test_a_secret_can_come_from_a_file(env, tmp_path):
    file = tmp_path / "secret"
    file.write_text("s" * 40 + "\n")
    settings = {name: value for name, value in env.items() if name != "SECRET_KEY"}
    settings["SECRET_KEY_FILE"] = str(file)
    done = run_command(settings, "config")
    assert done.returncode == 0, done.stderr
    assert "s" * 40 not in done.stdout


@pytest.mark.parametrize(
    "name, value",
    [("SECRET_KEY", ""), ("SECRET_KEY", "too short"), ("SECRET_KEY", "x" * 31), ("INTERNAL_SERVICE_API_KEY", ""),
     ("DATABASE_URL", ""), ("NATS_URL", ""), ("NATS_URL", "http://"), ("REDIS_URL", "nonsense"), ("API_GATEWAY_LISTEN", "nowhere"),
     ("API_GATEWAY_LISTEN", "127.0.0.1:99999"), ("METRICS_LISTEN", "127.0.0.1"), ("STRESS_THRESHOLD", "1.5"),
     ("STRESS_THRESHOLD", "high"), ("WORKER_BATCH", "0"), ("WORKER_BATCH", "12x"), ("TOKEN_SECONDS", "7200"),
     ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("MODEL_PATH", "/nonexistent/model.json"),
     ("POLICY_PATH", "/nonexistent/policy.json"), ("SECRET_KEY_FILE", "/nonexistent")],
)  # fmt: skip
def test_a_bad_setting_stops_the_start_with_one_line_that_names_it(env, name, value):
    settings = dict(env, **{name: value})
    if name == "SECRET_KEY_FILE":
        del settings["SECRET_KEY"]
    if value == "" and name != "SECRET_KEY":
        del settings[name]
    done = run_command(settings, "serve", "all", timeout=20)
    assert done.returncode not in (0, None)
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, done.stderr
    assert name in said[0]
    assert value not in said[0] or name not in ("SECRET_KEY", "INTERNAL_SERVICE_API_KEY") or not value


@pytest.mark.parametrize("content", ["", "{", "{}", '{"learner": {}}', "\x00\x01"])
def test_a_broken_model_stops_the_start(env, tmp_path, content):
    file = tmp_path / "model.json"
    file.write_text(content)
    done = run_command(dict(env, MODEL_PATH=str(file)), "serve", "all", timeout=20)
    assert done.returncode != 0
    assert "model" in done.stderr.lower()


@pytest.mark.parametrize("change", [{"deny_above": 1.5}, {"base_limit": -1}, {"version": ""}, {"offer_days": 0}, {"base_rate": "x"}])  # fmt: skip
def test_a_policy_that_makes_no_sense_stops_the_start(env, tmp_path, change):
    policy = json.loads((ROOT / "config" / "policy.json").read_text())
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({**policy, **change}))
    done = run_command(dict(env, POLICY_PATH=str(file)), "serve", "all", timeout=20)
    assert done.returncode != 0
    assert next(iter(change)) in done.stderr


def test_a_port_that_is_taken_is_named(env):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = dict(env, API_GATEWAY_LISTEN=f"127.0.0.1:{port}")
        done = run_command(settings, "serve", "api-gateway-ecs", timeout=20)
    assert done.returncode != 0
    assert str(port) in done.stderr


def test_migrate_can_be_repeated_and_run_at_once(env):
    for _ in range(2):
        assert run_command(env, "migrate").returncode == 0
    running = [
        subprocess.Popen([str(BINARY), "migrate"], env=dict(PLAIN, **env), cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait(30) for process in running] == [0] * 4


@pytest.fixture
def empty(env, engines):
    """The settings with a database of its own, in which nothing is yet."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    engines.as_superuser(f"CREATE DATABASE {name} OWNER ecs")
    yield dict(env, DATABASE_URL=env["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}")
    engines.as_superuser(f"DROP DATABASE {name}")


def test_migrations_run_at_once_on_an_empty_database(empty):
    running = [
        subprocess.Popen([str(BINARY), "migrate"], env=dict(PLAIN, **empty), cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]  # fmt: skip
    assert [process.wait(60) for process in running] == [0] * 4


def migrate_to_before(number, env, folder):
    older = folder / "migrations"
    shutil.copytree(ROOT / "sql" / "migrations", older, ignore=lambda _, names: [n for n in names if n >= number])
    done = run_command(dict(env, MIGRATIONS_PATH=str(older)), "migrate")
    assert done.returncode == 0, done.stderr


def test_a_migration_says_of_older_consents_what_they_cover(empty, engines, tmp_path):
    """The first consent of a person covers all that is sent while it holds, a later one what is not older than it."""
    migrate_to_before("0007", empty, tmp_path)
    with contextlib.closing(engines.connect(empty["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "WITH person AS (INSERT INTO users (id, email, password_hash)"
            "                SELECT gen_random_uuid(), n || '@example.com', '' FROM generate_series(1, 2) n RETURNING *)"
            " INSERT INTO consents (user_id, purpose, granted_at, withdrawn_at)"
            " SELECT id, 'emotional_data', timestamptz '2026-01-01', timestamptz '2026-02-01' FROM person"
            " UNION ALL SELECT id, 'emotional_data', '2026-03-01', NULL FROM person WHERE email LIKE '2%'"
        )
        assert run_command(empty, "migrate").returncode == 0
        cursor.execute("SELECT granted_at::date::text, covers_from::date::text FROM consents ORDER BY 1")
        assert cursor.fetchall() == [("2026-01-01", "-infinity")] * 2 + [("2026-03-01", "2026-03-01")]


def test_a_migration_gives_older_emotions_their_days(empty, engines, tmp_path):
    migrate_to_before("0009", empty, tmp_path)
    with contextlib.closing(engines.connect(empty["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO emotional_events SELECT gen_random_uuid(), gen_random_uuid(), now() - make_interval(days => age),"
            " 'calm', age, 2, 3 FROM unnest(ARRAY[0, 1, 34, 50, 500]) AS age"
        )
        done = run_command(empty, "migrate")
        assert done.returncode == 0, done.stderr
        cursor.execute(
            "SELECT positivity_ppb, tableoid::regclass::text = 'emotional_events_' || to_char(occurred_at, 'YYYYMMDD'),"
            " (SELECT count(*) FROM emotional_event_ids i"
            "  WHERE (i.user_id, i.event_id, i.occurred_at) = (e.user_id, e.event_id, e.occurred_at))"
            " FROM emotional_events e ORDER BY 1"
        )
        assert cursor.fetchall() == [(age, age < 400, 1) for age in (0, 1, 34, 50, 500)]
        cursor.execute("SELECT removed FROM keep_days_of_emotions(35)")
        assert cursor.fetchall() == [(1,)], "of a day without a table; the others went with their days"
        cursor.execute("SELECT positivity_ppb FROM emotional_events ORDER BY 1")
        assert cursor.fetchall() == [(0,), (1,), (34,)]


def test_a_migration_that_was_applied_and_then_changed_is_named(env, tmp_path):
    assert run_command(env, "migrate").returncode == 0
    changed = tmp_path / "migrations"
    shutil.copytree(ROOT / "sql" / "migrations", changed)
    first = min(changed.iterdir())
    first.write_text(first.read_text() + "-- changed\n")
    done = run_command(dict(env, MIGRATIONS_PATH=str(changed)), "migrate")
    assert done.returncode == 1
    assert f"{first.name} has changed since it was applied" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_provision_makes_what_is_missing_and_changes_nothing(env, nats):
    assert run_command(env, "provision").returncode == 0
    before = {name: nats.stream(name)["config"] for name in ("emotions", "transactions", "credits", "notifications", "dead-letters")}  # fmt: skip
    for config in before.values():
        assert config["storage"] == "file"
        assert config["retention"] == "limits"
        assert config["discard"] == "new"
        assert config["max_age"] >= config["duplicate_window"] > 0
    done = run_command(dict(env, STREAM_MAX_AGE_HOURS="5"), "provision")
    assert "emotions" in done.stdout + done.stderr
    after = {name: nats.stream(name)["config"] for name in before}
    assert after == before
    [consumer] = nats.consumers("emotions")
    assert consumer["config"]["ack_policy"] == "explicit"
    # Pull consumers without what makes those of nats-server 2.9 stall.
    assert consumer["config"]["max_deliver"] == -1
    assert not {"deliver_subject", "filter_subject", "inactive_threshold"} & set(consumer["config"])


@pytest.fixture
def changed(nats):
    """changed(stream, settings): a stream as somebody else would have it, until the test ends."""
    before = {}

    def change(name, **settings):
        before[name] = nats.stream(name)["config"]
        nats.request(f"$JS.API.STREAM.UPDATE.{name}", dict(before[name], **settings))

    yield change
    for name, config in before.items():
        nats.request(f"$JS.API.STREAM.UPDATE.{name}", config)


@pytest.mark.parametrize("setting, value", [
    ("max_msgs", 10**9), ("max_msgs_per_subject", 10**9), ("max_msg_size", 10**6), ("max_age", 90 * 60 * 10**9),
    ("no_ack", True),
])  # fmt: skip
def test_provision_says_what_differs(env, changed, setting, value):
    same = run_command(env, "provision")
    assert same.returncode == 0 and setting not in same.stdout + same.stderr
    changed("notifications", **{setting: value})
    differs = run_command(env, "provision")
    [line] = [line for line in (differs.stdout + differs.stderr).splitlines() if setting in line]
    assert "notifications" in line


def test_events_tail_shows_what_passes(topology, person):
    tail = subprocess.Popen(
        [str(BINARY), "events", "tail", "user.emotions.topic"], env=dict(PLAIN, **topology.env), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        os.set_blocking(tail.stdout.fileno(), False)
        someone, seen = person(), b""

        def shown():
            nonlocal seen
            someone.feel(kind="curious")
            seen += tail.stdout.read() or b""
            return someone.id.encode() in seen

        poll(shown)
        tail.send_signal(signal.SIGINT)
        assert tail.wait(10) in (0, 130, -signal.SIGINT)
    finally:
        tail.kill()
        tail.communicate()


@pytest.fixture
def dead_letters(topology, nats):
    """Runs `ecs dead-letters`; there are none at first."""
    run = lambda *arguments: run_command(topology.env, "dead-letters", *arguments)  # noqa: E731
    poll(lambda: nats.backlog("emotions") + nats.backlog("transactions") == 0, what="the workers to have read all")
    assert run("purge", "--all").returncode == 0
    return run


def letters_in(nats):
    """The dead letters: {data: number}."""
    return {data.decode(): sequence for sequence, _, _, data in nats.stored("dead-letters")}


def make_account(db, person):
    db("INSERT INTO users (id, email, password_hash) VALUES (%s, %s, '!')", person, f"{person}@example.com")
    db(
        "INSERT INTO consents (user_id, purpose, granted_at) VALUES (%s, 'emotional_data', now() - interval '1 day')",
        person,
    )


def test_dead_letters_can_be_listed_shown_replayed_and_purged(dead_letters, sender, nats, db):
    nobody = str(uuid.uuid4())
    event_id = str(uuid.uuid4())
    assert sender.post("/v1/emotions/stream", json=emotion(nobody, event_id=event_id)).status_code == 202
    poll(lambda: any(nobody in data for data in letters_in(nats)))

    listed = dead_letters("list")
    assert listed.returncode == 0
    assert "unknown user" in listed.stdout
    [sequence] = letters_in(nats).values()
    shown = dead_letters("show", str(sequence))
    assert shown.returncode == 0
    assert nobody in shown.stdout

    make_account(db, nobody)
    replayed = dead_letters("replay", str(sequence))
    assert (replayed.returncode, replayed.stdout) == (0, "1 of 1 dead letters replayed\n")
    poll(lambda: db("SELECT 1 FROM emotional_events WHERE event_id = %s", event_id))
    assert letters_in(nats) == {}
    unknown = dead_letters("replay", "999999999")
    assert (unknown.returncode, unknown.stdout) == (1, "0 of 1 dead letters replayed\n")
    assert unknown.stderr == "ecs: there is no dead letter 999999999\n"


@pytest.fixture
def three_letters(dead_letters, nats):
    """Two of emotions and one of a payment; two of somebody unknown and one that is no event. `rows` is what
    `list` says of each."""
    nobody, ids = str(uuid.uuid4()), {name: str(uuid.uuid4()) for name in ("emotion", "payment")}
    events = {
        "emotion": ("user.emotions.topic", "unknown user", json.dumps(emotion(nobody, event_id=ids["emotion"]))),
        "no event": ("user.emotions.topic", "not JSON", f"nothing of {nobody}"),
        "payment": ("transactions.topic", "unknown user", json.dumps(
            {"eventId": ids["payment"], "userId": nobody, "amount": 12.5, "occurredAt": now()})),
    }  # fmt: skip
    found = SimpleNamespace(nobody=nobody, ids=ids, data={name: data for name, (_, _, data) in events.items()}, rows={})
    for number, (name, (subject, reason, data)) in enumerate(events.items(), 1):
        nats.publish(subject, data)
        poll(lambda: len(letters_in(nats)) == number, what=f"the letter of the {name}")
        found.rows[name] = [str(letters_in(nats)[data]), "1", subject, reason]
    return found


def rows_of(listed):
    """What `list` said: [[number, tries, subject, reason]], in its order; the time is only looked at."""
    assert (listed.returncode, listed.stderr) == (0, "")
    head, *lines = listed.stdout.splitlines()
    assert head.split() == ["number", "since", "tries", "subject", "reason"]
    rows = [line.split(maxsplit=4) for line in lines]
    assert [row[1] for row in rows if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[1])] == []
    return [[number, tries, subject, reason] for number, _, tries, subject, reason in rows]


@pytest.mark.parametrize(
    "filters, names",
    [([], ["emotion", "no event", "payment"]),
     (["--subject", "user.emotions.topic"], ["emotion", "no event"]),
     (["--subject", "transactions.topic"], ["payment"]),
     (["--reason", "unknown user"], ["emotion", "payment"]),
     (["--reason", "JSON"], ["no event"]),
     (["--subject", "user.emotions.topic", "--reason", "unknown"], ["emotion"])],
)  # fmt: skip
def test_dead_letters_are_listed_by_subject_and_reason(dead_letters, three_letters, filters, names):
    assert rows_of(dead_letters("list", *filters)) == [three_letters.rows[name] for name in names]
    rows = [json.loads(line) for line in dead_letters("list", "--json", *filters).stdout.splitlines()]
    said = [[str(row["number"]), str(row["tries"]), row["subject"], row["reason"], row["data"]] for row in rows]
    assert said == [[*three_letters.rows[name], three_letters.data[name]] for name in names]


@pytest.mark.parametrize(
    "filters",
    [["--subject", "user.emotions"], ["--reason", "json"], ["--subject", "transactions.topic", "--reason", "JSON"]],
    ids=["a part of the subject", "other capitals", "both, of no letter"],
)
def test_a_filter_that_no_letter_passes_lists_and_purges_none(dead_letters, three_letters, nats, filters):
    listed = dead_letters("list", *filters)
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "no dead letters\n", "")
    purged = dead_letters("purge", "--all", *filters)
    assert (purged.returncode, purged.stdout, purged.stderr) == (0, "0 of 0 dead letters purged\n", "")
    assert set(letters_in(nats)) == set(three_letters.data.values())


@pytest.mark.parametrize(
    "filters, purged, left",
    [(["--subject", "user.emotions.topic"], 2, ["payment"]), (["--reason", "unknown user"], 2, ["no event"]),
     (["--subject", "user.emotions.topic", "--reason", "not JSON"], 1, ["emotion", "payment"])],
    ids=["subject", "reason", "both"],
)  # fmt: skip
def test_a_purge_with_a_filter_leaves_the_other_letters(dead_letters, three_letters, filters, purged, left):
    done = dead_letters("purge", "--all", *filters)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{purged} of {purged} dead letters purged\n", "")
    assert rows_of(dead_letters("list")) == [three_letters.rows[name] for name in left]


def test_all_letters_that_name_a_person_are_purged(dead_letters, three_letters, nats):
    """Those of no event too, and in whatever capitals the id was written."""
    other = str(uuid.uuid4())
    nats.publish("transactions.topic", json.dumps({"userId": other}))
    poll(lambda: len(letters_in(nats)) == 4)
    done = dead_letters("purge", "--all", "--user", three_letters.nobody.upper())
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 of 3 dead letters purged\n", "")
    assert [other in data for data in letters_in(nats)] == [True]
    done = dead_letters("list", "--user", "ada")
    assert (done.returncode, done.stdout) == (64, "")
    assert "'ada' is not a person's id" in done.stderr


def test_a_purge_has_to_say_of_which_letters(dead_letters, three_letters, nats):
    for arguments in ([], ["--subject", "user.emotions.topic"], ["--reason", "unknown user"]):
        done = dead_letters("purge", *arguments)
        assert (done.returncode, done.stdout) == (64, ""), done.stderr
        assert "purge which? Give the numbers that list shows, or --all" in done.stderr
    number = three_letters.rows["emotion"][0]
    for arguments in (["purge", number, "--subject", "transactions.topic"], ["replay", "--reason", "JSON", number]):
        done = dead_letters(*arguments)
        assert (done.returncode, done.stdout) == (64, ""), done.stderr
        assert "--subject, --reason and --user go with list or --all, not with numbers" in done.stderr
    done = dead_letters("purge", "--all", number)
    assert (done.returncode, done.stdout) == (64, ""), done.stderr
    assert "--all goes with replay or purge, and without numbers" in done.stderr
    assert set(letters_in(nats)) == set(three_letters.data.values())

    done = dead_letters("purge", number)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 of 1 dead letters purged\n", "")
    assert rows_of(dead_letters("list")) == [three_letters.rows[name] for name in ("no event", "payment")]
    done = dead_letters("purge", "--all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 dead letters purged\n", "")
    assert letters_in(nats) == {}


def test_all_dead_letters_can_be_replayed_at_once(dead_letters, three_letters, nats, db):
    """What has become good is counted once; what never will is a dead letter again, under a new number."""
    make_account(db, three_letters.nobody)
    done = dead_letters("replay", "--all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 of 3 dead letters replayed\n", "")
    poll(lambda: db("SELECT event_id::text FROM emotional_events WHERE user_id = %s", three_letters.nobody)
         == [(three_letters.ids["emotion"],)])  # fmt: skip
    poll(lambda: db("SELECT id::text, amount FROM transactions WHERE user_id = %s", three_letters.nobody)
         == [(three_letters.ids["payment"], Decimal("12.5"))])  # fmt: skip
    [(data, number)] = poll(lambda: list(letters_in(nats).items()))
    assert data == three_letters.data["no event"]
    assert number > max(int(row[0]) for row in three_letters.rows.values())
    assert rows_of(dead_letters("list")) == [[str(number), "1", "user.emotions.topic", "not JSON"]]


def test_serve_names_only_known_services(env):
    done = run_command(env, "serve", "--help")
    assert [name for name in SERVICES if name not in done.stdout] == []


def test_the_demo_ends_with_all_its_events_counted(topology, db):
    before = {table: db(f"SELECT count(*) FROM {table}")[0][0] for table in ("transactions", "emotional_events")}
    help_text = run_command({}, "demo", "--help").stdout
    assert all(option in help_text for option in ("--rate", "--users", "--seconds"))
    env = dict(topology.env, API_URL=topology.url)
    done = run_command(env, "demo", "--users", "5", "--seconds", "4", "--rate", "40", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for table, count in before.items():
        assert db(f"SELECT count(*) FROM {table}")[0][0] > count


def test_a_second_server_on_the_same_port_says_so_and_ends(topology):
    listen = topology.env["API_GATEWAY_LISTEN"]
    done = run_command(dict(topology.env, METRICS_LISTEN=f"127.0.0.1:{free_port()}"), "serve", "api-gateway-ecs")
    assert done.returncode == 1
    assert f"cannot listen on {listen}: Address already in use" in done.stderr
    assert topology.is_ready(topology.url)
