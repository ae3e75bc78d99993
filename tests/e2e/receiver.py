# SPDX-License-Identifier: Apache-2.0
"""A syslog receiver over TCP with octet counting (RFC 6587), which can be down: then its port refuses connections."""
import socket
import threading


class Receiver:
    """The port is taken from the beginning, so that nobody else gets it; listen() brings the receiver up."""

    def __init__(self, case):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.frames, self.errors, self.connections = [], [], []
        case.addCleanup(self.close)

    def listen(self):
        self.socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def received(self):
        if self.errors:
            raise AssertionError("the receiver could not read a frame: %s" % self.errors)
        with self.lock:
            return list(self.frames)

    def close(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._read, args=(connection.makefile("rb"),), daemon=True).start()

    def _read(self, stream):
        try:
            while True:
                length = b""
                while (byte := stream.read(1)).isdigit():
                    length += byte
                if not byte:
                    return
                if byte != b" " or not length:
                    raise ValueError("no length before %r" % (byte + stream.read(40)))
                frame = stream.read(int(length))
                if len(frame) == int(length):
                    with self.lock:
                        self.frames.append(frame.decode("utf-8", "surrogateescape"))
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) and "closed file" not in str(error):
                self.errors.append(str(error))
