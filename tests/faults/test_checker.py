# SPDX-License-Identifier: Apache-2.0
"""The checker itself: it is silent when all is well, and catches each thing that must never happen."""

import datetime
import itertools
import re
from copy import deepcopy
from decimal import Decimal

import pytest

from harness.checker import differences
from harness.history import FAILED, OK, UNKNOWN, History
from harness.stores import STREAMS, Offer, Stores, backlog

DAY = datetime.date(2026, 1, 2)
NOON = datetime.datetime(2026, 1, 2, 12)


@pytest.fixture
def all_well():
    """Nothing has to run here."""


def told_and_stored():
    """Two people, one of them without consent; and stores that hold what they were promised."""
    history = History(people=["anna"], without_consent=["ben"])
    history.record("emotions", "e1", ("anna", DAY, 5, 6, 800000000), OK)
    history.record("emotions", "e2", ("anna", DAY, 1, 2, 3), UNKNOWN)
    history.record("emotions", "e3", ("ben", DAY, 1, 1, 1), OK)
    history.record("transactions", "t1", ("anna", Decimal(5)), OK)
    history.record("transactions", "t2", ("anna", Decimal(6)), FAILED)
    history.record("acceptances", "o1", "anna", OK)
    history.record("acceptances", "o2", "anna", UNKNOWN)
    stores = Stores(
        emotions=[("e1", "anna", DAY, 5, 6, 800000000), ("e2", "anna", DAY, 1, 2, 3)],
        sums={("anna", DAY): (2, 1, 6, 8, 800000003)},
        transactions=[("t1", "anna", Decimal(5))],
        offers={
            "o1": Offer("anna", "superseded", NOON, NOON),
            "o2": Offer("anna", "active", NOON + datetime.timedelta(hours=1), NOON),
            "o3": Offer("anna", "offered"),
        },
        notifications=[("n1", "o1"), ("n2", "o2")],
        told=[("n1", "o1"), ("n2", "o2")],
    )
    return history, stores


def test_what_was_promised_and_no_more_is_well():
    assert differences(*told_and_stored()) == []


def lose_an_event(stores):
    stores.transactions.clear()


def lose_an_emotion_and_its_sum(stores):
    del stores.emotions[0]
    stores.sums["anna", DAY] = (1, 0, 1, 2, 3)


def double_a_row(stores):
    stores.transactions.append(stores.transactions[0])


def count_an_event_twice(stores):
    stores.sums["anna", DAY] = (3, 2, 11, 14, 1600000003)


def miss_a_stress_event(stores):
    stores.sums["anna", DAY] = (2, 0, 6, 8, 800000003)


def invent_an_event(stores):
    stores.transactions.append(("t9", "anna", Decimal(1)))


def change_an_amount(stores):
    stores.transactions[0] = ("t1", "anna", Decimal(50))


def give_it_to_another(stores):
    stores.transactions[0] = ("t1", "ben", Decimal(5))


def store_without_consent(stores):
    stores.emotions.append(("e3", "ben", DAY, 1, 1, 1))
    stores.sums["ben", DAY] = (1, 0, 1, 1, 1)


def bury_an_event(stores):
    stores.dead.append(("anna", "failed 8 times"))


def lose_an_acceptance(stores):
    stores.offers["o1"] = Offer("anna", "superseded")
    stores.notifications.remove(("n1", "o1"))
    stores.told.remove(("n1", "o1"))


def never_activate(stores):
    stores.offers["o2"].status, stores.offers["o2"].activated_at = "offered", None


def activate_twice(stores):
    stores.notifications.append(("n3", "o2"))
    stores.told.append(("n3", "o2"))


def leave_two_active(stores):
    stores.offers["o1"].status = "active"


def activate_unasked(stores):
    stores.offers["o3"] = Offer("anna", "active", None, NOON)


def tell_twice(stores):
    stores.told.append(("n3", "o2"))


def tell_nobody(stores):
    stores.told.pop()


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lose_an_event, "t1 was acknowledged and is lost"),
        (lose_an_emotion_and_its_sum, "e1 was acknowledged and is lost"),
        (double_a_row, "t1 is stored 2 times"),
        (count_an_event_twice, "the sums of"),
        (miss_a_stress_event, "the sums of"),
        (invent_an_event, "t9 of anna is stored, and nobody sent it"),
        (change_an_amount, "t1 was sent as"),
        (give_it_to_another, "t1 was sent as"),
        (store_without_consent, "e3 is stored without the consent of ben"),
        (bury_an_event, "dead letter of anna"),
        (lose_an_acceptance, "the acceptance of o1 was promised and is lost"),
        (never_activate, "o2 was accepted and is offered, never active"),
        (activate_twice, "the activation of o2 is stored 2 times"),
        (leave_two_active, "anna has 2 active credits"),
        (activate_unasked, "o3 became active, and nobody accepted it"),
        (tell_twice, "the activation of o2 is told 2 times"),
        (tell_nobody, "was never told"),
    ],
)
def test_it_catches(spoil, says):
    history, stores = told_and_stored()
    spoilt = deepcopy(stores)
    spoil(spoilt)
    assert any(says in line for line in differences(history, spoilt)), differences(history, spoilt)


def test_the_best_answer_counts():
    history = History(people=["anna"])
    for outcome in (UNKNOWN, OK, FAILED):
        history.record("transactions", "t1", ("anna", Decimal(5)), outcome)
    assert history.promised("transactions") == {"t1"}


class LastCredit:
    """One acceptance on its way, a step further when it was looked for often enough: its row waits for
    the outbox, its message for the worker, its notification for the other outbox."""

    def __init__(self, *places):
        self.places = list(places)

    def _is_in(self, place):
        return int(self.places.pop(0) == place)

    def db(self, sql):
        return [(self._is_in(re.search(r"FROM (\w+)", sql)[1]),)]

    def consumers(self, stream):
        return [stream]

    def backlog(self, stream):
        return self._is_in(stream)


LOOKS = 3 + len(STREAMS)


@pytest.mark.parametrize("unsent, unfinished", itertools.product(range(LOOKS), repeat=2))
def test_what_moves_on_while_it_is_looked_for_is_met(unsent, unfinished):
    moving = LastCredit(*["credit_limits"] * unsent, *["credits"] * unfinished, *["notifications"] * LOOKS)
    assert backlog(moving.db, moving) > 0


def test_an_answer_that_nobody_may_get_is_found():
    history, stores = told_and_stored()
    history.codes.update([200, 202, 409, 503, "no answer", 500])
    history.without_retry_after = 1
    assert [line.split()[-1] for line in differences(history, stores)] == ["500", "again"]
