# SPDX-License-Identifier: Apache-2.0
"""Raw bytes to the gateway, and the answers as they come back."""

import socket
from collections import namedtuple

Answer = namedtuple("Answer", "status headers body")


class Raw:
    """One connection."""

    def __init__(self, gateway, timeout=15):
        self.socket = socket.create_connection((gateway.host, gateway.port), timeout=timeout)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, head_only=False):
        """The next answer; None when the connection was closed instead."""
        try:
            line = self.input.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        status, headers = int(line.split()[1]), {}
        for line in iter(self.input.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = b"" if head_only else self.input.read(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def closed(self):
        """Whether the other side has closed: waits for that or for further bytes."""
        try:
            return self.input.read(1) == b""
        except ConnectionError:
            return True


def ask(gateway, data):
    """Sends bytes on a new connection; answers the first answer and whether it was then closed."""
    with Raw(gateway) as connection:
        connection.send(data)
        answer = connection.answer()
        return answer, answer is None or answer.headers.get("connection", "").lower() == "close"
