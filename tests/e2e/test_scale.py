# SPDX-License-Identifier: Apache-2.0
"""Many tenants at once: a sweep over all of them takes about as long as one tenant's."""
import time
import unittest

import harness
from harness import tenant_id, wait_until

LATENCY = 200  # milliseconds before each answer


class Sweep(harness.Case):
    def first_sweep(self, tenants):
        """Seconds from the first request to the last tenant's first page, and what defender-sim was asked."""
        sim = self.start_sim(name="sim-%d" % tenants, tenants=tenants, per_tenant=2, latency=LATENCY)
        daemon = self.start_daemon(sim, name="rsyslogd-%d" % tenants, tenants=tenants, input={"pollInterval": "30"})
        wait_until(lambda: sim.requests(), "a first request")
        begun = time.monotonic()
        wait_until(lambda: len({r["tenant"] for r in sim.pages()}) == tenants, "a page of each of %d tenants" % tenants, 120)
        took = time.monotonic() - begun + LATENCY / 1000.0  # the first answer had been waited for
        daemon.wait_for_alerts(2 * tenants)
        daemon.stop()
        return took, sim, daemon

    def test_a_sweep_of_200_tenants_takes_about_as_long_as_one(self):
        one, sim, _ = self.first_sweep(1)
        many, sim, daemon = self.first_sweep(200)
        self.assertLess(many, 12 * one, "seconds for 200 tenants at %d ms an answer; one tenant took %.2f s" % (LATENCY, one))
        self.assertEqual(len(daemon.alerts()), 400)
        self.assertEqual(len(sim.tokens()), 200, "one token for each tenant")

    def test_a_tenant_that_hangs_delays_nobody(self):
        sim = self.start_sim(tenants=20, per_tenant=2, scenario=[
            {"tenant": [tenant_id(i) for i in range(1, 11)], "fault": "hang"},
            {"tenant": [tenant_id(11), tenant_id(12)], "fault": "slow", "bytes": 50}])
        daemon = self.start_daemon(sim, tenants=20)
        for number in range(13, 21):
            daemon.wait_for_alerts(2, tenant=number, seconds=8)
        daemon.stop()

    def test_a_tenant_that_floods_delays_nobody(self):
        sim = self.start_sim(tenants=5, per_tenant=1, alert_size=20000)
        sim.make(count=3000, tenant=tenant_id(1), size=20000)
        daemon = self.start_daemon(sim, tenants=5)
        daemon.wait_for_alerts(3001, tenant=1, seconds=60)
        for number in range(2, 6):
            daemon.wait_for_alerts(1, tenant=number)
        daemon.stop()
        order = [message.metadata["tenantId"] for message in daemon.alerts()]
        last = len(order) - 1 - order[::-1].index(tenant_id(1))
        for number in range(2, 6):
            self.assertLess(order.index(tenant_id(number)), last, "tenant %d came behind the flood" % number)


if __name__ == "__main__":
    unittest.main()
