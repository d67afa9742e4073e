# SPDX-License-Identifier: Apache-2.0
"""A server that a test plays itself: each connection is served on a thread of its own."""

import socket
import threading


class Listener:
    """Listens on a free port of its own once made; `serve(connection)` is for its kinds to define."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        """No further connections; those that are open go on."""
        self._listener.close()
