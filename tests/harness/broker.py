# SPDX-License-Identifier: Apache-2.0
"""A nats-server of a test's own, with a configuration of the test's own."""

import signal
import socket
import subprocess

from harness.engines import PLAIN
from harness.waiting import poll


class Broker:
    """Listens on 127.0.0.1:`port` and runs from `start` until `stop` or `kill`."""

    def __init__(self, folder, name, port, config, **environment):
        self.name, self.port = name, port
        self.environment = dict(PLAIN, **environment)
        self.config, self.log = folder / f"{name}.conf", folder / f"{name}.log"
        self.config.write_text(config)
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["nats-server", "-c", str(self.config)], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        poll(self._greets, what=f"{self.name} to listen")

    def _greets(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    def kill(self):
        """Ends it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
