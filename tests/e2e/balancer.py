# SPDX-License-Identifier: Apache-2.0
"""A load balancer: each new TCP connection leads to the next front end, and stays with it. And a front end that speaks HTTP/2."""
import os
import select
import shutil
import socket
import unittest

import support
from listener import Listener
from process import Process


class Balancer(Listener):
    """`count`: connections that each of the `ports` got; `turn`: which one gets the next."""

    def __init__(self, case, *ports):
        self.ports, self.count, self.turn = ports, [0] * len(ports), 0
        super().__init__(case, "https")

    def _choose(self):
        number, self.turn = self.turn, (self.turn + 1) % len(self.ports)
        self.count[number] += 1
        return (self.ports[number],)

    def _carry(self, client, port):
        try:
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                while not self.closed:
                    for source in select.select([client, server], [], [], 0.2)[0]:
                        data = source.recv(65536)
                        if not data:
                            return
                        (server if source is client else client).sendall(data)
        except OSError:
            pass  # one side went away, and the connection with it: rsyslogd and the tests see that at their own ends


class HttpTwo(Process):
    """nghttpx, which takes HTTP/2 over TLS and asks a plain simulator."""

    def __init__(self, case, sim, name, host="127.0.0.1", network=None):
        super().__init__(case, name)
        program = shutil.which("nghttpx")
        if not program:
            raise unittest.SkipTest("nghttpx is not there (Debian package nghttp2-proxy)")
        self.inside = network.call if network else lambda function: function()
        self.host, self.port = host, self.inside(lambda: self._free_port(host))
        words = [program, "--conf=/dev/null", "--frontend=%s,%d" % (host, self.port), "--single-process", "--workers=1",
                 "--no-ocsp", "--backend=127.0.0.1,%s" % sim.url.rsplit(":", 1)[1], "--errorlog-file=/dev/stderr",
                 os.path.join(case.certificates, "server.key"), os.path.join(case.certificates, "server.pem")]
        self.spawn(network.enter(words) if network else words)
        case.processes.append(self)
        support.wait_until(lambda: self.inside(self._listens), "nghttpx listens")

    @staticmethod
    def _free_port(host):
        with socket.create_server((host, 0)) as place:
            return place.getsockname()[1]

    def _listens(self):
        if not self.running:
            raise AssertionError("nghttpx ended at once: %s" % support.read(self.err))
        try:
            socket.create_connection((self.host, self.port)).close()
            return True
        except OSError:
            return False
