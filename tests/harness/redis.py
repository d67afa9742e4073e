# SPDX-License-Identifier: Apache-2.0
"""One command to Redis over a socket."""

import socket
from urllib.parse import urlsplit


def redis_command(url, *words):
    """Sends a command and answers the first line of its reply."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        replies = connection.makefile("rb")
        for command in (("AUTH", parts.password), words):
            head = f"*{len(command)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in command)
            connection.sendall(head.encode())
            line = replies.readline().decode().strip()
            assert not line.startswith("-"), line
        return line


def forget_everything(url):
    redis_command(url, "FLUSHALL")
