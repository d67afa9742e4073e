# SPDX-License-Identifier: Apache-2.0
"""Streams that lose what they had: a bit of a file flips, a stream is deleted. The loss is seen, what
can no longer be trusted is refused, and nothing counts twice."""

import json
import time
import uuid

import pytest
import requests

from conftest import LONG

from harness.nats import Nats, NatsError
from harness.offers import assert_each_active_once, offers_of
from harness.people import Api, emotion
from harness.waiting import poll, steady

INGESTION, WORKER = "emotion-ingestion-service", "emotion-processing-worker"
ACTIVATION = "credit-application-worker"
SUBJECT_EMOTIONS = b"user.emotions.topic"
LOOKS_WITHIN = 5  # seconds: a worker without messages looks every 2 s
WENT_BACK = "ecs_stream_sequence_went_back_total"


def again(topology, running):
    """Sends some of a load's emotions once more, as a client does that had no answer."""
    sender = Api(topology.url, {"X-Internal-Key": topology.internal_key})
    for event_id, (person, day, *values) in list(running.history.emotions.items())[:200]:
        positivity, intensity, stress = (value / 10**9 for value in values)
        body = emotion(
            person, event_id=event_id, at=f"{day}T00:00:00Z", positivity=positivity, intensity=intensity,
            stress=stress,
        )  # fmt: skip
        assert sender.post("/v1/emotions/stream", json=body).status_code == 202


BEFORE_SUBJECT = 22  # bytes of a record of the file: length 4, number 8, time 8, length of the subject 2


