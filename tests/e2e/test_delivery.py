# SPDX-License-Identifier: Apache-2.0
"""Every alert version arrives exactly once, unchanged, under its tenant."""
import os
import unittest

import harness
import support
from harness import tenant_id, v_key, version_of, wait_until


class Delivery(harness.Case):
    def test_every_version_of_three_tenants_arrives_exactly_once(self):
        """500 alerts each, updated and added while pages are read, with ties; after a restart nothing twice; accounts close."""
        sim = self.start_sim(tenants=3, per_tenant=500, tie_share=60, spread=3000, scenario=[
            {"paging": {"updates": 7, "adds": 3, "limit": 400, "servedOnly": False}}])
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "60"}, module={"statsPerTenant": "on"})
        self.everything_is_there(sim, daemon)
        sim.rules()
        self.everything_is_there(sim, daemon)
        self.accounts_close(daemon)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)
        self.assertGreater(len([m for m in daemon.alerts() if m.metadata["change"] == "update"]), 20)
        count = len(daemon.alerts())

        daemon.start()
        sim.wait_for_polls(2)
        daemon.stop()
        self.assertEqual(len(daemon.alerts()), count, "alerts after a restart, of which none is new")

        sim.make(count=5, updates=5)
        daemon.start()
        self.everything_is_there(sim, daemon)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def everything_is_there(self, sim, daemon, until="9999"):
        """Waits for each newest version that was visible at `until`."""
        def missing():
            came = {(m.metadata["tenantId"],) + version_of(m.text) for m in daemon.alerts()}
            return {v_key(v) for v in sim.truth() if v["replacedAt"] is None and v["visibleAt"] <= until} - came
        wait_until(lambda: not missing(), lambda: "all newest versions; %d are missing" % len(missing()), 60)

    def accounts_close(self, daemon):
        names = ["alerts-in"] + ["alerts-in/%s/alerts" % tenant_id(i) for i in (1, 2, 3)]
        for name in names:
            daemon.wait_for_counters(lambda c: c["inflight"] == 0 and c["alerts.acknowledged"] == c["alerts.submitted"] > 0,
                                     "everything acknowledged", name)
            self.assert_accounts_close(daemon, name)

    def test_updates_that_arrive_steadily_come_once_each(self):
        """A restart in the middle; what became visible well before the end is there, and nothing came twice. Spared is what
        was on the way at the restart: it may be repeated, and what was replaced then nobody can ask for any more."""
        sim = self.start_sim(tenants=3, per_tenant=5, rate=30, update_share=60, tie_share=50)
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "5"}, module={"statsPerTenant": "on"})
        daemon.wait_for_alerts(150)
        stopping = support.stamp(0)
        self.wait_for_whole_polls(daemon, 1)
        daemon.stop()
        os.remove(daemon.stats)
        daemon.start()
        self.wait_for_whole_polls(daemon, 1)
        polled = support.stamp(1)
        daemon.wait_for_alerts(len(daemon.alerts()) + 150)
        end = sim.truth()[-1]["visibleAt"]
        self.everything_is_there(sim, daemon, end)
        daemon.stop()
        truth = sim.truth()
        due = [v for v in truth if v["visibleAt"] <= end and not stopping < (v["replacedAt"] or "") < polled]
        self.assertGreater(len(due), 200)
        on_the_way = {v_key(v) for v in truth if stopping < v["visibleAt"] < polled}
        self.assertGreater(len(truth) - len(on_the_way), 200)
        self.assert_arrived_once(self.first_of(daemon.alerts(), on_the_way), sim, due=due)

    def wait_for_whole_polls(self, daemon, count):
        """Of each tenant, from beginning to end: here a poll consists of some dozens of pages. The statistics count what has
        begun, and may be a poll behind; one more was under way."""
        for name in ["alerts-in/%s/alerts" % tenant_id(i) for i in (1, 2, 3)]:
            enough = daemon.counters(name).get("polls", 0) + count + 2
            daemon.wait_for_counters(lambda c: c["polls"] >= enough, "%d polls" % enough, name)  # pylint: disable=cell-var-from-loop

    def first_of(self, messages, keys):
        """The messages, of those with such a key the first one only."""
        met, kept = set(), []
        for message in messages:
            key = (message.metadata["tenantId"],) + version_of(message.text)
            if key not in keys or key not in met:
                kept.append(message)
            met.add(key)
        return kept

    def test_an_alert_that_shows_late_is_caught_by_the_overlap(self):
        """It becomes visible 5 s after its stamp, when polls have long gone past that stamp."""
        sim = self.start_sim(per_tenant=3)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(3)
        sim.make(count=4, late=5)
        daemon.wait_for_alerts(7)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_an_alert_that_shows_later_still_is_caught_by_the_sweep_and_counted(self):
        """Behind the overlap polls do not look; the slower sweep does, whose time comes by the API's clock."""
        sim = self.start_sim(per_tenant=3)
        daemon = self.start_daemon(sim, input={"overlap": "1", "reconcileInterval": "60"})
        daemon.wait_for_alerts(3)
        sim.make(count=4, late=5)
        wait_until(lambda: len(sim.truth()) == 7, "the late alerts are visible")
        sim.wait_for_polls(2)
        self.assertEqual(len(daemon.alerts()), 3, "alerts before the sweep")
        sim.control(clockShift=90)
        daemon.wait_for_alerts(7)
        daemon.wait_for_counters(lambda c: c["alerts.late"] == 4, "4 late alerts")
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_paging_survives_what_the_api_is_known_to_do(self):
        """Order refused or ignored, links missing, expired or by $skip, short pages, an empty first page, ties in any order."""
        quirks = [{"order": "refused"}, {"order": "ignored"}, {"link": "missing"}, {"link": "expired"},
                  {"skipLinks": True, "link": "present"}, {"shortPages": 7}, {"emptyFirst": True}, {"ties": "shuffled"},
                  {"linkLast": True}, {"topClamp": 10}, {"link": "looping"}, {"topRefused": 20}]
        sim = self.start_sim(tenants=len(quirks), per_tenant=90, tie_share=50, spread=600, scenario=[
            {"tenant": tenant_id(i + 1), "quirks": quirk} for i, quirk in enumerate(quirks)])
        daemon = self.start_daemon(sim, tenants=len(quirks), input={"pageSize": "30"})
        self.everything_is_there(sim, daemon)
        sim.wait_for_polls(1)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)


if __name__ == "__main__":
    unittest.main()
