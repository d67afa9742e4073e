# SPDX-License-Identifier: Apache-2.0
"""Just enough of the NATS client protocol to publish messages and count JetStream's acknowledgements."""

import json
import socket
import urllib.parse
import uuid

from machine import Failure

IN_FLIGHT = 64  # messages not yet acknowledged


class Publisher:
    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port or 4222), timeout=10)
        self.input = self.socket.makefile("rb")
        self.inbox = f"_INBOX.{uuid.uuid4().hex}"
        self.input.readline()  # INFO
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "1", "protocol": 1}
        if address.username:
            options |= {
                "user": urllib.parse.unquote(address.username),
                "pass": urllib.parse.unquote(address.password or ""),
            }
        self.socket.sendall(f"CONNECT {json.dumps(options)}\r\nSUB {self.inbox} 1\r\nPING\r\n".encode())
        while not self.input.readline().startswith(b"PONG"):
            pass

    def publish(self, subject, messages):
        """Publishes all of them and returns when each is acknowledged."""
        open_ones = 0
        for message in messages:
            head = f"PUB {subject} {self.inbox} {len(message)}\r\n".encode()
            self.socket.sendall(head + message + b"\r\n")
            open_ones += 1
            if open_ones == IN_FLIGHT:
                self._acknowledged()
                open_ones -= 1
        for _ in range(open_ones):
            self._acknowledged()

    def _acknowledged(self):
        while True:
            words = self.input.readline().split()
            if not words or words[0] == b"-ERR":
                raise Failure(f"the broker ended the connection: {b' '.join(words).decode()}")
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            if words[0] in (b"MSG", b"HMSG"):
                payload = self.input.read(int(words[-1]) + 2)
                if words[0] == b"HMSG" or b'"error"' in payload:
                    raise Failure(f"a message was refused: {payload.decode()}")
                return

    def close(self):
        self.input.close()
        self.socket.close()
