# SPDX-License-Identifier: Apache-2.0
"""P2: batches of events, beside NATS' own C client that publishes the same messages and does nothing
else."""

import os
import random
import statistics
import subprocess

import load
import nats
import people
from ingestion import EMOTIONS, WARM_UP_SECONDS, Side
from machine import ECS, PEER_BYTES, Failure, say
from table import Row

LINES = 1000
BODIES = 64
PAIRS = 3
SECONDS = 1  # all of it has to be stored afterwards, to compare
CONNECTIONS = 4
WARM_UP_RATE = 100  # batches a second
MESSAGES = 32  # of ours that the other publishes
SUBJECT = "bench.peer"
PEER = ECS.parent / "bench" / "peer_publish"


def write_batches(machine, crowd):
    path = machine.folder / "batches.requests"
    key = f"X-Internal-Key: {machine.environment['INTERNAL_SERVICE_API_KEY']}"
    bodies = ("".join(people.emotion_body(random.choice(crowd)) + "\n" for _ in range(LINES)) for _ in range(BODIES))
    load.write_requests(path, ((EMOTIONS, [key], body) for body in bodies), "application/x-ndjson")
    return path


class Peer:
    """cnats' asynchronous publish into a stream of its own, with the settings of ours."""

    def __init__(self, machine, broker, messages):
        self.broker = broker
        self.environment = dict(os.environ, NATS_URL=machine.environment["NATS_URL"])
        self.file = machine.folder / "peer.messages"
        self.file.write_bytes(b"".join(len(message).to_bytes(4, "little") + message for message in messages))
        self.events_a_message = sum(message.count(b"\n") + 1 for message in messages) / len(messages)
        broker.request("$JS.API.STREAM.CREATE.bench-peer", {
            "name": "bench-peer", "subjects": [SUBJECT], "storage": "file", "retention": "limits", "discard": "new",
            "max_bytes": PEER_BYTES, "num_replicas": 1,
        })  # fmt: skip

    def run(self, seconds):
        """Events a second."""
        command = [PEER, SUBJECT, self.file, str(seconds)]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.broker.request("$JS.API.STREAM.PURGE.bench-peer")
        if done.returncode != 0:
            raise Failure(done.stdout.strip())
        messages, took = done.stdout.split()
        return int(messages) * self.events_a_message / float(took)

    def close(self):
        self.broker.request("$JS.API.STREAM.DELETE.bench-peer")


def measure(machine, crowd, ledger):
    path = write_batches(machine, crowd)
    server = machine.serve("api-gateway-ecs", "emotion-ingestion-service")
    broker = nats.Publisher(machine.environment["NATS_URL"])
    row = Row("P2", "P2", f"batches of {LINES:,}, {CONNECTIONS} connections : cnats, asynchronous", "event/s", at_least=0.80)
    say(f"P2: {row.what}")
    ours = Side(server, path, ledger.loads["emotions"], LINES)
    ours.run(CONNECTIONS, WARM_UP_SECONDS, WARM_UP_RATE)
    peer = Peer(machine, broker, list(broker.last_messages("emotions", MESSAGES)))
    peer.run(WARM_UP_SECONDS)
    costs = []
    for _ in range(PAIRS):
        one = ours.run(CONNECTIONS, SECONDS)
        costs.append(one.cpu_us / LINES)
        row.ours.append(one.rate * LINES)
        row.others.append(peer.run(SECONDS))
    row.notes = {
        "events a message": peer.events_a_message,
        "our processor time, us an event": statistics.median(costs),
    }
    peer.close()
    broker.close()
    machine.stop(server)
    return [row]
