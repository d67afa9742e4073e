# SPDX-License-Identifier: Apache-2.0
"""Three brokers that keep three copies of each message: any one of them may be killed."""

import shutil
import time

import pytest

from conftest import LONG

from harness.broker import Broker
from harness.load import Load
from harness.nats import Nats, NatsError
from harness.topology import Topology
from harness.waiting import free_port, poll

NODES = ("n1", "n2", "n3")
STREAMS = ("emotions", "transactions", "credits", "notifications", "dead-letters")
PASSWORD = "a-password-of-the-test"
# Seconds. nats-server waits 4 to 9 s for a silent leader before it elects another, longer on a starved
# machine; that is the broker's own matter. From then on it is ours, and so is every single answer.
ELECTED_WITHIN = 60
GOES_ON_WITHIN = 8
ANSWERED_WITHIN = 12
ENOUGH = 50  # events of a kind, more than can have been on their way at the moment of the kill


class Cluster:
    """Three nodes with routes to each other; `url` names all of them."""

    def __init__(self, folder):
        ports = {name: free_port() for name in NODES}
        routes = {name: free_port() for name in NODES}
        every = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes.values())
        self.nodes = {
            name: Broker(folder, name, ports[name], f"""
                listen: "127.0.0.1:{ports[name]}"
                server_name: {name}
                jetstream {{ store_dir: "{folder}/{name}", max_file_store: 1GB }}
                cluster {{ name: ecs, listen: "127.0.0.1:{routes[name]}", routes: [{every}] }}
                accounts {{
                    ECS {{ jetstream: enabled, users: [{{ user: ecs, password: "{PASSWORD}" }}] }}
                    SYSTEM {{ users: [{{ user: system, password: "{PASSWORD}" }}] }}
                }}
                system_account: SYSTEM
            """)
            for name in NODES
        }  # fmt: skip
        self.urls = {name: f"nats://ecs:{PASSWORD}@127.0.0.1:{port}" for name, port in ports.items()}
        self.url = ",".join(self.urls.values())
        for node in self.nodes.values():
            node.start()
        poll(self.places_three_copies, 60, "the leader to know all three nodes")

    def _ask(self, subject, but=None, body=None):
        name = next(name for name in NODES if name != but)
        with Nats(self.urls[name]) as connection:
            return connection.request(subject, body)

    def places_three_copies(self):
        probe = {"name": "probe", "subjects": ["probe"], "storage": "file", "num_replicas": 3}
        try:
            made = "error" not in self._ask("$JS.API.STREAM.CREATE.probe", body=probe)
            return made and "error" not in self._ask("$JS.API.STREAM.DELETE.probe")
        except (NatsError, OSError):
            return False

    def leader(self, stream):
        return self._ask(f"$JS.API.STREAM.INFO.{stream}")["cluster"].get("leader")

    def _all_streams(self, holds, but=None):
        """Whether it holds for each stream's leader and followers; asks a node other than `but`."""
        try:
            states = [self._ask(f"$JS.API.STREAM.INFO.{stream}", but).get("cluster", {}) for stream in STREAMS]
        except (NatsError, OSError):
            return False
        return all(state.get("leader") and holds(state) for state in states)

    def is_led_without(self, name):
        """Whether each stream has a leader that is not this node."""
        return self._all_streams(lambda state: state["leader"] != name, but=name)

    def is_whole(self):
        """Whether each stream has its leader and two followers that have everything."""
        return self._all_streams(
            lambda state: sum(r["current"] and not r.get("offline") for r in state["replicas"]) == 2
        )

    def stop(self):
        for node in self.nodes.values():
            node.stop()


@pytest.fixture(scope="module")
def cluster(engines):
    folder = engines.folder / "cluster"
    folder.mkdir()
    running = Cluster(folder)
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(engines, cluster):
    """All services in one process, on the cluster."""
    running = Topology(
        "all", engines, NATS_URL=cluster.url, STREAM_REPLICAS="3", STREAM_MAX_BYTES=str(64 << 20),
        ACK_WAIT_MS="2000",
    )  # fmt: skip
    yield running
    assert running.stop() == {"all": 0}


def goes_on(load):
    """How long it takes until events of both kinds are acknowledged again."""
    started = time.monotonic()
    goals = {kind: load.acknowledged(kind) + ENOUGH for kind in ("emotions", "transactions")}
    for kind, goal in goals.items():
        poll(lambda: load.acknowledged(kind) >= goal, 30, f"{kind} to be acknowledged again")
    return time.monotonic() - started


LEADER = "the leader of the emotions"


@pytest.mark.parametrize("victim", [LEADER, *NODES] if LONG else [LEADER])
def test_a_killed_node_costs_seconds_and_no_event(cluster, served, db, pattern_token, victim):
    poll(cluster.is_whole, 60, "the cluster to be whole")
    with Load(served, db, pattern_token) as load:
        load.wait_for(200)
        name = cluster.leader("emotions") if victim == LEADER else victim
        cluster.nodes[name].kill()
        poll(lambda: cluster.is_led_without(name), ELECTED_WITHIN, "the others to elect a leader")
        took = goes_on(load)
        load.wait_for(200)
        cluster.nodes[name].start()
        poll(cluster.is_whole, 60, "the cluster to be whole again")
        load.wait_for(200)
    load.check()
    assert served.metric("all", "ecs_stream_sequence_went_back_total") == 0, "no stream lost anything"
    assert load.slowest < ANSWERED_WITHIN
    assert took <= GOES_ON_WITHIN, f"went on after {took:.1f} s without {name}"
