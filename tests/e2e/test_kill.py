# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every named step between request and commit: no version is lost, and twice comes only what was unacknowledged.

One test for each fault point of the sources; rsyslogd dies at several passages of it, one after the other."""
import os
import time
import unittest

import proof
from proof import FaultyDaemon, fault_points
import support

MANY = (1, 7, 23)     # passages of points that each alert or part of a body passes
SOME = (1, 2, 4)      # of those that a request, a batch or a commit passes
ONCE = (1,)           # of those that a life of the daemon passes
PASSAGES = {"after-object-taken": MANY, "before-enqueue": MANY, "after-enqueue": MANY, "after-first-bytes": (1, 3, 6),
            "after-token": (1, 2), "before-mark": (1, 2), "at-reload": (1, 2), "after-reload": (1, 2), "at-stop": ONCE, "after-stop": ONCE}
ROUNDS = int(os.environ.get("IMD_PROOF_ROUNDS", "1"))
TENANTS = 2


class Kill(proof.Case):
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
            continue  # needs a delegated sign-in; no alert is on its way there
        setattr(Kill, "test_" + point.replace("-", "_"), lambda self, point=point: self.at(point))


add_tests()


class Points(unittest.TestCase):
    def test_each_fault_point_is_documented(self):
        text = support.read(os.path.join(support.ROOT, "docs", "delivery-guarantees.md"))
        self.assertFalse([point for point in fault_points() if "`%s`" % point not in text])
        self.assertGreater(len(fault_points()), 15)


if __name__ == "__main__":
    unittest.main()
