# SPDX-License-Identifier: Apache-2.0
"""Who may call what: tokens good and forged, the internal key, and what belongs to others."""

import hashlib
import json
import time
import uuid

import pytest

from harness.people import Api, emotion
from harness.tokens import claims_like, decode, encode, sign
from problems import assert_problem
from routes import all_routes, identify, public_routes
from topologies import one_process_each


@pytest.fixture(scope="module")
def someone(topology):
    from harness.people import Person

    return Person(topology)


def path_for(route, user_id):
    """The path of a route with this person, and made-up ids for the rest."""
    path = route.pattern.replace("{user_id}", user_id)
    while "{" in path:
        path = path[: path.index("{")] + str(uuid.uuid4()) + path[path.index("}") + 1 :]
    return path


def test_the_table_of_routes_is_found():
    patterns = {(route.method, route.pattern) for route in all_routes()}
    assert {
        ("POST", "/v1/auth/register"), ("POST", "/v1/auth/login"), ("POST", "/v1/emotions/stream"),
        ("POST", "/v1/transactions"), ("POST", "/v1/users/{user_id}/credit-analysis"),
        ("POST", "/v1/credit-offers/{offer_id}/accept"), ("GET", "/v1/users/{user_id}/offers"),
    } <= patterns  # fmt: skip


@pytest.mark.parametrize("route", public_routes("PERSON"), ids=identify)
def test_a_persons_route_needs_a_token(anybody, someone, route):
    for headers in (
        {}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "},
        {"Authorization": f"Basic {someone.token}"}, {"Authorization": someone.token},
        {"Authorization": "Bearer x.y.z"}, {"Authorization": f"Bearer {someone.token}x"},
        {"X-Internal-Key": someone.topology.internal_key},
    ):  # fmt: skip
        answer = anybody.call(
            route.method, path_for(route, someone.id), json={"userId": someone.id, "amount": 1},
            headers=headers,
        )  # fmt: skip
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", public_routes("PERSON"), ids=identify)
def test_a_persons_route_serves_only_that_person(someone, person, route):
    stranger = person()
    answer = someone.client.call(
        route.method, path_for(route, stranger.id),
        json={"userId": stranger.id, "amount": 1, "granted": True},
    )  # fmt: skip
    expected = 404 if "{offer_id}" in route.pattern or "{decision_id}" in route.pattern else 403
    assert answer.status_code in (expected, 403), answer.text
    assert_problem(answer, answer.status_code)


@pytest.mark.parametrize("route", public_routes("INTERNAL_KEY"), ids=identify)
def test_an_internal_route_needs_the_key(topology, someone, route):
    key = topology.internal_key
    for headers in (
        {}, {"X-Internal-Key": ""}, {"X-Internal-Key": key + "x"}, {"X-Internal-Key": key[:-1]},
        {"X-Internal-Key": key.upper() + "0"}, {"X-Internal-Key": f"{key},{key}"},
        {"Authorization": f"Bearer {someone.token}"}, {"Authorization": f"Bearer {key}"},
    ):  # fmt: skip
        answer = Api(topology.url, headers).call(route.method, route.pattern, json=emotion(someone.id))
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"]


