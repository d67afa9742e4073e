# SPDX-License-Identifier: Apache-2.0
"""Registering, logging in, and the profile."""

import statistics
import time
import uuid

import pytest

from harness.people import PASSWORD, new_email
from harness.tokens import decode
from problems import assert_faults, assert_problem

REGISTER, LOGIN = "/v1/auth/register", "/v1/auth/login"


def test_a_new_person_is_registered(anybody, db):
    email = new_email()
    answer = anybody.post(REGISTER, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert uuid.UUID(body["id"])
    assert body["email"] == email
    assert body["consents"] == {"emotional_data": False}
    assert body["created_at"] == body["updated_at"]
    [(stored,)] = db("SELECT password_hash FROM users WHERE id = %s", body["id"])
    assert stored.startswith("$argon2id$")
    assert "password" not in answer.text


def test_a_consent_can_be_given_with_the_registration(anybody, db):
    answer = anybody.post(
        REGISTER,
        json={"email": new_email(), "password": PASSWORD, "consents": {"emotional_data": True}},
    )
    assert answer.status_code == 201
    assert answer.json()["consents"] == {"emotional_data": True}
    rows = db("SELECT purpose, withdrawn_at FROM consents WHERE user_id = %s", answer.json()["id"])
    assert rows == [("emotional_data", None)]


@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_an_email_is_taken_whatever_its_case(anybody, change):
    email = new_email()
    assert anybody.post(REGISTER, json={"email": email, "password": PASSWORD}).status_code == 201
    answer = anybody.post(REGISTER, json={"email": change(email), "password": "another password"})
    assert_problem(answer, 409)


@pytest.mark.parametrize("password", ["x" * 8, "x" * 128, "pässwörd", "12345678"])
def test_passwords_of_8_to_128_characters_are_good(anybody, password):
    email = new_email()
    assert anybody.post(REGISTER, json={"email": email, "password": password}).status_code == 201
    assert anybody.post(LOGIN, json={"email": email, "password": password}).status_code == 200


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["email", "password"]),
        ({"email": "a@example.com"}, ["password"]),
        ({"email": "nobody", "password": PASSWORD}, ["email"]),
        ({"email": "@example.com", "password": PASSWORD}, ["email"]),
        ({"email": "a@", "password": PASSWORD}, ["email"]),
        ({"email": "a b@example.com", "password": PASSWORD}, ["email"]),
        ({"email": "a@example.com\nBcc: b@example.com", "password": PASSWORD}, ["email"]),
        ({"email": "a" * 250 + "@example.com", "password": PASSWORD}, ["email"]),
        ({"email": 5, "password": PASSWORD}, ["email"]),
        ({"email": "", "password": ""}, ["email", "password"]),
        ({"email": "a@example.com", "password": "x" * 7}, ["password"]),
        ({"email": "a@example.com", "password": "x" * 129}, ["password"]),
        ({"email": "a@example.com", "password": None}, ["password"]),
        ({"email": "a@example.com", "password": ["x" * 8]}, ["password"]),
        ({"email": None, "password": 12345678}, ["email", "password"]),
    ],
)
def test_every_fault_of_a_registration_is_named(anybody, body, fields):
    assert_faults(anybody.post(REGISTER, json=body), *fields)


@pytest.mark.parametrize("consents", [{"emotional_data": "yes"}, {"emotional_data": 1}, []])
def test_a_consent_is_true_or_false(anybody, consents):
    answer = anybody.post(
        REGISTER, json={"email": new_email(), "password": PASSWORD, "consents": consents}
    )
    errors = assert_problem(answer, 422)["errors"]
    assert errors[0]["field"].startswith("consents")


def test_a_login_gives_a_token_for_an_hour_at_most(anybody, person):
    someone = person()
    answer = anybody.post(LOGIN, json={"email": someone.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    head, claims, _ = body["access_token"].split(".")
    assert decode(head)["alg"] == "HS256"
    claims = decode(claims)
    assert claims["sub"] == someone.id
    assert claims["iss"] and claims["aud"]
    assert claims["exp"] - claims["iat"] == body["expires_in"] <= 3600


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(anybody, person):
    someone = person()
    wrong = anybody.post(LOGIN, json={"email": someone.email, "password": "not the password"})
    unknown = anybody.post(LOGIN, json={"email": new_email(), "password": PASSWORD})
    bodies = []
    for answer in (wrong, unknown):
        body = assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"]
        bodies.append({name: value for name, value in body.items() if name != "request_id"})
    assert bodies[0] == bodies[1]


def test_a_wrong_password_and_an_unknown_email_take_the_same_time(anybody, person):
    someone = person()

    def seconds(email):
        started = time.perf_counter()
        anybody.post(LOGIN, json={"email": email, "password": "not the password"})
        return time.perf_counter() - started

    pairs = [(seconds(someone.email), seconds(new_email())) for _ in range(9)]
    wrong, unknown = (statistics.median(column) for column in zip(*pairs))
    assert 0.5 < wrong / unknown < 2, (wrong, unknown)


@pytest.mark.parametrize("body, fields", [({}, ["email", "password"]), ({"email": 1, "password": {}}, ["email", "password"])])  # fmt: skip
def test_a_login_without_its_members_is_invalid(anybody, body, fields):
    assert_faults(anybody.post(LOGIN, json=body), *fields)


@pytest.mark.parametrize("path", [REGISTER, LOGIN])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"email": "a@example.com",}', b"\xff\xfe", b'{"a": NaN}',
     b'{"email": "a@example.com", "email": "b@example.com", "password": "12345678"}',
     b'{"email": "a@example.com", "password": "12345678"} x',
     b'{"email": "a@example.com", "password": "1234\\u00005678"}',
     b'{"email": "\xc3\x28@example.com", "password": "12345678"}',
     b"[" * 10000],
)  # fmt: skip
def test_what_is_not_json_is_refused(anybody, path, body):
    answer = anybody.post(path, data=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 400)


@pytest.mark.parametrize("path", [REGISTER, LOGIN])
@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
def test_json_that_is_not_an_object_is_invalid(anybody, path, body):
    assert_faults(anybody.post(path, data=body, headers={"Content-Type": "application/json"}), "")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])  # fmt: skip
def test_another_content_type_is_refused(anybody, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    body = b'{"email": "a@example.com", "password": "12345678"}'
    assert_problem(anybody.post(LOGIN, data=body, headers=headers), 415)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])  # fmt: skip
def test_json_by_any_spelling_is_taken(anybody, person, content_type):
    someone = person()
    body = f'{{"email": "{someone.email}", "password": "{PASSWORD}"}}'
    answer = anybody.post(LOGIN, data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200


def test_a_body_over_the_limit_is_refused(anybody):
    answer = anybody.post(LOGIN, json={"email": "a@example.com", "password": "x" * 70000})
    assert_problem(answer, 413)


def test_sql_in_a_string_is_only_a_string(anybody, db):
    answer = anybody.post(
        LOGIN, json={"email": "a@example.com' OR 1=1; DROP TABLE users; --", "password": PASSWORD}
    )
    assert answer.status_code in (401, 422)
    assert db("SELECT count(*) FROM users")[0][0] > 0


def test_the_profile_tells_what_is_known(person):
    someone = person(consent=False)
    body = someone.client.get(f"/v1/users/{someone.id}").json()
    assert body["id"] == someone.id
    assert body["email"] == someone.email
    assert body["consents"] == {"emotional_data": False}
    assert "password_hash" not in body
