# SPDX-License-Identifier: Apache-2.0
"""TLS to PostgreSQL and to the broker under a private authority, and one user of the broker for each
service: deploy/nats/permissions.conf as it is shipped."""

import json
import os
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from harness.authority import Authority
from harness.broker import Broker
from harness.engines import ROOT
from harness.nats import Nats, NatsError
from harness.people import Api, Person, emotion
from harness.topology import Topology, run_command
from harness.waiting import free_port, poll

# The user of each service, as its setting and its password's variable begin.
USERS = {
    "emotion-ingestion-service": "EMOTION_SERVICE",
    "transaction-service": "TRANSACTION_SERVICE",
    "user-and-credit-service": "USER_CREDIT",
    "emotion-processing-worker": "EMOTION_WORKER",
    "transaction-processing-worker": "TRANSACTION_WORKER",
    "credit-application-worker": "CREDIT_WORKER",
}

SUBJECTS = {
    "user.emotions.topic": "emotion-ingestion-service",
    "transactions.topic": "transaction-service",
    "credit.offers.approved": "user-and-credit-service",
    "user.notifications": "credit-application-worker",
    "dead.user.emotions.topic": "emotion-processing-worker",
    "dead.transactions.topic": "transaction-processing-worker",
    "dead.credit.offers.approved": "credit-application-worker",
    "used-keys.user.emotions.topic": "emotion-ingestion-service",
    "used-keys.transactions.topic": "transaction-service",
}

# What a service hears beside its inbox: of replicas of its own.
HEARD = {subject: owner for subject, owner in SUBJECTS.items() if subject.startswith("used-keys.")}

READERS = {
    "emotions": "emotion-processing-worker",
    "transactions": "transaction-processing-worker",
    "credits": "credit-application-worker",
}


@pytest.fixture(scope="module")
def authorities(engines):
    """One that is trusted and one that is not."""
    folder = engines.folder / "authorities"
    folder.mkdir()
    yield SimpleNamespace(ours=Authority(folder, "ours"), other=Authority(folder, "other"))
    shutil.rmtree(folder)


# ---- PostgreSQL


@pytest.fixture(scope="module")
def database_tls(engines, authorities):
    """PostgreSQL with a certificate for `localhost`; answers a URL with the parameters given."""
    certificate, key = authorities.ours.issue("postgres", "DNS:localhost")
    if os.geteuid() == 0:
        shutil.chown(key, "postgres")
    authorities.ours.folder.chmod(0o711)
    engines.as_superuser(f"ALTER SYSTEM SET ssl_cert_file = '{certificate}'")
    engines.as_superuser(f"ALTER SYSTEM SET ssl_key_file = '{key}'")
    engines.as_superuser("ALTER SYSTEM SET ssl = on")
    engines.as_superuser("SELECT pg_reload_conf()")

    def url(setting, host="localhost", ca=authorities.ours.ca):
        credentials, _, address = engines.env[setting].partition("@")
        port = address.partition("/")[0].rpartition(":")[2]
        return f"{credentials}@{host}:{port}/ecs?sslmode=verify-full&sslrootcert={ca}"

    yield url
    for name in ("ssl", "ssl_cert_file", "ssl_key_file"):
        engines.as_superuser(f"ALTER SYSTEM RESET {name}")
    engines.as_superuser("SELECT pg_reload_conf()")


def migrate(engines, url):
    return run_command(dict(engines.env, DATABASE_URL=url), "migrate")


def test_the_database_is_reached_with_the_right_authority(engines, database_tls):
    done = poll(lambda: migrate(engines, database_tls("DATABASE_URL")).returncode == 0, 10)
    assert done


def test_a_database_of_another_authority_is_refused(engines, database_tls, authorities):
    done = migrate(engines, database_tls("DATABASE_URL", ca=authorities.other.ca))
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr


def test_a_database_under_another_name_is_refused(engines, database_tls):
    done = migrate(engines, database_tls("DATABASE_URL", host="127.0.0.1"))
    assert done.returncode == 1
    assert 'certificate for "localhost"' in done.stderr


# ---- the broker