def flip_a_bit(data):
    """Of an event's text: what the server's checksum covers."""
    data[data.index(b'"eventId"', len(data) // 20)] ^= 0x10


def flip_a_bit_of_a_number(data):
    """The server goes on from a number that it never gave, 4,096 too high or too low, and drops what came
    after that message."""
    subject = data.index(SUBJECT_EMOTIONS, len(data) // 20)
    data[subject - BEFORE_SUBJECT + 4 + 1] ^= 0x10


def cut_off(data):
    """As a power loss does that comes before the end was written."""
    del data[len(data) // 2 :]


def damage(engines, how):
    """The broker's file of the emotions, while it is down."""
    with Nats(engines.env["NATS_URL"]) as connection:
        last = connection.stream("emotions")["state"]["last_seq"]
    # The server writes how far a consumer came a little later.
    progress = files_of(engines, "emotions") / "obs" / WORKER / "o.dat"
    poll(lambda: time.time() - progress.stat().st_mtime > 1, 10, "the consumer's file to be written")
    rewrite(engines, "emotions", how)
    with Nats(engines.env["NATS_URL"]) as connection:
        state = connection.stream("emotions")["state"]
        assert state["last_seq"] < last or not is_whole(state), "the damage had no effect"


def files_of(engines, stream):
    return engines.var / "nats" / "store" / "jetstream" / "ECS" / "streams" / stream


def rewrite(engines, stream, how):
    """Changes the newest file of a stream while the broker is down."""
    engines.kill("nats")
    folder = files_of(engines, stream) / "msgs"
    block = max(folder.glob("*.blk"), key=lambda file: int(file.stem))
    data = bytearray(block.read_bytes())
    how(data)
    block.write_bytes(data)
    # What the server knows of the file beside it would hide the damage until the message is read.
    for index in folder.glob("*.idx"):
        index.unlink()
    engines.up()


def is_whole(state):
    return state["last_seq"] - state["first_seq"] + 1 == state["messages"]


def purge(engines, stream="emotions"):
    """As the operator does who has saved the files."""
    with Nats(engines.env["NATS_URL"]) as connection:
        assert connection.request(f"$JS.API.STREAM.PURGE.{stream}")["success"]


def lose_acceptances(engines):
    """The broker also forgets which ids it had, as it does by itself after 2 minutes."""
    purge(engines, "credits")
    engines.kill("nats")
    engines.up()


@pytest.fixture
def looked_at(topology, engines):
    """Afterwards somebody has looked: everything starts anew, once the worker consumes the stream anew."""
    yield
    purge(engines)
    poll(lambda: not is_told_by_the_broker(engines), 30, "the worker to consume the stream anew")
    for name in topology.names:
        topology.kill(name)
        topology.start(name)
    topology.wait_ready()


def assert_all_refused(load):
    refused = load.codes[503]
    poll(lambda: load.codes[503] >= refused + 30, 10, "events to be refused")
    assert load.acknowledged() == 0


def assert_alarmed(topology, name):
    poll(lambda: topology.metric(name, WENT_BACK) >= 1, 10, f"the alarm of {name}")
    poll(lambda: not topology.is_ready(topology.metrics_urls[name]), 10, f"readiness of {name} to say so")


def test_a_flipped_bit_in_the_store_is_seen_and_counts_nothing_twice(topology, engines, load, looked_at):
    with load(threads=6) as running:
        running.wait_for(1500)
    running.check()
    damage(engines, flip_a_bit)
    with load(kinds=["transaction"]) as other, load(kinds=["emotion"]) as further:
        assert_alarmed(topology, INGESTION)
        assert "lost messages" in topology.log_file(INGESTION).read_text()
        # What the server took now it could not deliver: the stream is left alone. Others are not.
        assert_all_refused(further)
        other.wait_for(100)
        purge(engines)
        further.wait_for(300)
        again(topology, running)
    for each in (other, further, running):
        each.check()
    assert not topology.is_ready(topology.metrics_urls[INGESTION]), "until somebody has looked"


def damage_what_nobody_remembers(topology, engines, load, how):
    """Whoever was told of the messages that are lost is gone; answers the load that sent them."""
    with load(threads=6) as running:
        running.wait_for(1500)
    running.check()
    topology.kill(INGESTION)
    topology.kill(WORKER)
    damage(engines, how)
    return running


STARTS = [
    (flip_a_bit, (INGESTION, WORKER)),
    (flip_a_bit_of_a_number, (WORKER, INGESTION)),
    (flip_a_bit, (WORKER, INGESTION)),
    (flip_a_bit_of_a_number, (INGESTION, WORKER)),
]


@pytest.mark.parametrize("how, order", STARTS if LONG else STARTS[:2])
def test_a_process_that_starts_after_the_damage_sees_it(topology, engines, load, looked_at, how, order):
    """Nobody is left who was told of the messages that are lost: the broker itself is asked."""
    running = damage_what_nobody_remembers(topology, engines, load, how)
    with load(kinds=["transaction"]) as other, load(kinds=["emotion"]) as further:
        for name in order:
            topology.start(name)
            poll(lambda: answers(topology, name), 10, f"{name} to live")
            assert_alarmed(topology, name)
            # Who starts next must be able to see it too.
            steady(lambda: is_told_by_the_broker(engines), LOOKS_WITHIN if name == order[0] == WORKER else 0)
        assert_all_refused(further)
        poll(lambda: topology.is_ready(topology.metrics_urls["transaction-service"]), 10, "the other stream to be used")
        other.wait_for(100)
        purge(engines)
        further.wait_for(300)
        again(topology, running)
    for each in (other, further, running):
        each.check()


def test_a_stream_that_lost_its_end_is_seen_and_goes_on(topology, engines, load, looked_at):
    """Nothing is missing in it: once its worker consumes it anew it can be used."""
    running = damage_what_nobody_remembers(topology, engines, load, cut_off)
    with load(kinds=["emotion"]) as further:
        topology.start(INGESTION)
        poll(lambda: answers(topology, INGESTION), 10, "ingestion to live")
        assert_alarmed(topology, INGESTION)
        assert_all_refused(further)  # its consumer would pass over them
        topology.start(WORKER)
        further.wait_for(300)
        again(topology, running)
    for each in (further, running):
        each.check()


def is_told_by_the_broker(engines):
    """The worker's consumer came further than the stream reaches, or not as far as it reaches."""
    with Nats(engines.env["NATS_URL"]) as connection:
        state = connection.stream("emotions")["state"]
        consumed = [consumer["delivered"]["stream_seq"] for consumer in connection.consumers("emotions")]
        return any(number > state["last_seq"] or not is_whole(state) for number in consumed)


def answers(topology, name):
    try:
        return topology.metric(name, WENT_BACK) >= 0
    except requests.RequestException:
        return False


def test_a_deleted_stream_is_made_again_and_counts_nothing_twice(topology, engines, nats, load, looked_at):
    with load() as running:
        running.wait_for(500)
    running.check()
    with load(kinds=["transaction"]) as other:
        other.wait_for(50)
        nats.request("$JS.API.STREAM.DELETE.emotions")
        with load(kinds=["emotion"]) as further:
            further.wait_for(300, 60)
            again(topology, running)
        other.wait_for(50)
    further.check()
    other.check()
    running.check()


def test_a_stream_that_begins_anew_has_dead_letters_of_its_own(nats, looked_at):
    """Its numbers come again, and a letter must not be taken for the one of before."""
    marks = [uuid.uuid4().hex for _ in range(2)]
    for mark in marks:
        nats.request("$JS.API.STREAM.DELETE.transactions")
        poll(lambda: has_consumer(nats, "transactions"), 20, "the stream to be made again")
        nats.publish("transactions.topic", f"not json {mark}")
        poll(lambda: nats.stream("transactions")["state"]["last_seq"] == 1)
        poll(lambda: has_letter(nats, mark), 20, "the dead letter")


def has_consumer(nats, stream):
    try:
        return bool(nats.consumers(stream))
    except (KeyError, NatsError):
        return False


def has_letter(nats, mark):
    return any(mark.encode() in data for _, _, _, data in nats.stored("dead-letters"))


# What becomes of the length of a message's head, which the server's checksum does not cover. Of these
# streams only that of the credits has messages with a head.
LENGTHS = {
    "a byte is missing in the head": lambda head, text: head ^ 1,
    "the text lost its beginning": lambda head, text: head ^ 16,
    "the head is read as text": lambda head, text: head ^ 128,
    "all of the text is read as head": lambda head, text: head + text,
}


@pytest.mark.parametrize("change", LENGTHS)
def test_a_changed_length_of_a_head_is_counted_right_or_a_dead_letter(topology, engines, db, pattern_token, change):
    offers = offers_of(topology, db, pattern_token, 3)
    damaged = offers[1][2]
    accept_without_the_worker(topology, db, offers)

    def change_length(data):
        head = data.rindex(b"NATS/1.0", 0, data.index(damaged.encode()))
        text = data.index(b"}", head) + 1 - data.index(b"{", head)
        length = int.from_bytes(data[head - 4 : head], "little")
        data[head - 4 : head] = LENGTHS[change](length, text).to_bytes(4, "little")

    rewrite(engines, "credits", change_length)
    topology.start(ACTIVATION)
    with Nats(engines.env["NATS_URL"]) as nats:
        poll(lambda: nats.backlog("credits") == 0, 30, "the worker to have settled everything")
        assert_each_active_once(db, nats, [offer for offer in offers if offer[2] != damaged])
        if status_of(db, damaged) != "active":
            letters = [head for _, subject, head, _ in nats.stored("dead-letters") if subject == "dead.credit.offers.approved"]
            assert letters and all("Ecs-Reason: " in head for head in letters)
            # What cannot be read any more is known to the database; the broker would take it for a repetition.
            lose_acceptances(engines)
            an_hour_passes(db, [damaged])
    with Nats(engines.env["NATS_URL"]) as nats:
        assert_each_active_once(db, nats, offers)
    purge(engines, "dead-letters")


def test_an_acceptance_whose_message_is_lost_is_published_again_after_an_hour(topology, engines, db, pattern_token):
    offers = offers_of(topology, db, pattern_token, 4)
    ids = [offer_id for _, _, offer_id in offers]
    accept_without_the_worker(topology, db, offers)
    lose_acceptances(engines)
    with Nats(engines.env["NATS_URL"]) as nats:
        an_hour_passes(db, ids[:2])
        poll(lambda: accepted_offers(nats) >= set(ids[:2]), 30, "what was lost to be published again")
        assert accepted_offers(nats) == set(ids[:2]), "the others' hour is not over"
        topology.start(ACTIVATION)
        assert_each_active_once(db, nats, offers[:2])
        an_hour_passes(db, ids)
        poll(lambda: accepted_offers(nats) == set(ids), 30, "the others to be published again")
        assert_each_active_once(db, nats, offers)
        assert published_lately(db, ids) == set(ids[2:]), "what is active is left alone"


def accept_without_the_worker(topology, db, offers):
    """Afterwards all of them are in the stream, and the worker does not run."""
    assert topology.terminate(ACTIVATION) == 0
    for client, person, offer_id in offers:
        assert client.post(f"/v1/credit-offers/{offer_id}/accept", json={"userId": person}).status_code == 202
    poll(lambda: unpublished(db) == 0, 10, "the acceptances to be published")


def an_hour_passes(db, offer_ids):
    db(
        "UPDATE credit_limits SET acceptance_published_at = acceptance_published_at - interval '61 minutes'"
        " WHERE id = ANY(%s::uuid[])", offer_ids,
    )  # fmt: skip


def accepted_offers(nats):
    return {json.loads(data)["offerId"] for _, _, _, data in nats.stored("credits")}


def published_lately(db, offer_ids):
    rows = db(
        "SELECT id::text FROM credit_limits WHERE acceptance_published_at > now() - interval '1 hour'"
        " AND id = ANY(%s::uuid[])", offer_ids,
    )  # fmt: skip
    return {offer_id for (offer_id,) in rows}


def status_of(db, offer_id):
    return db("SELECT status FROM credit_limits WHERE id = %s", offer_id)[0][0]


def unpublished(db):
    return db("SELECT count(*) FROM credit_limits WHERE accepted_at IS NOT NULL AND acceptance_published_at IS NULL")[0][0]
