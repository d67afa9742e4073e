# SPDX-License-Identifier: Apache-2.0
"""A gateway alone, before services that a test plays itself."""

import subprocess

import requests

from harness import people
from harness.engines import BINARY, PLAIN, ROOT
from harness.waiting import free_port, poll


class Gateway:
    """Ready when made; `client` calls it with the internal key. All services are at one URL."""

    def __init__(self, engines, url, command=(), **settings):
        env = dict(PLAIN, SECRET_KEY=engines.env["SECRET_KEY"], INTERNAL_SERVICE_API_KEY=engines.env["INTERNAL_SERVICE_API_KEY"])
        env.update({f"{name}_SERVICE_URL": url for name in ("EMOTION", "TRANSACTION", "USER_CREDIT")})
        env.update(settings)
        env["API_GATEWAY_LISTEN"] = f"127.0.0.1:{free_port()}"
        self.internal_key = env["INTERNAL_SERVICE_API_KEY"]
        self.host, port = env["API_GATEWAY_LISTEN"].split(":")
        self.port = int(port)
        self.url = "http://" + env["API_GATEWAY_LISTEN"]
        self.process = subprocess.Popen(
            [*command, str(BINARY), "serve", "api-gateway-ecs"], env=env, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        self.client = self.new_client()

    def new_client(self):
        """What a test plays need not be as the API's description says."""
        client = people.Api(self.url, {"X-Internal-Key": self.internal_key})
        client.watch = None
        return client

    def is_up(self):
        try:
            return self.client.get("/healthz").status_code == 200
        except requests.RequestException:
            return False

    def is_ready(self):
        return self.is_up() and self.client.get("/readyz").status_code == 200

    def wait_ready(self):
        poll(self.is_ready, 15, "the gateway to be ready")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(15) == 0