def forgeries(someone):
    """Name and token of everything that must not pass, made from a token that does."""
    secret, good = someone.topology.secret_key, someone.token
    head = decode(good.split(".")[0])
    first, second, third = good.split(".")
    now = int(time.time())

    def like(**changes):
        return sign(secret, head, claims_like(good, **changes))

    yield "expired", like(iat=now - 3700, exp=now - 100)
    yield "expired now", like(iat=now - 3600, exp=now)
    yield "longer than an hour", like(exp=now + 7200)
    yield "issued ahead", like(iat=now + 600, exp=now + 1200)
    yield "not yet valid", like(nbf=now + 600)
    yield "ends before it begins", like(iat=now, exp=now - 1)
    for name in ("exp", "iat", "sub", "iss", "aud"):
        yield f"without {name}", like(**{name: None})
    yield "another issuer", like(iss="somebody")
    yield "another audience", like(aud="somebody")
    yield "sub no UUID", like(sub="admin")
    yield "sub a number", like(sub=7)
    yield "sub empty", like(sub="")
    yield "sub with braces", like(sub="{%s}" % someone.id)
    yield "exp as text", like(exp=str(now + 600))
    yield "exp a huge number", like(exp=10**30)
    yield "exp negative", like(exp=-1)
    yield "another secret", sign(secret + "x", head, claims_like(good))
    yield "empty secret", sign("", head, claims_like(good))
    for alg in ("none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "hs256", "", "HS256 ", None, 5):
        yield f"alg {alg!r}", sign(secret, {**head, "alg": alg}, claims_like(good))
    yield "alg none, no signature", f"{encode({'alg': 'none', 'typ': 'JWT'})}.{second}."
    yield "HS512 for real", sign(secret, {**head, "alg": "HS512"}, claims_like(good), hashlib.sha512)
    yield "HS384 for real", sign(secret, {**head, "alg": "HS384"}, claims_like(good), hashlib.sha384)
    yield "no alg", sign(secret, {"typ": "JWT"}, claims_like(good))
    yield "critical header", sign(secret, {**head, "crit": ["exp"], "exp": 1}, claims_like(good))
    yield "no signature", f"{first}.{second}."
    yield "two segments", f"{first}.{second}"
    yield "four segments", f"{good}.{third}"
    yield "five segments", ".".join([first, second, third, third, third])
    yield "empty segments", ".."
    yield "padding", f"{first}.{second}.{third}="
    yield "standard alphabet", f"{first}.{second}.{third[:-1]}+"
    yield "signature cut", good[:-2]
    yield "other last bits", good[:-1] + other_bits(good[-1])
    yield "claims not signed", f"{first}.{encode(claims_like(good, sub=str(uuid.uuid4())))}.{third}"
    text = json.dumps(claims_like(good))
    yield "duplicate sub", sign(secret, head, text[:-1] + f', "sub": "{uuid.uuid4()}"' + "}")
    yield "duplicate exp", sign(secret, head, text[:-1] + f', "exp": {now + 60}' + "}")
    yield "claims no object", sign(secret, head, "[]")
    yield "claims no JSON", sign(secret, head, "{")
    yield "claims with a tail", sign(secret, head, text + "x")
    yield "head no JSON", sign(secret, "{", claims_like(good))
    yield "spaces inside", f"{first}. {second}.{third}"
    yield "very long", like(extra="x" * 4000)


def other_bits(letter):
    """A base64url letter that differs only in bits that a decoder drops."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def test_a_token_made_by_the_rules_is_good(someone):
    head, claims, _ = someone.token.split(".")
    token = sign(someone.topology.secret_key, decode(head), decode(claims))
    answer = Api(someone.topology.url, {"Authorization": f"Bearer {token}"}).get(
        f"/v1/users/{someone.id}/offers"
    )
    assert answer.status_code == 200


def test_no_forged_token_passes(someone):
    passed = []
    for name, token in forgeries(someone):
        answer = Api(someone.topology.url, {"Authorization": f"Bearer {token}"}).get(
            f"/v1/users/{someone.id}/offers"
        )
        if answer.status_code != 401 or "WWW-Authenticate" not in answer.headers:
            passed.append((name, answer.status_code))
    assert passed == []


def test_a_token_in_the_query_is_no_credential(anybody, someone):
    path = f"/v1/users/{someone.id}/offers?access_token={someone.token}"
    assert_problem(anybody.get(path), 401)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_has_no_case(anybody, someone, scheme):
    answer = anybody.get(
        f"/v1/users/{someone.id}/offers", headers={"Authorization": f"{scheme} {someone.token}"}
    )
    assert answer.status_code == 200


def test_the_persons_id_in_capitals_is_the_same_person(someone):
    answer = someone.client.get(f"/v1/users/{someone.id.upper()}/offers")
    assert answer.status_code == 200


@pytest.mark.parametrize("user_id", ["7", "null", "*", "..%2f", "me"])
def test_a_bad_person_in_the_path_is_refused(someone, user_id):
    answer = someone.client.get(f"/v1/users/{user_id}/offers")
    assert answer.status_code in (400, 403, 404, 422)
    assert_problem(answer, answer.status_code)


@one_process_each
def test_a_service_checks_again_behind_the_gateway(topology, someone):
    """No service trusts the network."""
    for route in all_routes():
        if route.auth == "PUBLIC":
            continue
        url = topology.env[
            {
                "emotion-ingestion-service": "EMOTION_SERVICE_URL",
                "transaction-service": "TRANSACTION_SERVICE_URL",
                "user-and-credit-service": "USER_CREDIT_SERVICE_URL",
                "credit-analysis-service": "CREDIT_ANALYSIS_SERVICE_URL",
            }[route.service]
        ]
        answer = Api(url).call(route.method, path_for(route, someone.id), json={})
        assert_problem(answer, 401)


def test_the_risk_model_is_not_reachable_from_outside(someone, sender):
    for client in (someone.client, sender):
        assert_problem(client.post("/v1/predict", json={}), 404)
