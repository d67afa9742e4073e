# SPDX-License-Identifier: Apache-2.0
"""The clock of every process jumps an hour ahead and back, under load (by libfaketime)."""

import glob
from pathlib import Path

import pytest

from harness.people import PASSWORD, Api
from harness.waiting import poll

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


@pytest.fixture
def jump(topology, tmp_path):
    """jump("+3600") moves the clock of all processes by so many seconds; "+0" brings it back."""
    [library] = glob.glob(LIBRARY)
    # Next to the engines, where every process may read it.
    offset = Path(topology.engines.folder) / "clock"
    offset.write_text("+0\n")
    settings = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    for name in topology.names:
        topology.kill(name)
        topology.start(name, **settings)
    topology.wait_ready()

    def move(seconds):
        new = offset.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.rename(offset)

    yield move
    for name in topology.names:
        topology.kill(name)
        topology.start(name)


def login(topology, someone):
    answer = Api(topology.url).post("/v1/auth/login", json={"email": someone.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Api(topology.url, {"Authorization": f"Bearer {answer.json()['access_token']}"})


def test_the_clock_jumps_ahead_and_back(topology, person, load, db, jump):
    someone = person()
    profile = f"/v1/users/{someone.id}"
    assert someone.client.get(profile).status_code == 200
    with load(kinds=["emotion"]) as running:
        running.wait_for(300)

        jump("+3601")
        poll(lambda: someone.client.get(profile).status_code == 401, 5, "the token to end")
        assert someone.analyse().status_code == 401
        assert someone.pay(5).status_code == 401
        later = login(topology, someone)
        assert later.get(profile).status_code == 200
        ahead = later.post("/v1/transactions", json={"userId": someone.id, "amount": 7})
        assert ahead.status_code == 202
        assert later.post(f"/v1/users/{someone.id}/credit-analysis").status_code == 200
        running.wait_for(500)

        jump("+0")
        # By this clock the newer token begins in an hour, and the older one has not ended.
        poll(lambda: later.get(profile).status_code == 401, 5, "the newer token to be ahead")
        assert someone.client.get(profile).status_code == 200
        back = someone.pay(9)
        assert back.status_code == 202
        assert someone.analyse().status_code == 200
        running.wait_for(500)
    running.check()
    wanted = {(ahead.json()["eventId"],), (back.json()["eventId"],)}
    stored = "SELECT id::text FROM transactions WHERE user_id = %s"
    poll(lambda: set(db(stored, someone.id)) == wanted, 30, "both payments to be stored")
