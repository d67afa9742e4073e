# SPDX-License-Identifier: Apache-2.0
"""Holds what the stores contain against what clients were told, and names each difference.

What was answered OK is there once; what failed, or whose answer was lost, at most once; and nothing
is there that nobody asked for."""

from collections import Counter, defaultdict

from harness.stores import read_stores, wait_until_quiet

STRESS_THRESHOLD = 7 * 10**8  # of a stress event, in billionths


def check(history, db, nats):
    """Waits until the backlog is empty; then every promise of the history has to hold."""
    wait_until_quiet(db, nats)
    found = differences(history, read_stores(db, nats, history.people))
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])


def differences(history, stores):
    """One line for each thing that must not be; none when all is well."""
    return [
        *_answers(history),
        *_events("emotion", history, "emotions", stores.emotions, history.without_consent),
        *_sums(stores),
        *_events("transaction", history, "transactions", stores.transactions),
        *_offers(history, stores),
        *_credits_of_a_person(stores),
        *_notifications(stores),
        *(f"dead letter of {person}: {reason}" for person, reason in stores.dead),
    ]


def _answers(history):
    for code in set(history.codes) - {200, 202, 409, 503, "no answer"}:
        yield f"{history.codes[code]} requests were answered {code}"
    if history.without_retry_after:
        yield f"{history.without_retry_after} answers 503 did not say when to come again"


def _events(what, history, kind, rows, unwanted=()):
    asked = getattr(history, kind)
    stored = Counter(identity for identity, *_ in rows)
    for identity, person, *values in rows:
        if identity not in asked:
            yield f"{what} {identity} of {person} is stored, and nobody sent it"
        elif asked[identity] != (person, *values):
            yield f"{what} {identity} was sent as {asked[identity]} and is stored as {(person, *values)}"
        if person in unwanted:
            yield f"{what} {identity} is stored without the consent of {person}"
    for identity, count in stored.items():
        if count > 1:
            yield f"{what} {identity} is stored {count} times"
    for identity in sorted(history.promised(kind) - set(stored)):
        if asked[identity][0] not in unwanted:
            yield f"{what} {identity} was acknowledged and is lost"


def _sums(stores):
    exact = defaultdict(lambda: (0, 0, 0, 0, 0))
    for _, person, day, *values in stores.emotions:
        parts = (1, values[-1] >= STRESS_THRESHOLD, *values)
        exact[person, day] = tuple(a + b for a, b in zip(exact[person, day], parts))
    for key in sorted(set(exact) | set(stores.sums)):
        if exact.get(key) != stores.sums.get(key):
            yield f"the sums of {key} are {stores.sums.get(key)}, its events make {exact.get(key)}"


def _offers(history, stores):
    """An acceptance leads to one activation: of the last one, which stays, and of each before it."""
    accepted = [(offer.accepted_at, identity) for identity, offer in stores.offers.items() if offer.accepted_at]
    last = {stores.offers[identity].person: identity for _, identity in sorted(accepted)}
    told = {identity for _, identity in stores.notifications}
    for identity, offer in stores.offers.items():
        if not offer.accepted_at:
            if offer.activated_at or offer.status == "active" or identity in told:
                yield f"offer {identity} became active, and nobody accepted it"
            continue
        if identity not in history.acceptances:
            yield f"offer {identity} is accepted, and nobody asked for it"
        if not offer.activated_at or offer.status not in ("active", "superseded"):
            yield f"offer {identity} was accepted and is {offer.status}, never active"
        if last[offer.person] == identity:
            if offer.status != "active":
                yield f"offer {identity} was accepted last and is {offer.status}"
            if identity not in told:
                yield f"nobody is told of offer {identity}, accepted last"
    for identity in sorted(history.promised("acceptances")):
        if identity not in stores.offers or not stores.offers[identity].accepted_at:
            yield f"the acceptance of {identity} was promised and is lost"


def _credits_of_a_person(stores):
    active = Counter(offer.person for offer in stores.offers.values() if offer.status == "active")
    for person, count in active.items():
        if count > 1:
            yield f"{person} has {count} active credits"


def _notifications(stores):
    for where, notes in (("stored", stores.notifications), ("told", stores.told)):
        for offer, count in Counter(offer for _, offer in notes).items():
            if count > 1:
                yield f"the activation of {offer} is {where} {count} times"
    for note, offer in sorted(set(stores.notifications) - set(stores.told)):
        yield f"notification {note} of {offer} was never told"
    for note, offer in sorted(set(stores.told) - set(stores.notifications)):
        yield f"notification {note} of {offer} was told, and there is none"
