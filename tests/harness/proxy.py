# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a service and an engine: passes everything on, until a test says otherwise."""

import socket
import threading

from harness.listener import Listener

PASS, CUT_BEFORE, CUT_AFTER = "pass", "cut before", "cut after"


class Proxy(Listener):
    """Listens on a port of its own. `judge(data)` sees what goes towards the engine: CUT_BEFORE ends
    the connection in its place; CUT_AFTER passes it on, and ends the connection in place of what the
    engine answers."""

    def __init__(self, host, port, judge=lambda data: PASS):
        self.target = (host, int(port))
        self.judge = judge
        super().__init__()

    def serve(self, client):
        try:
            engine = socket.create_connection(self.target)
        except OSError:
            client.close()
            return
        cut = threading.Event()
        threading.Thread(target=self._from_engine, args=(engine, client, cut), daemon=True).start()
        self._to_engine(client, engine, cut)

    def _to_engine(self, client, engine, cut):
        try:
            while data := client.recv(65536):
                verdict = self.judge(data)
                if verdict == CUT_BEFORE:
                    break
                if verdict == CUT_AFTER:
                    cut.set()
                engine.sendall(data)
        except OSError:
            pass
        end(client, engine)

    def _from_engine(self, engine, client, cut):
        try:
            while (data := engine.recv(65536)) and not cut.is_set():
                client.sendall(data)
        except OSError:
            pass
        end(client, engine)


def end(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()
