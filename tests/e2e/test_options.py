# SPDX-License-Identifier: Apache-2.0
"""What the parameters do that no other test is about."""
import re
import unittest

import harness
from harness import tenant_id, wait_until
from recorder import Recorder


class Options(harness.Case):
    def test_filter(self):
        sim = self.start_sim(per_tenant=60)
        daemon = self.start_daemon(sim, input={"filter": "severity eq 'high'", "pageSize": "10"})
        daemon.wait_for_alerts(5)
        sim.wait_for_polls(2)
        daemon.stop()
        self.assertEqual({m.fields["severity"] for m in daemon.alerts()}, {"high"})
        self.assertEqual(len(daemon.alerts()), len({m.metadata["key"] for m in daemon.alerts()}))
        asked = {r["query"] for r in sim.requests(1, "/security/")}
        self.assertTrue(all("severity eq 'high'" in query for query in asked), asked)

    def test_a_filter_the_api_refuses_is_told_of(self):
        sim = self.start_sim(per_tenant=2)
        daemon = self.start_daemon(sim, input={"filter": "nonsense eq 'high'"})
        message = daemon.wait_for_health(1, "query-refused")
        self.assertIn("filter", message.fields["action"])
        daemon.stop()

    def test_backfill_0_fetches_only_what_is_new(self):
        sim = self.start_sim(per_tenant=20)
        daemon = self.start_daemon(sim, input={"backfill": "0"})
        daemon.wait_for_health(1, "ok")
        sim.wait_for_polls(1)
        self.assertEqual(daemon.alerts(), [])
        sim.make(count=3)
        daemon.wait_for_alerts(3)
        sim.make(updates=2)
        daemon.wait_for_alerts(5)
        daemon.stop()
        self.assertEqual(len(daemon.alerts()), 5)

    def test_backfill_reaches_back_as_far_as_it_says(self):
        sim = self.start_sim(per_tenant=0)
        texts = ['{"id":"%d","tenantId":"%s","createdDateTime":"%s","lastUpdateDateTime":"%s"}' % (
            hours, tenant_id(1), harness.stamp(-hours * 3600), harness.stamp(-hours * 3600)) for hours in (1, 30, 70, 75, 200)]
        sim.add(*texts)
        daemon = self.start_daemon(sim, input={"backfill": "3d"})
        daemon.wait_for_alerts(3)
        sim.wait_for_polls(1)
        daemon.stop()
        self.assertEqual(sorted(m.metadata["id"] for m in daemon.alerts()), ["1", "30", "70"])

    def test_page_size(self):
        sim = self.start_sim(per_tenant=50)
        daemon = self.start_daemon(sim, input={"pageSize": "7"})
        daemon.wait_for_alerts(50)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)
        tops = {int(t) for r in sim.requests(1, "/security/") for t in re.findall(r"\$top=(\d+)", r["query"])}
        self.assertEqual(min(tops), 7)
        self.assertLessEqual(sorted(r["objects"] for r in sim.pages(1))[len(sim.pages(1)) // 2], 7)

    def test_poll_interval(self):
        sim = self.start_sim(tenants=2)
        daemon = self.start_daemon(sim, tenants=[{"tenantId": tenant_id(1), "pollInterval": 1},
                                                 {"tenantId": tenant_id(2), "pollInterval": 3600}])
        wait_until(lambda: len(sim.pages(1)) >= 6, "six pages of the tenant that is polled every second")
        self.assertLessEqual(len(sim.pages(2)), 2, "pages of the tenant that is polled every hour")
        daemon.stop()

    def test_proxy(self):
        """Requests go to the proxy, as CONNECT, and not to the API's host."""
        sim = self.start_sim(per_tenant=1)
        proxy = Recorder(self, tls=False)
        daemon = self.start_daemon(sim, input={"proxy": proxy.url})
        wait_until(lambda: proxy.received, "a request to the proxy")
        self.assertTrue(proxy.received.startswith(b"CONNECT " + sim.url[8:].encode()), proxy.received[:80])
        daemon.wait_for_health(1, "unreachable")
        daemon.stop()
        self.assertEqual(sim.requests(), [])

    def test_plain_http_on_loopback(self):
        sim = self.start_sim(tls=False, per_tenant=2)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(2)
        daemon.stop()

    def test_an_answer_that_takes_longer_than_request_timeout(self):
        sim = self.start_sim(per_tenant=1, scenario=[{"fault": "delay", "at": "api", "milliseconds": 2500}])
        daemon = self.start_daemon(sim, input={"requestTimeout": "1"})
        self.assertIn("timeout", daemon.wait_for_health(1, "unreachable").fields["reason"])
        sim.rules()
        daemon.hup()
        daemon.wait_for_alerts(1)
        daemon.stop()

    def test_a_ruleset_and_the_default_one(self):
        """Two inputs: one bound to a ruleset, one not, and the default ruleset has the main queue."""
        sim = self.start_sim(tenants=2, per_tenant=2)
        daemon = self.daemon(sim)
        daemon.reconfigure(daemon.input(), daemon.inline_input(1, name="bound") + daemon.inline_input(
            2, name="unbound", ruleset=None))
        daemon.reconfigure('action(type="omfile" file="%s" template="RSYSLOG_FileFormat")' % daemon.log,
                           'action(type="omfile" file="%s" template="RSYSLOG_FileFormat")\n'
                           'if $app-name == "imdefender" then action(type="omfile" file="%s" template="plain")' % (
                               daemon.log, self.path("default")))
        daemon.start()
        daemon.wait_for_alerts(2, 1)
        wait_until(lambda: harness.read(self.path("default")).count('"severity"') >= 2, "two alerts in the default ruleset")
        daemon.stop()
        self.assertEqual({m.metadata["tenantId"] for m in daemon.alerts()}, {tenant_id(1)})
        self.assertNotIn(tenant_id(1), harness.read(self.path("default")))

    def test_requests_say_what_the_api_wants_to_hear(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(1)
        sim.wait_for_polls(1)
        daemon.stop()
        asked = sim.requests(1, "/security/")
        ids = [r["client-request-id"] for r in asked]
        self.assertEqual(len(set(ids)), len(ids), "a client-request-id of its own for each request")
        self.assertTrue(all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", i) for i in ids), ids)
        self.assertEqual({r["path"] for r in asked}, {"/v1.0/security/alerts_v2"})
        self.assertTrue(all("lastUpdateDateTime ge " in r["query"] and "lastUpdateDateTime gt" not in r["query"] for r in asked))


class Statistics(harness.Case):
    NAMES = {"polls", "polls.failed", "alerts.fetched", "alerts.submitted", "alerts.acknowledged", "alerts.duplicate",
             "alerts.filtered", "alerts.rejected", "alerts.late", "requests", "requests.throttled", "requests.failed",
             "requests.partial", "tokens.issued", "tokens.failed", "bytes.received", "inflight", "lag.seconds",
             "success.age.seconds"}

    def test_every_counter_of_the_contract_is_there(self):
        sim = self.start_sim(tenants=2, per_tenant=3)
        daemon = self.start_daemon(sim, tenants=2, module={"statsPerTenant": "on"})
        daemon.wait_for_alerts(6)
        counters = daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 6, "6 acknowledged")
        self.assertEqual(set(counters) - {"name", "origin"}, self.NAMES)
        self.assertEqual((counters["tokens.issued"], counters["alerts.submitted"], counters["tokens.failed"]), (2, 6, 0))
        self.assertGreaterEqual(counters["requests"], 4)
        self.assertGreater(counters["bytes.received"], 20)
        for number in (1, 2):
            one = daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 3, "3 acknowledged",
                                           "alerts-in/%s/alerts" % tenant_id(number))
            self.assertEqual(set(one) - {"name", "origin"}, self.NAMES)
        daemon.stop()

    def test_a_tenant_that_is_added_in_a_busy_time_gets_statistics_too(self):
        sim = self.start_sim(tenants=2, per_tenant=3, rate=8)
        daemon = self.start_daemon(sim, tenants=1, module={"statsPerTenant": "on"})
        daemon.wait_for_alerts(3)
        daemon.set_tenants(2)
        daemon.wait_for_alerts(3, 2)
        daemon.wait_for_counters(lambda c: c["alerts.submitted"] >= 3, "its own counters",
                                 "alerts-in/%s/alerts" % tenant_id(2), 15)
        daemon.stop()

    def test_without_stats_per_tenant_there_is_one_object_per_input(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.start_daemon(sim)
        daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 1, "one acknowledged")
        daemon.stop()
        self.assertEqual(daemon.counters("alerts-in/%s/alerts" % tenant_id(1)), {})


if __name__ == "__main__":
    unittest.main()
