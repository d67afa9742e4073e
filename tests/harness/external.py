# SPDX-License-Identifier: Apache-2.0
"""A system that others started, for the integration tests that need no more than its addresses. It is
named by the environment: ECS_EXTERNAL is a file of `NAME=value` lines as of var/env."""

import os
from urllib.parse import urlsplit

import psycopg2
import pytest

from harness.engines import read_env

def named():
    """The file's path, or None."""
    return os.environ.get("ECS_EXTERNAL")

class Known(dict):
    """Settings; a test that asks for another one is not for an external system."""

    def __missing__(self, name):
        pytest.skip(f"an external system says nothing of {name}")


class ExternalEngines:
    def __init__(self):
        self.env = Known(read_env(named()))

    def connect(self, url=None):
        connection = psycopg2.connect(url or self.env["DATABASE_URL"])
        connection.autocommit = True
        return connection

    def down(self):
        """They are not ours to stop."""

    def __getattr__(self, name):
        pytest.skip(f"an external system's engines have no {name}")

class ExternalTopology:
    name = "external"
    names = ()

    def __init__(self, engines):
        self.engines = engines
        self.env = engines.env
        self.url = self.env["API_URL"]
        self.host, self.port = urlsplit(self.url).hostname, urlsplit(self.url).port
        self.internal_key = self.env["INTERNAL_SERVICE_API_KEY"]
        self.secret_key = self.env["SECRET_KEY"]

    def __getattr__(self, name):
        pytest.skip(f"an external system's processes have no {name}")
