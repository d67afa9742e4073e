# SPDX-License-Identifier: Apache-2.0
"""The API's description, and whether an answer is what it says."""

import json
import re
import threading

from jsonschema import Draft202012Validator, FormatChecker, RefResolver

from harness.engines import ROOT

ANYWHERE = {400, 405, 408, 413, 414, 417, 431, 501, 505}  # as the description says of all paths together
METHODS = {"get", "post", "put", "delete"}
FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def is_instant(value):
    """RFC 3339; the library knows no check of its own."""
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


class Description:
    def __init__(self):
        self.document = json.loads((ROOT / "api" / "openapi.json").read_text())
        self.lock = threading.Lock()
        self.resolver = RefResolver.from_schema(self.document)
        self.operations = {
            (method.upper(), pattern): operation
            for pattern, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        }
        self.patterns = [
            (re.compile(re.sub(r"{\w+}", "[^/?%]+", pattern) + r"(\?.*)?$"), pattern)
            for pattern in self.document["paths"]
        ]

    def resolved(self, node):
        return self.resolver.resolve(node["$ref"])[1] if "$ref" in node else node

    def operation_of(self, method, path):
        """None for a path or a method that is not described."""
        patterns = [pattern for expression, pattern in self.patterns if expression.match(path)]
        return self.operations.get(("GET" if method == "HEAD" else method, patterns[0])) if patterns else None

    def faults_in(self, schema, value):
        validator = Draft202012Validator(schema, resolver=self.resolver, format_checker=FORMATS)
        return [f"{'.'.join(map(str, fault.path))}: {fault.message[:300]}" for fault in validator.iter_errors(value)]

    def check(self, method, path, answer):
        """Fails when an answer to what is described is not. From any thread: the library's resolver is for one."""
        with self.lock:
            self.check_alone(method, path, answer)

    def check_alone(self, method, path, answer):
        operation = self.operation_of(method, path)
        if operation is None:
            return
        what = f"{method} {path}: {answer.status_code}"
        response = operation["responses"].get(str(answer.status_code))
        if response is None:
            assert answer.status_code in ANYWHERE, f"{what} is not described"
            return
        response = self.resolved(response)
        for header, rule in response.get("headers", {}).items():
            assert header in answer.headers or not self.resolved(rule).get("required"), f"{what} lacks {header}"
        if method != "HEAD":
            self.check_body(response, answer, what)

    def check_body(self, response, answer, what):
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        assert kind in response["content"], f"{what} is {kind}"
        if kind.endswith("json"):
            faults = self.faults_in(response["content"][kind]["schema"], answer.json())
            assert not faults, f"{what}: {faults}\n{answer.text[:2000]}"
