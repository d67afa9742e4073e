# SPDX-License-Identifier: Apache-2.0
"""Every route, as the program itself tells it, so that a new one cannot be forgotten."""

from collections import namedtuple

from harness.topology import run_command

Route = namedtuple("Route", "method pattern auth service has_body internal")


def all_routes():
    """The lines of `ecs routes`: method, pattern, rule, reach, body, service."""
    found = []
    for line in run_command({}, "routes").stdout.splitlines():
        method, pattern, rule, reach, body, service = line.split()
        rule = rule.upper().replace("-", "_")
        found.append(Route(method, pattern, rule, service, body == "body", reach == "internal"))
    return found


def public_routes(auth=None):
    """Those that the gateway serves, of one auth rule when named."""
    return [r for r in all_routes() if not r.internal and auth in (None, r.auth)]


def identify(route):
    return f"{route.method} {route.pattern}"
