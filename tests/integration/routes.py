# SPDX-License-Identifier: Apache-2.0
"""Every route, read from the services' own tables, so that a new one cannot be forgotten."""

import re
from collections import namedtuple

from harness.engines import ROOT

Route = namedtuple("Route", "method pattern auth service has_body")
ROW = re.compile(
    r"\{\s*HTTP_(?P<method>\w+),\s*\"(?P<pattern>[^\"]+)\",\s*AUTH_(?P<auth>\w+),(?P<rest>[^}]*)\}"
)


def all_routes():
    """The rows `{HTTP_POST, "/v1/...", AUTH_..., ...}` in the services' folders."""
    found = []
    for file in sorted((ROOT / "src" / "services").glob("*/*.c")):
        for row in ROW.finditer(file.read_text()):
            has_body = bool(re.search(r"\.has_body = true|,\s*true\s*$", row["rest"]))
            found.append(Route(row["method"], row["pattern"], row["auth"], file.parent.name, has_body))
    return found


def public_routes(auth=None):
    """Those that the gateway serves, of one auth rule when named."""
    return [r for r in all_routes() if r.pattern != "/v1/predict" and auth in (None, r.auth)]


def identify(route):
    return f"{route.method} {route.pattern}"
