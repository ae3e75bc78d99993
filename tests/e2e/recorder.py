# SPDX-License-Identifier: Apache-2.0
"""A host that nothing may be sent to: an https (or http) server that writes down each connection and what came."""
import os
import socket
import ssl
import threading


class Recorder:
    def __init__(self, case, tls=True):
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(case.certificates, "server.pem"),
                                         os.path.join(case.certificates, "server.key"))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.socket.getsockname()[1])
        self.connections, self.received = 0, b""
        case.addCleanup(self.socket.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.received += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
                               b"{\"value\":[]}")
        except OSError:
            pass
        connection.close()
