# SPDX-License-Identifier: Apache-2.0
"""The broker's and the database's disks run full, under load, and have room again. Each engine's data
lies on a small file system of its own; a ballast file takes what is left of it."""

import os
import subprocess
from pathlib import Path

import pytest
import requests

from harness.engines import PLAIN, ROOT, Engines
from harness.load import Load
from harness.nats import Nats
from harness.people import Person, emotion
from harness.topology import Topology
from harness.waiting import poll

MEGABYTE = 1 << 20
SIZES = {"nats": 48 * MEGABYTE, "postgres": 256 * MEGABYTE}
# One stream may take this; all of them together more than the disk has.
STREAM_BYTES = 24 * MEGABYTE
STORE_BYTES = 200 * MEGABYTE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="small file systems are mounted by root only")


class SmallDisks(Engines):
    """Engines of which two have a small file system each."""

    def up(self):
        for name, size in SIZES.items():
            folder = self.var / name
            if not folder.exists():
                folder.mkdir(parents=True)
                self.folder.chmod(0o711)
                self.var.chmod(0o711)
                mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700,uid=postgres,gid=postgres"]
                subprocess.run([*mount, "ecs-test", str(folder)], check=True)
        # The limit of the store itself lies beyond the disk: the disk is what runs full.
        (self.var / "nats" / "max_file_store").write_text(f"{STORE_BYTES}\n")
        return super().up()

    def down(self):
        self._script("down")
        for name in SIZES:
            subprocess.run(["umount", str(self.var / name)], check=True)
        super().down()

    def watch(self):
        environment = dict(PLAIN, VAR_DIR=str(self.var))
        return subprocess.Popen([str(ROOT / "deploy" / "local" / "engines.sh"), "watch"], env=environment)

    def fill(self, name):
        """Takes all that is left of a disk."""
        with self._ballast(name).open("wb", buffering=0) as file:
            for size in (MEGABYTE, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def empty(self, name):
        self._ballast(name).unlink()

    def _ballast(self, name) -> Path:
        return self.var / name / "ballast"


@pytest.fixture(scope="module")
def disks():
    """Watched as those of `make run` and `make up` are: what ends or hangs is started anew."""
    engines = SmallDisks()
    watcher = engines.watch()
    yield engines
    watcher.terminate()
    watcher.wait(30)
    engines.down()


@pytest.fixture(scope="module")
def served(disks):
    running = Topology("all", disks, ACK_WAIT_MS="2000", STREAM_MAX_BYTES=str(STREAM_BYTES))
    yield running
    assert running.stop() == {"all": 0}


@pytest.fixture
def small_load(disks, served):
    connection = disks.connect()

    def db(sql, *parameters):
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    yield lambda **options: Load(served, db, Person(served).token, **options)
    connection.close()


def test_without_room_the_broker_takes_nothing_and_then_goes_on(disks, served, small_load):
    with small_load() as running:
        running.wait_for(500)
        disks.fill("nats")
        try:
            refused = running.codes[503]
            poll(lambda: running.codes[503] >= refused + 50, 30, "events to be refused")
            taken = running.acknowledged()
            poll(lambda: running.codes[503] >= refused + 100, 30, "events to be refused further on")
            # A last block may have had some room; after that nothing is taken.
            assert running.acknowledged() <= taken + 20
            assert served.processes["all"].poll() is None
        finally:
            disks.empty("nats")
        # nats-server 2.9 answers nobody any more once a write has failed.
        running.wait_for(1000)
    running.check()


def test_a_full_store_refuses_and_keeps_what_it_has(disks, served, small_load):
    """The stream's own limit, which the broker answers with error 10023 or 10077. nats-server 2.9 forgets the
    head of a message when it compares with the limit, and may drop a few of the oldest to make up for it."""
    someone = Person(served)
    session = requests.Session()
    session.headers["X-Internal-Key"] = served.internal_key
    filler = b"\n" * 900_000  # lines of nothing, which no worker stores
    with small_load(threads=3) as running:
        running.wait_for(300)
        with Nats(disks.env["NATS_URL"]) as nats:
            for _ in range(2 * STREAM_BYTES // len(filler)):
                nats.publish("user.emotions.topic", filler)
            poll(lambda: session.post(served.url + "/v1/emotions/stream", json=emotion(someone.id)).status_code == 503)
            answer = session.post(served.url + "/v1/emotions/stream", json=emotion(someone.id))
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
            first = nats.stream("emotions")["state"]["first_seq"]
            [worker] = nats.consumers("emotions")
            assert first <= worker["ack_floor"]["stream_seq"] + 1, "nothing was dropped that no worker has stored"
            poll(lambda: nats.backlog("emotions") == 0, 30)
            answer = nats.request("$JS.API.STREAM.PURGE.emotions")
            assert answer.get("success"), answer
        running.wait_for(500)
    running.check()


def test_without_room_in_the_database_events_wait_in_the_stream(disks, served, small_load):
    with small_load() as running:
        running.wait_for(500)
        disks.fill("postgres")
        try:
            poll(lambda: "No space left on device" in disks.log("postgres"), 60, "the disk to be full")
            refused = running.codes[503]
            running.wait_for(1500)
            assert running.codes[503] == refused, "ingestion does not need the database's disk"
            assert served.processes["all"].poll() is None
        finally:
            disks.empty("postgres")
        # Without room for its log PostgreSQL ends itself.
        served.wait_ready(60)
        running.wait_for(300)
    running.check()
