# SPDX-License-Identifier: Apache-2.0
"""Two networks with one link between them, which can be cut: packets vanish in both directions, and nobody is told.

The networks are namespaces without names, held by two sleeping processes. They and the link are gone with these, however the test
ends, and nothing of them is in the machine's own network."""
import ctypes
import os
import re
import shutil
import subprocess
import threading
import unittest

import simulator
import support
from process import Process

NEAR, FAR = "192.0.2.1", "192.0.2.2"  # of TEST-NET-1, which exists nowhere else
CLONE_NEWNET = 0x40000000
RULES = "table inet cut { chain in { type filter hook input priority 0; policy accept; iifname \"uplink\" drop; }; }"
libc = ctypes.CDLL(None, use_errno=True)


class Holder(Process):
    def __init__(self, case, name):
        super().__init__(case, name)
        self.spawn(["unshare", "--net", "sleep", "infinity"])
        case.processes.append(self)
        support.wait_until(self._is_apart, "a network namespace")
        if not self.running:
            raise unittest.SkipTest("no network namespace can be made: %s" % support.read(self.err).strip())
        self.path = "/proc/%d/ns/net" % self.child.pid

    def _is_apart(self):
        try:
            return not self.running or os.readlink("/proc/%d/ns/net" % self.child.pid) != os.readlink("/proc/self/ns/net")
        except OSError:
            return not self.running

    def enter(self, words):
        """The words that run others in here."""
        return ["nsenter", "--net=" + self.path, "--"] + list(words)

    def run(self, *words):
        done = subprocess.run(self.enter(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text = "%s: %s" % (" ".join(words), done.stdout.decode("utf-8", "replace").strip())
        if done.returncode and re.search("not permitted|not supported|denied", text):
            raise unittest.SkipTest(text)
        self.case.assertEqual(done.returncode, 0, text)

    def call(self, function):
        """What a function gives that is called in here."""
        result = []

        def inside():
            with open(self.path, "rb") as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    result.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                result.append(function())
            except Exception as error:  # pylint: disable=broad-except # for the caller
                result.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if isinstance(result[0], Exception):
            raise result[0]
        return result[0]


class Networks:
    """Skips the test where they cannot be made."""

    def __init__(self, case):
        if os.geteuid() != 0:
            raise unittest.SkipTest("networks of its own need root; test_outage has something like it with a proxy")
        for program in ("ip", "nft", "nsenter", "unshare"):
            if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
                raise unittest.SkipTest("%s is not there (Debian packages iproute2, nftables, util-linux)" % program)
        self.near, self.far = Holder(case, "near"), Holder(case, "far")
        self.near.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "uplink", "netns", str(self.far.child.pid))
        for side, address in ((self.near, NEAR), (self.far, FAR)):
            side.run("ip", "address", "add", address + "/30", "dev", "uplink")
            for device in ("lo", "uplink"):
                side.run("ip", "link", "set", device, "up")
            side.run("nft", "list", "ruleset")  # known to work before anything depends on it

    def cut(self):
        for side in (self.near, self.far):
            side.run("nft", RULES)

    def heal(self):
        for side in (self.far, self.near):
            side.run("nft", "delete table inet cut")

    def put_near(self, process):
        """A daemon that is not started yet."""
        spawn = process.spawn
        process.spawn = lambda words, environment=None: spawn(self.near.enter(words), environment)
        return process

    def connections(self, port):
        """How many the far side has there."""
        def count():
            with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
                rows = [line.split()[1:4] for line in file.read().split("\n")[1:] if line]
            return len([1 for local, _, state in rows if int(local.rsplit(":", 1)[1], 16) == port and state == "01"])
        return self.far.call(count)


class FarSimulator(simulator.Simulator):
    """defender-sim on the far side."""

    def __init__(self, case, networks, **options):
        self.networks = networks
        super().__init__(case, **options)
        case.processes.append(self)
        self.port = int(self.url.rsplit(":", 1)[1])
        self.far_url = "https://%s:%d" % (FAR, self.port)

    def spawn(self, words, environment=None):
        super().spawn(self.networks.far.enter(words), environment)

    def _call(self, path, body=None):
        return self.networks.far.call(lambda: super(FarSimulator, self)._call(path, body))
