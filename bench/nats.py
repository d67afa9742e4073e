# SPDX-License-Identifier: Apache-2.0
"""Just enough of the NATS client protocol to publish messages, count JetStream's acknowledgements, and
ask it for what it holds."""

import base64
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
        payload = self._message()
        if b'"error"' in payload:
            raise Failure(f"a message was refused: {payload.decode()}")

    def _message(self):
        while True:
            words = self.input.readline().split()
            if not words or words[0] == b"-ERR":
                raise Failure(f"the broker ended the connection: {b' '.join(words).decode()}")
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            if words[0] in (b"MSG", b"HMSG"):
                payload = self.input.read(int(words[-1]) + 2)
                if words[0] == b"HMSG":
                    raise Failure(f"nobody answers: {payload.decode()}")
                return payload

    def request(self, subject, body=None):
        """Asks JetStream; both sides are JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        self.socket.sendall(f"PUB {subject} {self.inbox} {len(data)}\r\n".encode() + data + b"\r\n")
        answer = json.loads(self._message())
        if "error" in answer:
            raise Failure(f"{subject}: {answer['error']['description']}")
        return answer

    def last_messages(self, stream, count):
        """The newest messages of a stream."""
        last = self.request(f"$JS.API.STREAM.INFO.{stream}")["state"]["last_seq"]
        for sequence in range(max(1, last - count + 1), last + 1):
            message = self.request(f"$JS.API.STREAM.MSG.GET.{stream}", {"seq": sequence})["message"]
            yield base64.b64decode(message["data"])

    def close(self):
        self.input.close()
        self.socket.close()
