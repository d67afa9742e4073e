# SPDX-License-Identifier: Apache-2.0
"""Streams that lose what they had: a bit of a file flips, a stream is deleted. The loss is seen, what
can no longer be trusted is refused, and nothing counts twice."""

from harness.people import Api, emotion
from harness.waiting import poll

INGESTION = "emotion-ingestion-service"
WENT_BACK = "ecs_stream_sequence_went_back_total"


def drained(nats_url, *streams):
    from harness.nats import Nats

    def empty():
        with Nats(nats_url) as connection:
            return all(connection.backlog(stream) == 0 for stream in streams)

    poll(empty, 30, f"{streams} to be drained")


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


def test_a_flipped_bit_in_the_store_is_seen_and_counts_nothing_twice(topology, engines, load):
    with load(threads=6) as running:
        running.wait_for(1500)
    running.check()
    url = engines.env["NATS_URL"]
    drained(url, "emotions", "transactions")
    from harness.nats import Nats

    with Nats(url) as connection:
        last = connection.stream("emotions")["state"]["last_seq"]
    engines.kill("nats")
    folder = engines.var / "nats" / "store" / "jetstream" / "ECS" / "streams" / "emotions" / "msgs"
    block = max(folder.glob("*.blk"), key=lambda file: int(file.stem))
    data = bytearray(block.read_bytes())
    data[len(data) // 20] ^= 0x10
    block.write_bytes(data)
    # What the server knows of the file beside it would hide the damage until the message is read.
    for index in folder.glob("*.idx"):
        index.unlink()
    engines.up()
    with Nats(url) as connection:
        assert connection.stream("emotions")["state"]["last_seq"] < last, "the damage had no effect"
    try:
        with load(kinds=["transaction"]) as other, load(kinds=["emotion"]) as further:
            poll(lambda: topology.metric(INGESTION, WENT_BACK) >= 1, 10, "the alarm")
            poll(lambda: not topology.is_ready(topology.metrics_urls[INGESTION]), 10, "readiness to say so")
            assert "lost messages" in topology.log_file(INGESTION).read_text()
            # What the server took now it could not deliver: the stream is left alone. Others are not.
            refused = further.codes[503]
            poll(lambda: further.codes[503] >= refused + 30, 10, "events to be refused")
            assert further.acknowledged() == 0
            other.wait_for(100)
            # The operator saves the files, and empties the stream.
            with Nats(url) as connection:
                assert connection.request("$JS.API.STREAM.PURGE.emotions")["success"]
            further.wait_for(300)
            again(topology, running)
        for each in (other, further, running):
            each.check()
        assert not topology.is_ready(topology.metrics_urls[INGESTION]), "until somebody has looked"
    finally:
        # Somebody has looked.
        for name in topology.names:
            topology.kill(name)
            topology.start(name)
        topology.wait_ready()


def test_a_deleted_stream_is_made_again_and_counts_nothing_twice(topology, engines, nats, load):
    with load() as running:
        running.wait_for(500)
    running.check()
    drained(engines.env["NATS_URL"], "emotions", "transactions")
    try:
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
    finally:
        for name in topology.names:
            topology.kill(name)
            topology.start(name)
        topology.wait_ready()