@pytest.fixture(scope="module")
def broker(engines, authorities):
    """A broker with TLS and the users of permissions.conf; `url` makes the URL of one of them."""
    folder = engines.folder / "broker"
    folder.mkdir()
    shutil.copy(ROOT / "deploy" / "nats" / "permissions.conf", folder)
    certificate, key = authorities.ours.issue("nats", "DNS:localhost")
    port = free_port()
    config = f"""
        listen: "127.0.0.1:{port}"
        jetstream {{ store_dir: "{folder}/store", max_file_store: 1GB }}
        tls {{ cert_file: "{certificate}", key_file: "{key}" }}
        include "permissions.conf"
    """
    names = [*USERS.values(), "OPERATOR", "SYSTEM"]
    passwords = {name: f"p{os.urandom(16).hex()}" for name in names}
    running = Broker(folder, "nats", port, config, **{f"{n}_NATS_PASSWORD": p for n, p in passwords.items()})
    running.start()

    def url(user, host="localhost", scheme="tls"):
        return f"{scheme}://{user}:{passwords[USERS.get(user, 'OPERATOR')]}@{host}:{port}"

    running.url, running.ca = url, authorities.ours.ca
    running.env = {
        "NATS_URL": url("ecs"), "NATS_CA_FILE": str(authorities.ours.ca),
        "STREAM_MAX_BYTES": str(64 << 20),
        **{f"{setting}_NATS_URL": url(user) for user, setting in USERS.items()},
    }  # fmt: skip
    done = run_command(dict(engines.env, **running.env), "provision")
    assert done.returncode == 0, done.stdout + done.stderr
    yield running
    running.stop()
    shutil.rmtree(folder)


def test_a_broker_that_is_not_the_one_is_not_talked_to(engines, broker, authorities):
    wrong = {
        "another authority": {"NATS_CA_FILE": str(authorities.other.ca)},
        "another name": {"NATS_URL": broker.url("ecs", host="127.0.0.1")},
        "the system's authorities": {"NATS_CA_FILE": ""},
        "no TLS at the broker": {"NATS_URL": engines.env["NATS_URL"].replace("nats://", "tls://")},
        "no TLS at the broker, by the file": {"NATS_URL": engines.env["NATS_URL"]},
    }
    environments = [dict(engines.env, **broker.env) | change for change in wrong.values()]
    with ThreadPoolExecutor(len(wrong)) as pool:
        results = list(pool.map(lambda env: run_command(env, "provision"), environments))
    for what, done in zip(wrong, results):
        assert done.returncode == 1, what
        assert "emotions" not in done.stdout + done.stderr, what


@pytest.mark.parametrize("setting", ["NATS_CA_FILE", "NATS_CERT_FILE"])
def test_a_certificate_file_that_cannot_be_read_stops_the_start(engines, broker, setting):
    done = run_command(dict(engines.env, **broker.env) | {setting: "/nowhere.pem"}, "provision")
    assert done.returncode == 1
    assert done.stderr.startswith("ecs: NATS_URL: the broker's URL cannot be used: ")


def test_a_broker_that_asks_for_a_certificate_gets_one(engines, authorities, tmp_path):
    certificate, key = authorities.ours.issue("mutual", "DNS:localhost")
    client, client_key = authorities.ours.issue("client", "DNS:ecs")
    port = free_port()
    asking = Broker(tmp_path, "mutual", port, f"""
        listen: "127.0.0.1:{port}"
        jetstream {{ store_dir: "{tmp_path}/store" }}
        tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{authorities.ours.ca}", verify: true }}
    """)  # fmt: skip
    asking.start()
    try:
        env = dict(
            engines.env, NATS_URL=f"tls://localhost:{port}", NATS_CA_FILE=str(authorities.ours.ca),
            STREAM_MAX_BYTES="1048576",
        )  # fmt: skip
        assert run_command(env, "provision").returncode == 1
        env.update(NATS_CERT_FILE=str(client), NATS_KEY_FILE=str(client_key))
        done = run_command(env, "provision")
        assert done.returncode == 0, done.stderr
    finally:
        asking.stop()


def test_an_anonymous_client_is_refused(broker):
    with pytest.raises(NatsError, match="Authorization Violation"):
        Nats(broker.url("ecs"), anonymous=True, ca=broker.ca)


@pytest.fixture
def user(broker):
    """Connects as one of the broker's users."""
    opened = []

    def connect(name):
        opened.append(Nats(broker.url(name), ca=broker.ca))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def refused(connection, action, *arguments):
    with pytest.raises(NatsError, match="Permissions Violation"):
        action(*arguments)
    connection.close()


@pytest.mark.parametrize("name", USERS)
def test_a_services_user_publishes_only_its_subjects(user, name):
    for subject, owner in SUBJECTS.items():
        connection = user(name)
        if owner == name:
            connection.publish(subject, "no event")
        else:
            refused(connection, connection.publish, subject, "no event")


@pytest.mark.parametrize("name", USERS)
def test_a_services_user_hears_only_what_is_its_own(user, name):
    others = [f"_INBOX.{other}.>" for other in [*USERS, "ecs"] if other != name]
    subjects = [subject for subject in SUBJECTS if HEARD.get(subject) != name]
    for subject in [*subjects, *others, ">", "_INBOX.>", "_INBOX.*.>", "$JS.ACK.>", "dead.>", "used-keys.>"]:
        connection = user(name)
        refused(connection, connection.subscribe, subject)
    for subject in [f"_INBOX.{name}.anything", *(s for s, owner in HEARD.items() if owner == name)]:
        user(name).subscribe(subject)


