# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every named step between request and commit: no version is lost, and twice comes only what was unacknowledged.

One test for each fault point of the sources; rsyslogd dies at several passages of it, one after the other."""
import os
import sqlite3
import time
import unittest

from identity_server import IdentityServer
import proof
from proof import FaultyDaemon, fault_points
import support
from test_identity import IdentityCase

MANY = (1, 7, 23)     # passages of points that each alert or part of a body passes
SOME = (1, 2, 4)      # of those that a request, a batch or a commit passes
ONCE = (1,)           # of those that a life of the daemon passes
PASSAGES = {"after-object-taken": MANY, "before-enqueue": MANY, "after-enqueue": MANY, "after-first-bytes": (1, 3, 6),
            "after-token": (1, 2), "before-mark": (1, 2), "at-reload": (1, 2), "after-reload": (1, 2), "at-stop": ONCE, "after-stop": ONCE}
ROUNDS = int(os.environ.get("IMD_PROOF_ROUNDS", "1"))
TENANTS = 2


class Killed(proof.Case):
    def setUp(self):
        super().setUp()
        if not proof.fault_build():
            self.skipTest("no module with fault points (scripts/bootstrap --build build/faults -- --enable-fault-points)")

    def provoke(self, point):
        """What a point needs besides alerts."""
        if point.endswith("-reload"):
            for _ in range(100):
                if not self.process.running:
                    return
                self.process.hup()
                time.sleep(0.1)
        if point in ("at-stop", "after-stop"):
            support.wait_until(lambda: os.path.exists(self.process.pidfile), "rsyslogd is up")
            self.sim.wait_for_polls(0)
            self.process.signal(15)

    def die_at(self, point, passage):
        self.make(new=40, updates=15, tenants=TENANTS)
        self.process.start("%s:%d" % (point, passage))
        if point in PASSAGES and point.endswith(("-reload", "-stop")):
            support.wait_until(lambda: os.path.exists(self.process.pidfile), "rsyslogd is up")
            self.provoke(point)
        begun = time.monotonic()
        while self.process.running and time.monotonic() < begun + 10:  # points of a commit are passed again when there is more
            time.sleep(0.3)
            self.make(new=3, updates=0, tenants=TENANTS)
        self.process.dies("passage %d of %s" % (passage, point))
        self.note_fault()


class Kill(Killed):
    def at(self, point):
        sim = self.start_sim(tenants=TENANTS)
        process = self.use(sim, FaultyDaemon(self, sim, tenants=TENANTS, input={"pageSize": "10"}))
        self.processes.append(process)
        for turn in range(ROUNDS):
            passages = PASSAGES.get(point, SOME)
            if turn:
                passages = tuple(self.random.randint(1, passages[-1] * (2 if passages is MANY else 1)) for _ in passages)
            for passage in passages:
                self.die_at(point, passage)
        process.start()
        self.settle()
        self.close_books("kill -9 " + point)


def add_tests():
    for point in fault_points():
        if point.endswith("refresh-token"):
            continue  # see RefreshToken
        setattr(Kill, "test_" + point.replace("-", "_"), lambda self, point=point: self.at(point))


add_tests()


class RefreshToken(Killed):
    """Each sign-in of a delegated tenant brings another refresh token. Entra takes the former one still, as the simulator does."""

    def stored(self):
        with sqlite3.connect(self.copy_state()) as db:
            return {tenant: bytes(token) if isinstance(token, bytes) else token for tenant, token in db.execute("SELECT tenant, token FROM token")}

    def at_refresh(self, point):
        sim = self.start_sim(tenants=TENANTS)
        process = self.use(sim, FaultyDaemon(self, sim, tenants=TENANTS, input={"pageSize": "10"},
                                             defaults={"refreshTokenFile": self.write("refresh.secret", "first")}))
        self.processes.append(process)
        process.start()
        self.make(new=10, tenants=TENANTS)
        self.wait_for_everything()
        process.stop(limit=6)
        for passage in (1, 2, 1) * ROUNDS:
            before = self.stored()
            self.assertEqual(len(before), TENANTS)
            self.die_at(point, passage)
            changed = {tenant for tenant, token in self.stored().items() if before.get(tenant) != token}
            self.assertEqual(len(changed), passage if point.startswith("after") else passage - 1, "tokens that are durable")
        process.start()
        self.settle()
        self.close_books("kill -9 " + point)

    def test_before_refresh_token(self):
        self.at_refresh("before-refresh-token")

    def test_after_refresh_token(self):
        self.at_refresh("after-refresh-token")


class TokenForOneUse(proof.Case, IdentityCase):
    """A server that takes each refresh token once, and takes a second use for theft. Entra is none such."""

    def daemon(self, sim, **options):
        process = FaultyDaemon(self, sim, **options)
        self.processes.append(process)
        return process

    def dies_at(self, point):
        if not proof.fault_build():
            self.skipTest("no module with fault points")
        self.start(refresh=True)
        self.use(self.sim, self.signing_in({"clientId": self.server.REFRESH_CLIENT,
                                            "clientSecretFile": self.write("refresh-client.secret", self.server.REFRESH_SECRET),
                                            "refreshTokenFile": self.write("refresh.secret", self.server.refresh_token(1))}))
        self.make(new=20)
        self.process.start(point + ":1")
        self.process.dies(point)
        self.note_fault()
        self.process.start()

    def test_the_new_token_is_durable_before_anything_is_done_with_it(self):
        self.dies_at("after-refresh-token")
        self.settle()
        self.assertEqual(self.server.refusals(1), [])
        self.close_books("kill -9 after-refresh-token, tokens for one use")

    def test_a_token_that_nobody_has_any_more_is_told_and_a_new_sign_in_loses_nothing(self):
        """Killed between the answer and the disk: the protocol has no way back."""
        self.dies_at("before-refresh-token")
        message = self.process.wait_for_health(1, "credential")
        self.assertIn("sign in again", message.fields["reason"] + message.fields["action"])
        self.assertEqual(self.deliveries(), [])
        self.process.stop(limit=6)
        first = self.server
        first.destroy()
        self.assertEqual(first.refusals(1), ["refresh token already used"])
        os.remove(first.port_file)
        os.remove(first.log)
        self.server = IdentityServer(self, refresh=True)  # where the user signs in again
        self.processes.append(self.server)
        self.write("refresh.secret", self.server.refresh_token(1))
        self.process.reconfigure(first.url, self.server.url)
        self.process.start()
        self.settle()
        self.assertEqual(self.server.refusals(1), [])
        self.close_books("kill -9 before-refresh-token, tokens for one use, new sign-in")


class Points(unittest.TestCase):
    def test_each_fault_point_is_documented(self):
        text = support.read(os.path.join(support.ROOT, "docs", "delivery-guarantees.md"))
        self.assertFalse([point for point in fault_points() if "`%s`" % point not in text])
        self.assertGreater(len(fault_points()), 15)


if __name__ == "__main__":
    unittest.main()
