# SPDX-License-Identifier: Apache-2.0
"""The clock of every process jumps an hour ahead and back, under load."""

from harness.people import PASSWORD, Api
from harness.waiting import poll


def login(topology, someone):
    answer = Api(topology.url).post("/v1/auth/login", json={"email": someone.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Api(topology.url, {"Authorization": f"Bearer {answer.json()['access_token']}"})


def test_the_clock_jumps_ahead_and_back(topology, person, load, db, clock):
    someone = person()
    profile = f"/v1/users/{someone.id}"
    assert someone.client.get(profile).status_code == 200
    with load(kinds=["emotion"]) as running:
        running.wait_for(300)

        clock.jump_to(3601)
        poll(lambda: someone.client.get(profile).status_code == 401, 5, "the token to end")
        assert someone.analyse().status_code == 401
        assert someone.pay(5).status_code == 401
        later = login(topology, someone)
        assert later.get(profile).status_code == 200
        ahead = later.post("/v1/transactions", json={"userId": someone.id, "amount": 7})
        assert ahead.status_code == 202
        assert later.post(f"/v1/users/{someone.id}/credit-analysis").status_code == 200
        running.wait_for(500)

        clock.jump_to(0)
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
