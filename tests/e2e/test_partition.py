# SPDX-License-Identifier: Apache-2.0
"""rsyslogd and the API in networks of their own, and the link between them is cut: nothing is lost or comes twice, and
once the link is back the module finds its way without help."""
import os
import time
import unittest

import proof
from balancer import HttpTwo
from networks import FAR, FarSimulator, Networks
from support import wait_until

ROUNDS = int(os.environ.get("IMD_PROOF_ROUNDS", "1"))
TENANTS = 3
FAILED_AFTERWARDS = 3   # requests of a feed: one that was under way, one over the connection that is dead, and one to spare
RECOVERY_SECONDS = 45   # the longest back-off after the failures of an outage of some seconds, and a poll


class Partition(proof.Case):
    def apart(self, http_two=False):
        self.networks = Networks(self)
        sim = FarSimulator(self, self.networks, tenants=TENANTS, tls=not http_two, listen="127.0.0.1:0" if http_two else "0.0.0.0:0")
        self.api_port = sim.port
        url, self.rules = sim.far_url, []
        if http_two:
            self.rules = [{"quirks": {"link": "missing"}}]  # they would name the host behind the front end
            sim.rules(*self.rules)
            front = HttpTwo(self, sim, "front", host=FAR, network=self.networks.far)
            self.api_port, url = front.port, "https://%s:%d" % (FAR, front.port)
        process = self.daemon(sim, tenants=TENANTS, input={
            "loginUrl": url, "apiUrl": url, "pageSize": "10", "requestTimeout": "2", "connectTimeout": "2"})
        return self.use(sim, self.networks.put_near(process))

    def failed(self, what="polls.failed"):
        return self.process.counters().get(what, 0)

    def cut_for(self, seconds, notice):
        """Until it has been noticed, and for so long at least."""
        begun = time.monotonic()
        self.networks.cut()
        wait_until(notice, "the module notices that the link is cut")
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        self.networks.heal()
        self.faults += 1

    def recovers(self):
        """By itself: no HUP, no restart."""
        before, begun = self.failed("requests.failed"), time.monotonic()
        self.wait_for_everything(RECOVERY_SECONDS)
        took, failed = time.monotonic() - begun, self.failed("requests.failed") - before
        print("recovered after %.1f s, %d requests failed meanwhile" % (took, failed))
        self.assertLessEqual(failed, FAILED_AFTERWARDS * TENANTS, "failed requests after the link was back")

    def idle(self, process, seconds, rounds=2):
        process.start()
        self.make(new=30, tenants=TENANTS)
        self.wait_for_everything()
        for _ in range(rounds * ROUNDS):
            before = self.failed()
            self.make(new=40, updates=15, tenants=TENANTS)
            self.cut_for(seconds, lambda: self.failed() > before)
            self.recovers()
        self.settle()

    def test_between_polls(self):
        self.idle(self.apart(), self.random.uniform(2, 4))
        self.close_books("network partition, real link, between polls")

    def test_between_polls_http_2(self):
        """Long enough for TCP to ask only seldom whether the link is back: another connection has to be made."""
        self.idle(self.apart(http_two=True), self.random.uniform(7, 9), 1)
        self.close_books("network partition, real link, between polls, HTTP/2")

    def test_during_sign_in(self):
        process = self.apart()
        self.make(new=40, tenants=TENANTS)
        for _ in range(2 * ROUNDS):
            self.sim.rules({"at": "token", "fault": "delay", "milliseconds": 1500})
            tokens = len(self.sim.tokens())
            process.start()
            wait_until(lambda: self.networks.connections(self.api_port) >= TENANTS, "requests for tokens")
            self.assertEqual(len(self.sim.tokens()), tokens, "tokens before the link is cut")
            self.cut_for(self.random.uniform(1, 4), lambda: self.failed("tokens.failed") >= TENANTS)
            self.sim.rules()
            self.recovers()
            self.make(new=20, updates=10, tenants=TENANTS)
            self.wait_for_everything()
            self.sim.wait_for_polls(1)
            process.stop(limit=6)
            os.remove(process.stats)  # the next life counts from 0
        process.start()
        self.settle()
        self.close_books("network partition, real link, during sign-in")

    def in_a_body(self, process):
        process.start()
        self.make(new=30, tenants=TENANTS)
        self.wait_for_everything()
        for _ in range(2 * ROUNDS):
            before = self.failed()
            self.sim.rules(*self.rules, {"fault": "slow", "bytes": 2500, "at": "api"})
            self.make(new=60, updates=15, tenants=TENANTS)
            received = process.wait_for_counters(lambda c: True, "statistics")["bytes.received"]
            arrived = len(self.deliveries())
            time.sleep(self.random.uniform(0.7, 1.3))  # into a body of some seconds
            self.cut_for(self.random.uniform(1, 4), lambda: self.failed() > before)
            self.assertLess(len(self.deliveries()) - arrived, 60, "alerts that had come by then")
            self.assertGreater(process.counters()["bytes.received"], received, "bytes of bodies that broke off")
            self.sim.rules(*self.rules)
            self.recovers()
        self.settle()

    def test_during_a_body(self):
        self.in_a_body(self.apart())
        self.close_books("network partition, real link, during a body")

    def test_during_a_body_http_2(self):
        self.in_a_body(self.apart(http_two=True))
        self.close_books("network partition, real link, during a body, HTTP/2")


if __name__ == "__main__":
    unittest.main()
