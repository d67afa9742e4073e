# SPDX-License-Identifier: Apache-2.0
"""Money, consent and credit under random interleavings: hypothesis plays people, clocks and crashes
against the real services, and a model of a few lines says what each answer may be. At the end of each
play everything that was promised is held against the stores.

`make test` plays the same games each time; FAULTS_SEED=n plays others. A failure prints its moves."""

import datetime
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conftest import LONG

from harness.checker import check
from harness.history import FAILED, OK, UNKNOWN, History
from harness.people import Person
from harness.redis import redis_command
from harness.tokens import for_person

SEED = os.environ.get("FAULTS_SEED")
GAMES, MOVES_A_GAME = (60, 80) if LONG else (6, 40)
PLAYERS = 3
ONE = 10**9  # a metric of 1, in billionths
WORKERS = ("emotion-processing-worker", "transaction-processing-worker", "credit-application-worker")
IN_TIME_MS = 60_000  # an offer that stands longer than this is accepted by who asks now
OPEN, ACCEPTED, ENDED = "open", "accepted", "ended"
PROCESSED = (200, 202)  # what an acceptance that stands is answered
CONFLICT, INVALID = 409, 422


def move(name, **arguments):
    """A call of that method of the game."""
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments))


WHO = st.integers(0, PLAYERS - 1)
# A list of rules rather than hypothesis' state machines: their games are mostly a few moves long, and
# each game costs a second before its first one.
MOVES = st.one_of(
    move("accept", who=WHO, which=st.integers(0, 3), clients=st.integers(1, 2)),
    move("analyse", who=WHO, much_later=st.sampled_from([True, True, False])),
    move("accept_at_its_last_moment", who=WHO, left_ms=st.sampled_from([-1000, 0, 2, 5, 10, 20])),
    move("accept_while_it_is_superseded", who=WHO),
    move("change_consent", who=WHO),
    move("pay", who=WHO, cents=st.integers(1, 500000), repeat=st.booleans()),
    move("feel", who=WHO, stress=st.integers(0, 1000)),
    move("stop_or_start_a_worker", worker=st.sampled_from(WORKERS)),
    move("restart_a_worker", worker=st.sampled_from(WORKERS)),
    move("clock_jumps", to=st.sampled_from([-3600, 0, 3600])),
)


class Player:
    """One person, and what the model believes of them."""

    def __init__(self, person, consent):
        self.person, self.id, self.consent = person, person.id, consent
        self.offers = {}  # offer id: OPEN, ACCEPTED or ENDED; in the order of their making
        self.decision = None  # the id of the last one

    def open_offer(self):
        return next((offer for offer, state in self.offers.items() if state == OPEN), None)


