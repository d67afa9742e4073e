# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a service and an engine: passes everything on, until a test says otherwise."""

import socket
import threading
from urllib.parse import urlsplit

from harness.listener import Listener

PASS, CUT_BEFORE, CUT_AFTER = "pass", "cut before", "cut after"


class Proxy(Listener):
    """Listens on a port of its own. `judge(data)` sees what goes towards the engine: CUT_BEFORE ends
    the connection in its place; CUT_AFTER passes it on, and ends the connection in place of what the
    engine answers; other bytes go in its place.

    While `dark` is set everything is swallowed and nobody is told: a connection that is made then, or
    used, stays open and silent for good."""

    def __init__(self, host, port, judge=lambda data: PASS):
        self.target = (host, int(port))
        self.judge = judge
        self.dark = threading.Event()
        super().__init__()

    def serve(self, client):
        if self.dark.is_set():
            swallow(client)
            return
        try:
            engine = socket.create_connection(self.target)
        except OSError:
            client.close()
            return
        cut, lost = threading.Event(), threading.Event()
        threading.Thread(target=self._from_engine, args=(engine, client, cut, lost), daemon=True).start()
        self._to_engine(client, engine, cut, lost)

    def _is_lost(self, lost):
        if self.dark.is_set():
            lost.set()
        return lost.is_set()

    def _to_engine(self, client, engine, cut, lost):
        try:
            while data := client.recv(65536):
                if self._is_lost(lost):
                    swallow(client)
                    break
                verdict = self.judge(data)
                if verdict == CUT_BEFORE:
                    break
                if verdict == CUT_AFTER:
                    cut.set()
                engine.sendall(verdict if isinstance(verdict, bytes) else data)
        except OSError:
            pass
        end(client, engine)

    def _from_engine(self, engine, client, cut, lost):
        try:
            while (data := engine.recv(65536)) and not cut.is_set():
                if not self._is_lost(lost):
                    client.sendall(data)
        except OSError:
            pass
        if not lost.is_set():
            end(client, engine)


def proxy_before(url, judge=lambda data: PASS):
    """A proxy before the engine of a URL, and the URL that leads through it."""
    address = urlsplit(url)
    proxy = Proxy(address.hostname, address.port, judge)
    return proxy, url.replace(f":{address.port}", f":{proxy.port}")


def swallow(client):
    """Until the client itself has enough."""
    try:
        while client.recv(65536):
            pass
    except OSError:
        pass
    end(client)


def end(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()
