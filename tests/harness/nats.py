# SPDX-License-Identifier: Apache-2.0
"""A small NATS client over a socket: publish, subscribe, ask the JetStream API."""

import json
import socket
import ssl
import uuid
from urllib.parse import urlsplit


class NatsError(Exception):
    """What the server said with -ERR."""


class Nats:
    """One connection. Messages are (subject, headers text, data)."""

    def __init__(self, url, anonymous=False, ca=None):
        self.url, self.ca = url, ca
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self.input = self.socket.makefile("rb")
        self.info = json.loads(self.input.readline().split(b" ", 1)[1])
        if ca:
            context = ssl.create_default_context(cafile=str(ca))
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)
            self.input = self.socket.makefile("rb")
        # Below what a user with few permissions may listen to.
        self.inbox = f"_INBOX.{parts.username or 'tests'}"
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True,
                   "name": "tests", "lang": "python", "version": "1", "protocol": 1}  # fmt: skip
        if not anonymous:
            options.update(user=parts.username, **{"pass": parts.password})
        self._send(f"CONNECT {json.dumps(options)}\r\nPING\r\n".encode())
        self.subscriptions = 0
        self.waiting = []
        self._until_pong()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def _send(self, data):
        self.socket.sendall(data)

    def _read(self):
        """The next message, or None for any other line; answers pings."""
        line = self.input.readline()
        if not line:
            raise NatsError("connection closed")
        words = line.decode().split()
        if words[0] == "PING":
            self._send(b"PONG\r\n")
        elif words[0] == "-ERR":
            raise NatsError(line.decode().strip())
        elif words[0] == "PONG":
            self.ponged = True
        elif words[0] in ("MSG", "HMSG"):
            head = int(words[-2]) if words[0] == "HMSG" else 0
            self.reply = words[3] if len(words) > (5 if head else 4) else None
            content = self.input.read(int(words[-1]) + 2)[:-2]
            return words[1], content[:head].decode(), content[head:]
        return None

    def _until_pong(self):
        self.ponged = False
        while not self.ponged:
            message = self._read()
            if message:
                self.waiting.append(message)

    def subscribe(self, subject):
        self.subscriptions += 1
        self._send(f"SUB {subject} {self.subscriptions}\r\nPING\r\n".encode())
        self._until_pong()

    def next(self, timeout=10):
        """The next message of any subscription; socket.timeout when none comes."""
        if self.waiting:
            return self.waiting.pop(0)
        self.socket.settimeout(timeout)
        while True:
            message = self._read()
            if message:
                return message

    def publish(self, subject, data, headers=None):
        """Publishes and waits until the server has read it."""
        body = data if isinstance(data, bytes) else data.encode()
        if headers:
            head = "NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
            size = len(head.encode())
            self._send(f"HPUB {subject} {size} {size + len(body)}\r\n{head}".encode() + body + b"\r\n")
        else:
            self._send(f"PUB {subject} {len(body)}\r\n".encode() + body + b"\r\n")
        self._send(b"PING\r\n")
        self._until_pong()

    def request(self, subject, body=None, timeout=10):
        """One request and its answer, both JSON."""
        inbox = f"{self.inbox}.{uuid.uuid4().hex}"
        # On a connection of its own, so that the answer does not mix with subscriptions.
        with Nats(self.url, ca=self.ca) as asker:
            asker.subscribe(inbox)
            data = b"" if body is None else json.dumps(body).encode()
            asker._send(f"PUB {subject} {inbox} {len(data)}\r\n".encode() + data + b"\r\n")
            _, headers, answer = asker.next(timeout)
        if not answer:
            raise NatsError(headers.strip() or "no answer")
        return json.loads(answer)

    # ---- JetStream

    def stream(self, name):
        """State and configuration of a stream."""
        return self.request(f"$JS.API.STREAM.INFO.{name}")

    def stored(self, stream):
        """Every message of a stream that is still there: (sequence, subject, headers, data)."""
        if self.stream(stream)["state"]["messages"] == 0:
            return
        with Nats(self.url, ca=self.ca) as reader:
            inbox = f"{reader.inbox}.{uuid.uuid4().hex}"
            reader.subscribe(inbox)
            config = {"deliver_subject": inbox, "deliver_policy": "all", "ack_policy": "none"}
            made = self.request(f"$JS.API.CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": config})
            try:
                waiting = True
                while waiting:
                    subject, headers, data = reader.next()
                    # $JS.ACK, stream, consumer, deliveries, sequences of both, time, messages that follow
                    *_, sequence, _, _, following = reader.reply.split(".")
                    waiting = int(following) > 0
                    yield int(sequence), subject, headers, data
            finally:
                self.request(f"$JS.API.CONSUMER.DELETE.{stream}.{made['name']}")

    def consumers(self, stream):
        """The consumers of a stream with their state."""
        return self.request(f"$JS.API.CONSUMER.LIST.{stream}")["consumers"]

    def backlog(self, stream):
        """Messages of a stream that its consumers have not yet acknowledged."""
        return sum(c["num_pending"] + c["num_ack_pending"] for c in self.consumers(stream))