@pytest.mark.parametrize("name", USERS)
def test_a_services_user_reads_only_its_stream(user, name):
    for stream in [*READERS, "notifications", "dead-letters"]:
        mine = READERS.get(stream) == name
        worker = READERS.get(stream, "any")
        asks = [
            (f"$JS.API.STREAM.MSG.GET.{stream}", {"seq": 1}),
            (f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{worker}", {"batch": 1, "no_wait": True}),
        ]
        for subject, body in asks:
            connection = user(name)
            if mine:
                connection.publish(subject, "{}")
            else:
                refused(connection, connection.publish, subject, str(body))


@pytest.mark.parametrize("name", USERS)
def test_a_services_user_changes_no_stream(user, name):
    for stream in [*READERS, "notifications", "dead-letters", "mine"]:
        for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE"):
            connection = user(name)
            refused(connection, connection.publish, f"$JS.API.STREAM.{verb}.{stream}", "{}")
        for subject in (f"CONSUMER.CREATE.{stream}", f"CONSUMER.DURABLE.CREATE.{stream}.mine"):
            connection = user(name)
            refused(connection, connection.publish, f"$JS.API.{subject}", "{}")


# ---- everything together

# Marks the connections of this file's services, whatever else uses the database meanwhile.
OURS = "under-tls"
ROLES = {"ecs_user_credit", "ecs_emotion_worker", "ecs_transaction_worker", "ecs_credit_worker"}


@pytest.fixture
def connections(engines, db):
    """Of the services' connections to the database: [(role, whether it is encrypted)]."""
    engines.as_superuser("GRANT pg_read_all_stats TO ecs")
    yield lambda: db(
        "SELECT usename, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
        " WHERE application_name = %s AND usename LIKE 'ecs%%'", OURS,
    )  # fmt: skip
    engines.as_superuser("REVOKE pg_read_all_stats FROM ecs")


def stored_about(nats, stream, what):
    """The messages of a stream that name somebody or something: [(subject, headers, data)]."""
    return [message for _, *message in nats.stored(stream) if what.encode() in message[2]]


def test_every_service_works_with_its_own_user_over_tls(engines, broker, user, database_tls, db, connections):
    databases = {
        name: f"{database_tls(name)}&application_name={OURS}" for name in engines.env if name.endswith("DATABASE_URL")
    }
    topology = Topology("transport", engines, **broker.env, **databases, DECISION_CACHE_SECONDS="1")
    try:
        operator = user("ecs")
        someone, nobody = Person(topology), str(uuid.uuid4())
        sender = Api(topology.url, {"X-Internal-Key": topology.internal_key})
        assert someone.feel(positivity=0.9, intensity=0.5, stress=0.05).status_code == 202
        for _ in range(20):
            assert someone.pay(120).status_code == 202
        for table, count in (("emotional_events", 1), ("transactions", 20)):
            of_them = f"SELECT count(*) FROM {table} WHERE user_id = %s"
            poll(lambda: db(of_them, someone.id) == [(count,)], what=f"{count} rows in {table}")
        analysis = someone.analyse()
        assert analysis.status_code == 200, analysis.text
        offer = analysis.json()["offer"]["offer_id"]

        assert someone.accept(offer).status_code == 202
        status = "SELECT status FROM credit_limits WHERE id = %s"
        poll(lambda: db(status, offer) == [("active",)], what="the accepted offer to be active")
        [(_, _, data)] = poll(lambda: stored_about(operator, "notifications", offer), what="the notification")
        told = json.loads(data)
        assert (told["offerId"], told["userId"]) == (offer, someone.id)
        published = "SELECT id::text FROM notifications WHERE offer_id = %s AND published_at IS NOT NULL"
        poll(lambda: db(published, offer) == [(told["notificationId"],)], what="its publication to be noted")

        assert sender.post("/v1/emotions/stream", json=emotion(nobody)).status_code == 202
        [(subject, headers, _)] = poll(lambda: stored_about(operator, "dead-letters", nobody), what="the dead letter")
        assert subject == "dead.user.emotions.topic"
        assert "unknown user" in headers

        assert {role for role, _ in connections()} == ROLES
        assert [role for role, encrypted in connections() if encrypted is not True] == []
        assert "Permissions Violation" not in topology.logs()
    finally:
        codes = topology.stop()
    assert set(codes.values()) == {0}