class Game:
    """One play: its moves, and what must hold after each of them and at its end."""

    def __init__(self, topology, db, nats, redis, clock):
        self.topology, self.db, self.nats, self.redis, self.clock = topology, db, nats, redis, clock
        self.stopped, self.pool = set(), ThreadPoolExecutor(2)
        self.players = [Player(Person(topology, consent=consent), consent) for consent in (True, False, True)]
        self.known = {player.id: player for player in self.players}
        self.history = History(people=self.known)

    def play(self, moves):
        try:
            for name, arguments in moves:
                if "who" in arguments:
                    arguments = {**arguments, "player": self.players[arguments["who"]]}
                    del arguments["who"]
                getattr(self, name)(**arguments)
                self.nothing_emotional_without_consent()
                self.credits_are_as_they_were_asked_for()
        finally:
            self.start_what_stopped()
        self.history.without_consent = {player.id for player in self.players if not player.consent}
        check(self.history, self.db, self.nats)

    def start_what_stopped(self):
        self.pool.shutdown()
        self.clock.jump_to(0)
        for worker in self.stopped:
            self.topology.start(worker)
        self.topology.wait_ready()

    # ---- money and emotions

    def pay(self, player, cents, repeat):
        key, amount = str(uuid.uuid4()), Decimal(cents).scaleb(-2)
        event_id = str(uuid.uuid5(uuid.UUID(player.id), key))
        for _ in range(1 + repeat):
            answer = self.history.ask(
                "transactions", event_id, (player.id, amount), lambda: player.person.pay(cents / 100, key)
            )
            assert answer.status_code == 202, answer.text

    def feel(self, player, stress):
        event_id, at = str(uuid.uuid4()), datetime.datetime.now(datetime.timezone.utc)
        answer = player.person.feel(event_id=event_id, at=at.isoformat().replace("+00:00", "Z"), stress=stress / 1000)
        if self.clock.offset < 0:  # by this clock it is yet to be felt
            assert answer.status_code == INVALID, answer.text
            return
        assert answer.status_code == 202, answer.text
        asked = (player.id, at.date(), ONE // 2, ONE // 2, stress * ONE // 1000)
        # Without consent it is dropped; but it may still be on its way when consent is given.
        self.history.record("emotions", event_id, asked, OK if player.consent else UNKNOWN)

    def change_consent(self, player):
        player.consent = not player.consent
        answer = player.person.client.put(
            f"/v1/users/{player.id}/consents/emotional_data", json={"granted": player.consent}
        )
        assert answer.status_code == 200, answer.text
        for event_id, (person, *_) in self.history.emotions.items():
            if person == player.id and not player.consent:
                self.history.outcomes[event_id] = UNKNOWN

    # ---- credit

    def analyse(self, player, much_later):
        if much_later:
            self.let_an_hour_pass(player)
        self.take_decision(player, player.person.analyse())

    def let_an_hour_pass(self, player):
        """For the last decision, which is then not answered again."""
        self.db("UPDATE decisions SET created_at = created_at - interval '1 hour' WHERE user_id = %s", player.id)
        self.redis("DEL", f"ecs:decision:{player.id}")

    def take_decision(self, player, answer):
        assert answer.status_code == 200, answer.text
        decision = answer.json()
        if decision["decision_id"] == player.decision:
            return
        player.decision = decision["decision_id"]
        if player.open_offer():
            player.offers[player.open_offer()] = ENDED
        if decision["offer"]:
            player.offers[decision["offer"]["offer_id"]] = OPEN
        self.decision_is_explained(player, decision)

    def decision_is_explained(self, player, decision):
        consent, features, codes, approved = self.db(
            "SELECT emotional_consent, features, reason_codes, approved FROM decisions WHERE id = %s", player.decision
        )[0]
        assert consent == player.consent and approved == decision["approved"] == (decision["offer"] is not None)
        assert sorted(codes) == sorted(decision["reason_codes"])
        if not player.consent:
            assert features["avg_positivity_7d"] is None and features["stress_events_30d"] is None, features

    def accept(self, player, which, clients):
        """Any offer ever made, by one client or two at the same moment."""
        if not player.offers:
            self.analyse(player, False)
        if not player.offers:
            return
        offer = list(player.offers)[-1 - which % len(player.offers)]
        state = player.offers[offer]
        calls = [self.pool.submit(player.person.accept, offer) for _ in range(clients)]
        for answer in [call.result() for call in calls]:
            if state == OPEN:
                assert answer.status_code in PROCESSED, answer.text
            elif state == ENDED:
                assert answer.status_code == CONFLICT, answer.text
            else:  # a later credit may have taken its place
                later = [o for o, s in player.offers.items() if s == ACCEPTED and o != offer]
                assert answer.status_code in PROCESSED or (answer.status_code == CONFLICT and later), answer.text
        if state == OPEN:
            self.judge_acceptance(player, offer, 202)

    def judge_acceptance(self, player, offer, code):
        player.offers[offer] = ACCEPTED if code in PROCESSED else ENDED
        self.history.record("acceptances", offer, player.id, OK if code in PROCESSED else FAILED)

    def fresh_offer(self, player):
        """One that is open, asked for if need be; None for who is denied."""
        if not player.open_offer():
            self.analyse(player, True)
        return player.open_offer()

    def accept_at_its_last_moment(self, player, left_ms):
        offer = self.fresh_offer(player)
        if not offer:
            return
        self.db(
            "UPDATE credit_limits SET expires_at = clock_timestamp() + %s * interval '1 millisecond'"
            " WHERE user_id = %s AND id = %s", left_ms, player.id, offer,
        )  # fmt: skip
        code = player.person.accept(offer).status_code
        left_ms -= self.clock.offset * 1000
        assert (code == CONFLICT and left_ms < IN_TIME_MS) or (code in PROCESSED and left_ms > 0), code
        self.judge_acceptance(player, offer, code)

    def accept_while_it_is_superseded(self, player):
        offer = self.fresh_offer(player)
        if not offer:
            return
        self.let_an_hour_pass(player)
        analysis = self.pool.submit(player.person.analyse)
        acceptance = player.person.accept(offer)
        assert acceptance.status_code in (*PROCESSED, CONFLICT), acceptance.text
        before = player.decision
        # First the acceptance: an offer that was accepted is not ended by the decision.
        self.judge_acceptance(player, offer, acceptance.status_code)
        self.take_decision(player, analysis.result())
        assert player.decision != before or acceptance.status_code in PROCESSED, "superseded by nothing"

    # ---- clock and workers

    def clock_jumps(self, to):
        """That of the services; the engines' stays."""
        self.clock.jump_to(to)
        for player in self.players:
            token = for_person(self.topology.secret_key, player.id, player.person.token, ahead=to)
            player.person.client.session.headers["Authorization"] = f"Bearer {token}"

    def stop_or_start_a_worker(self, worker):
        if worker in self.stopped:
            self.topology.start(worker)
            self.stopped.remove(worker)
        else:
            self.topology.kill(worker)
            self.stopped.add(worker)

    def restart_a_worker(self, worker):
        self.topology.kill(worker)
        self.topology.start(worker)
        self.stopped.discard(worker)

    # ---- what must hold at every moment

    def nothing_emotional_without_consent(self):
        people = [player.id for player in self.known.values() if not player.consent]
        for table in ("emotional_events", "emotional_event_ids", "emotional_events_summary"):
            assert self.db(f"SELECT count(*) FROM {table} WHERE user_id = ANY(%s::uuid[])", people) == [(0,)]

    def credits_are_as_they_were_asked_for(self):
        rows = self.db(
            "SELECT user_id::text, id::text, status, accepted_at IS NOT NULL FROM credit_limits"
            " WHERE user_id = ANY(%s::uuid[])", list(self.known),
        )  # fmt: skip
        assert {offer for _, offer, *_ in rows} == {o for player in self.known.values() for o in player.offers}
        for person, offer, status, accepted in rows:
            assert accepted == (self.known[person].offers[offer] == ACCEPTED), (offer, status)
            assert accepted or status != "active", offer
        active = [person for person, _, status, _ in rows if status == "active"]
        assert len(active) == len(set(active)), "two active credits"


def test_money_and_credit_hold_in_every_order_of_events(topology, engines, db, nats, clock):
    def redis(*words):
        return redis_command(engines.env["REDIS_URL"], *words)

    @settings(
        max_examples=GAMES, deadline=None, derandomize=SEED is None, database=None,
        phases=(Phase.generate, Phase.shrink) if LONG else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(MOVES, min_size=MOVES_A_GAME, max_size=MOVES_A_GAME))
    def games(moves):
        Game(topology, db, nats, redis, clock).play(moves)

    (seed(int(SEED))(games) if SEED else games)()
