# SPDX-License-Identifier: Apache-2.0
"""Messages that come more than once, to one worker or to several at the same time."""

import json
import signal
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.engines import BINARY, PLAIN, ROOT
from harness.nats import Nats
from harness.offers import assert_each_active_once, offers_of
from harness.people import emotion, people_in_database
from harness.waiting import free_port, poll

ACK_WAIT_SECONDS = 2  # as the topology's


def line_of(person, event_id):
    return json.dumps({**emotion(person, event_id=event_id), "traceId": uuid.uuid4().hex})


def replica_env(topology):
    return {**PLAIN, **topology.env, "METRICS_LISTEN": f"127.0.0.1:{free_port()}"}


def counted(db, person):
    rows = db("SELECT sum(event_count) FROM emotional_events_summary WHERE user_id = %s", person)
    return int(rows[0][0] or 0)


def settled(nats, stream):
    poll(lambda: nats.backlog(stream) == 0, 60, f"{stream} to be drained")


def test_a_repeated_message_is_counted_once(db, nats, journey):
    [person] = people_in_database(db, 1)
    lines = [line_of(person, str(uuid.uuid4())) for _ in range(20)]
    message = "\n".join(lines)
    with journey(threads=2) as running:
        for _ in range(50):
            nats.publish("user.emotions.topic", message)
        nats.publish("user.emotions.topic", "\n".join(reversed(lines + lines)))
        running.wait_for(100)
    running.check()
    assert counted(db, person) == 20


def test_replicas_share_a_stream_and_count_once(topology, db, engines, journey):
    people = people_in_database(db, 5)
    replicas = []
    for _ in range(2):
        env = replica_env(topology)
        replicas.append(
            subprocess.Popen(
                [str(BINARY), "serve", "emotion-processing-worker"], env=env, cwd=ROOT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
    try:
        events = [(person, str(uuid.uuid4())) for person in people for _ in range(20)]

        def publish(part):
            with Nats(engines.env["NATS_URL"]) as connection:
                for person, event_id in events[part::2] + events:
                    connection.publish("user.emotions.topic", line_of(person, event_id))

        with journey(threads=2) as running, ThreadPoolExecutor(4) as pool:
            list(pool.map(publish, (0, 1, 0, 1)))
        running.check()
        assert [counted(db, person) for person in people] == [20] * 5
    finally:
        for replica in replicas:
            replica.send_signal(signal.SIGTERM)
        assert [replica.wait(15) for replica in replicas] == [0, 0]


def test_a_worker_that_hangs_is_replaced_and_has_one_effect(topology, journey):
    """Longer than messages stay with who has fetched them, so that both have them in hand."""
    worker = topology.processes["emotion-processing-worker"]
    with journey() as running:
        running.wait_for(300)
        worker.send_signal(signal.SIGSTOP)
        replica = subprocess.Popen(
            [str(BINARY), "serve", "emotion-processing-worker"], env=replica_env(topology), cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            began = time.monotonic()
            running.wait_for(1000)
            poll(lambda: time.monotonic() > began + 2 * ACK_WAIT_SECONDS, 30)
        finally:
            worker.send_signal(signal.SIGCONT)
        running.wait_for(300)
        replica.send_signal(signal.SIGTERM)
        assert replica.wait(15) == 0
    running.check()


@pytest.mark.usefixtures("loaded")
def test_an_offer_accepted_message_that_repeats_changes_nothing(topology, db, nats, pattern_token):
    offers = offers_of(topology, db, pattern_token, 1)
    [(client, person, offer_id)] = offers
    assert client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person}).status_code == 202
    assert_each_active_once(db, nats, offers)
    before = db("SELECT activated_at, updated_at FROM credit_limits WHERE id = %s", offer_id)
    [data] = [m[3] for m in nats.stored("credits") if offer_id.encode() in m[3]]
    for _ in range(5):
        nats.publish("credit.offers.approved", data)
    settled(nats, "credits")
    assert db("SELECT activated_at, updated_at FROM credit_limits WHERE id = %s", offer_id) == before
    assert_each_active_once(db, nats, offers)
