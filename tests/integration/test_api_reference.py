# SPDX-License-Identifier: Apache-2.0
"""The API describes itself. That its answers are as described is looked at in every test here: see
`described` in conftest.py."""

import re
from html.parser import HTMLParser

import pytest

from harness.description import Description
from harness.people import Api
from routes import public_routes

DESCRIPTION = Description()
HEALTH = {("GET", "/healthz"), ("GET", "/readyz")}
SECURITY = {"PUBLIC": [], "PERSON": [{"accessToken": []}], "OPERATOR": [{"operatorToken": []}],
            "INTERNAL_KEY": [{"internalKey": []}]}  # fmt: skip


def test_every_public_route_is_described_and_nothing_else():
    routes = {(route.method, route.pattern) for route in public_routes()}
    assert set(DESCRIPTION.operations) == routes | HEALTH


def test_it_says_who_may_call():
    for route in public_routes():
        operation = DESCRIPTION.operations[route.method, route.pattern]
        assert operation["security"] == SECURITY[route.auth], route
        assert ("requestBody" in operation) == route.has_body, route


def examples_of(node):
    """The schemas with their examples, wherever they stand."""
    if isinstance(node, dict):
        if "schema" in node:
            if "example" in node:
                yield node["schema"], node["example"]
            for example in node.get("examples", {}).values():
                yield node["schema"], example["value"]
        for member in node.values():
            yield from examples_of(member)
    elif isinstance(node, list):
        for item in node:
            yield from examples_of(item)


def test_its_examples_are_as_it_says():
    examples = list(examples_of(DESCRIPTION.document))
    assert len(examples) > 30
    for schema, example in examples:
        assert DESCRIPTION.faults_in(schema, example) == []


def objects_in(node, seen):
    """The object schemas of a schema, also those that it refers to."""
    if isinstance(node, list):
        for item in node:
            yield from objects_in(item, seen)
    elif isinstance(node, dict) and id(node) not in seen:
        seen.add(id(node))
        if "$ref" in node:
            yield from objects_in(DESCRIPTION.resolved(node), seen)
        if node.get("type") == "object":
            yield node
        for name, member in node.items():
            if name not in ("example", "examples"):
                yield from objects_in(member, seen)


def test_answers_have_no_members_but_those_described():
    """So that a member that is new, or missing, shows in the first test that meets it."""
    seen = set()
    objects = [found for operation in DESCRIPTION.operations.values()
               for found in objects_in(operation["responses"], seen)]  # fmt: skip
    assert len(objects) > 30
    for schema in objects:
        assert schema.get("additionalProperties", True) is not True, schema
        assert set(schema.get("required", [])) <= set(schema.get("properties", {})), schema


# ---- as it is served


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{tag} {name}"
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "action"):
                self.links.append(value)


@pytest.fixture
def page(topology):
    answer = Api(topology.url).get("/docs")
    assert answer.status_code == 200
    return answer, Page(answer.text)


def test_the_gateway_serves_the_description(topology):
    answer = Api(topology.url).get("/openapi.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == DESCRIPTION.document


def test_the_page_tells_of_every_operation(page):
    answer, parsed = page
    for (method, pattern), operation in DESCRIPTION.operations.items():
        assert operation["operationId"] in parsed.ids, f"{method} {pattern}"
        assert operation["summary"].split()[0] in answer.text
    assert len(parsed.ids) == len(set(parsed.ids))


def test_the_page_runs_nothing_and_fetches_nothing(page):
    answer, parsed = page
    assert "script" not in parsed.tags
    assert {link[0] for link in parsed.links} == {"#"}
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert not re.search(r"@import|url\(", answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
