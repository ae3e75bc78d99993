# SPDX-License-Identifier: Apache-2.0
"""What stands between rsyslogd and a server in tests: takes connections on loopback, a thread for each."""
import socket
import threading


class Listener:
    """Calls _carry(client, *_choose()) for each connection; _choose() in the order in which they come."""

    def __init__(self, case, scheme):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = "%s://127.0.0.1:%d" % (scheme, self.port)
        self.closed = False
        case.addCleanup(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.closed = True
        self.socket.close()

    def _accept(self):
        while not self.closed:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._carry, args=(client, *self._choose()), daemon=True).start()

    def _choose(self):
        return ()

    def _carry(self, client):
        raise NotImplementedError
