# SPDX-License-Identifier: Apache-2.0
"""The tenants file changes while rsyslogd runs; tokens last, and are renewed before they end."""
import os
import unittest

import harness
from harness import tenant_id, wait_until


def customers(*numbers, **more):
    return [dict({"tenantId": tenant_id(i), "tenantName": "Customer-%d" % i}, **more) for i in numbers]


class TenantsFile(harness.Case):
    def test_a_tenant_is_added_and_another_removed(self):
        """Without HUP or restart, and without touching the ones that stay."""
        sim = self.start_sim(tenants=3, per_tenant=2)
        daemon = self.start_daemon(sim, tenants=customers(1, 2))
        daemon.wait_for_alerts(4)
        daemon.set_tenants(customers(2, 3))
        daemon.wait_for_alerts(2, 3)
        before = len(sim.requests(1))
        sim.make(count=1)
        daemon.wait_for_alerts(3, 2)
        daemon.wait_for_alerts(3, 3)
        sim.wait_for_polls(2, 2)
        daemon.stop()
        self.assertEqual(len(sim.requests(1)), before, "requests of a tenant that was removed")
        self.assertEqual([len(daemon.alerts(i)) for i in (1, 2, 3)], [2, 3, 3])
        self.assertEqual(len(sim.tokens(2)), 1, "tokens of the tenant that stayed")

    def test_a_tenant_that_comes_back_goes_on_where_it_was(self):
        sim = self.start_sim(tenants=2, per_tenant=2)
        daemon = self.start_daemon(sim, tenants=customers(1, 2))
        daemon.wait_for_alerts(4)
        daemon.set_tenants(customers(2))
        daemon.wait_for_log("read again, 1 tenants")
        sim.make(count=2)
        daemon.wait_for_alerts(4, 2)
        daemon.set_tenants(customers(1, 2))
        daemon.wait_for_alerts(4, 1)
        sim.wait_for_polls(2)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_changed_values_hold_from_the_next_poll_on(self):
        sim = self.start_sim(per_tenant=2)
        daemon = self.start_daemon(sim, tenants=customers(1))
        daemon.wait_for_alerts(2)
        daemon.set_tenants([{"tenantId": tenant_id(1), "tenantName": "Renamed", "labels": {"tier": "gold"}, "facility": "local7"}])
        daemon.wait_for_log("read again")
        sim.make(count=1)
        message = daemon.wait_for_alerts(3)[-1]
        daemon.stop()
        self.assertEqual((message.hostname, message.metadata["tenantName"], message.metadata["labels"], message.facility),
                         ("Renamed", "Renamed", {"tier": "gold"}, "local7"))
        self.assertEqual(len(daemon.alerts()), 3)

    def test_an_error_in_the_file_changes_nothing_and_is_reported_once(self):
        sim = self.start_sim(tenants=3, per_tenant=2)
        daemon = self.start_daemon(sim, tenants=customers(1, 2))
        daemon.wait_for_alerts(4)
        daemon.set_tenants(customers(1) + [{"tenantId": "not-a-guid", "tenantName": "Fabrikam"}] + customers(3))
        line = daemon.wait_for_log("parameter tenantId", "Fabrikam")[0]
        self.assertRegex(line, r"rsyslogd\.tenants\.yaml:\d+.*stay as they were")
        sim.make(count=1)
        daemon.wait_for_alerts(3, 1)
        daemon.wait_for_alerts(3, 2)
        sim.wait_for_polls(4, 1)
        self.assertEqual(len(daemon.log_lines("Fabrikam")), 1)
        self.assertEqual(daemon.alerts(3), [])
        daemon.set_tenants(customers(1, 2, 3))
        daemon.wait_for_alerts(3, 3)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_a_file_that_vanishes_changes_nothing(self):
        sim = self.start_sim(per_tenant=2)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(2)
        os.remove(daemon.tenants_file)
        daemon.hup()
        daemon.wait_for_log("rsyslogd was HUPed")
        sim.make(count=2)
        daemon.wait_for_alerts(4)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_reading_it_again_in_the_middle_of_walks_loses_nothing(self):
        """Long walks of short pages, with a HUP now and then."""
        sim = self.start_sim(tenants=3, per_tenant=200, spread=600, tie_share=40, latency=20)
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "10"})
        for part in range(1, 6):
            daemon.wait_for_alerts(part * 40)
            daemon.hup()
        daemon.wait_for_alerts(600, seconds=90)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)


class Tokens(harness.Case):
    def test_a_token_is_fetched_once_per_tenant_and_not_per_page(self):
        sim = self.start_sim(tenants=3, per_tenant=60, spread=600)
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "10"})
        daemon.wait_for_alerts(180)
        sim.wait_for_polls(4)
        daemon.stop()
        self.assertEqual([len(sim.tokens(i)) for i in (1, 2, 3)], [1, 1, 1])

    def test_a_token_is_renewed_before_it_expires(self):
        """It lives 10 s; nobody ever sees a 401."""
        sim = self.start_sim(tenants=2, per_tenant=2, token_lifetime=10)
        daemon = self.start_daemon(sim, tenants=2)
        wait_until(lambda: min(len(sim.tokens(1)), len(sim.tokens(2))) >= 3, "a third token of each tenant", 40)
        daemon.stop()
        self.assertEqual([r["status"] for r in sim.requests() if r["status"] != 200], [])
        lifetimes = len(sim.pages(1))
        self.assertGreater(lifetimes, 2 * len(sim.tokens(1)), "a token serves several polls")

    def test_a_token_is_not_renewed_by_every_poll_while_that_fails(self):
        """The old one serves to its end, and alerts go on coming."""
        sim = self.start_sim(per_tenant=2, token_lifetime=20)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(2)
        sim.rules({"fault": "temporarily-unavailable"})
        wait_until(lambda: len(sim.tokens()) >= 2, "an attempt to renew", 40)
        sim.make(count=1)
        daemon.wait_for_alerts(3)
        sim.rules()
        daemon.stop()
        self.assertEqual([m.fields["state"] for m in daemon.health()], ["ok"])


if __name__ == "__main__":
    unittest.main()
