# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that does what networks do: nothing, refuse, go silent, or break a connection."""
import select
import socket
import struct
import threading

from listener import Listener

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Proxy(Listener):
    """`mode`: "pass"; "silent": connections are accepted and stay without an answer, those that exist go mute; "reset": all are
    reset, new ones at once; "cut": reset after `bytes` of an answer. Changed while it runs."""

    def __init__(self, case, port):
        self.target = ("127.0.0.1", port)
        self.mode, self.bytes = "pass", 0
        super().__init__(case, "http")

    def _carry(self, client):
        try:
            server = socket.create_connection(self.target)
        except OSError:
            client.close()
            return
        answered = 0
        with client, server:
            while not self.closed:
                ready, _, _ = select.select([client, server], [], [], 0.05)
                if self.mode == "reset" or (self.mode == "cut" and answered >= self.bytes > 0):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return
                if self.mode == "silent":
                    self._stay_silent(client, ready)
                    continue
                for source in ready:
                    try:
                        data = source.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    if source is server:
                        if self.mode == "cut":
                            data = data[:max(0, self.bytes - answered)]
                        answered += len(data)
                    (client if source is server else server).sendall(data)

    @staticmethod
    def _stay_silent(client, ready):
        """Nothing is taken and nothing is sent; only a client that gave up is let go."""
        if client in ready:
            try:
                if client.recv(1, socket.MSG_PEEK) == b"":
                    raise ConnectionError("the client left")
            except BlockingIOError:
                pass
            threading.Event().wait(0.05)
