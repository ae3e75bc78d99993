# SPDX-License-Identifier: Apache-2.0
"""Trouble of a tenant: one health message and one log line, nobody else is disturbed, and nothing is lost once it is over."""
import unittest

import harness
from harness import tenant_id
from recorder import Recorder
from simulator import moment

SIGN_IN = [  # fault of the token endpoint, state of the feed
    ("wrong-secret", "credential"), ("expired-secret", "credential"), ("unknown-tenant", "no-tenant"),
    ("no-app", "no-consent"), ("other-tenant", "wrong-tenant"), ("no-token", "bad-answer"),
    ("temporarily-unavailable", "server-error"), ("throttled", "throttled"), ("html", "bad-answer"),
    ("redirect", "bad-answer"), ("empty", "bad-answer"), ("reset", "unreachable")]
API = [  # fault of the API, state of the feed, further members of the rule
    ("no-consent", "no-consent", {}), ("insufficient-privileges", "no-consent", {}), ("unlicensed", "unlicensed", {}),
    ("not-provisioned", "unlicensed", {}), ("non-premium", "unlicensed", {}), ("html", "bad-answer", {}),
    ("empty", "bad-answer", {}), ("no-value", "bad-answer", {}), ("value-not-array", "bad-answer", {}),
    ("truncated", "unreachable", {}), ("reset", "unreachable", {}), ("redirect", "bad-answer", {}),
    ("throttled", "throttled", {"retryAfter": "1"}), ("throttled-text", "throttled", {"retryAfter": "date:1"}),
    ("status", "server-error", {}), ("text", "server-error", {}), ("hang", "unreachable", {}),
    ("huge", "too-large", {"bytes": 300000}), ("expired-token", "unauthorized", {})]
WELL = 2  # alerts of each tenant before the trouble, and as many during it


class Trouble(harness.Case):
    def told_once(self, daemon, number, state):
        """One health message and one log line of that change."""
        self.assertEqual(len(daemon.health(number, state)), 1, "health messages: %s" % [m.text for m in daemon.health(number)])
        lines = daemon.wait_for_log(tenant_id(number), "-> %s" % state)
        self.assertEqual(len(lines), 1, "log lines: %s" % lines)
        self.assertIn("Customer-%d" % number, lines[0])
        return daemon.health(number, state)[0]

    def recovered(self, sim, daemon, numbers, count, seconds=15):
        """The fault is lifted and HUP sent: everything arrives at once, and each feed says that it is well."""
        sim.rules()
        daemon.hup()
        for number in numbers:
            with self.subTest(tenant=number):
                daemon.wait_for_alerts(count, number, seconds)
                daemon.wait_for_health(number, "ok", len(daemon.health(number, "ok")))
        sim.wait_for_polls(1)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)


class Faults(Trouble):
    """A tenant for each fault, and a healthy one behind them all."""

    def test_sign_in(self):
        numbers = range(1, len(SIGN_IN) + 1)
        healthy = len(SIGN_IN) + 1
        sim = self.start_sim(tenants=healthy, per_tenant=WELL, scenario=[
            {"tenant": tenant_id(i), "at": "token", "fault": fault, "retryAfter": "2"} for i, (fault, _) in zip(numbers, SIGN_IN)])
        daemon = self.start_daemon(sim, tenants=healthy)
        daemon.wait_for_alerts(WELL, healthy)
        for number, (fault, state) in zip(numbers, SIGN_IN):
            with self.subTest(fault=fault):
                message = daemon.wait_for_health(number, state)
                self.assertEqual(message.fields["previous"], "starting")
                self.assertTrue(message.fields["reason"] and message.fields["action"], message.text)
        sim.wait_for_polls(2, healthy)
        for number, (fault, state) in zip(numbers, SIGN_IN):
            with self.subTest(fault=fault):
                self.told_once(daemon, number, state)
                self.assertEqual(daemon.alerts(number), [])
        daemon.wait_for_health(healthy, "ok")
        self.assertEqual(len(daemon.health(healthy)), 1, "health messages of the healthy tenant")
        self.recovered(sim, daemon, numbers, WELL)

    def test_api(self):
        numbers = range(1, len(API) + 1)
        healthy = len(API) + 1
        sim = self.start_sim(tenants=healthy, per_tenant=WELL)
        daemon = self.start_daemon(sim, tenants=healthy, input={"maxResponseSize": "200k", "requestTimeout": "3"})
        daemon.wait_for_alerts(WELL * healthy)
        for number in range(1, healthy + 1):
            daemon.wait_for_health(number, "ok")
        sim.rules(*[dict(more, tenant=tenant_id(i), at="api", fault=fault) for i, (fault, _, more) in zip(numbers, API)])
        sim.make(count=WELL)
        daemon.wait_for_alerts(2 * WELL, healthy)
        for number, (fault, state, _) in zip(numbers, API):
            with self.subTest(fault=fault):
                message = daemon.wait_for_health(number, state)
                self.assertEqual(message.fields["previous"], "ok")
                self.assertTrue(message.fields["reason"] and message.fields["action"], message.text)
        sim.wait_for_polls(3, healthy)
        for number, (fault, state, _) in zip(numbers, API):
            with self.subTest(fault=fault):
                self.told_once(daemon, number, state)
                self.assertEqual(len(daemon.alerts(number)), WELL, "alerts in spite of the fault")
        self.assertEqual(len(daemon.health(healthy)), 1, "health messages of the healthy tenant")
        counters = daemon.wait_for_counters(lambda c: c["requests.failed"] > 0, "failed requests")
        self.assertGreater(counters["requests.throttled"], 0)
        self.assert_accounts_close(daemon)
        self.recovered(sim, daemon, numbers, 2 * WELL)

    def test_hup_retries_an_inline_tenant_at_once(self):
        """Without it only in minutes, as only an operator can help."""
        sim = self.start_sim(per_tenant=WELL, scenario=[{"fault": "unlicensed"}])
        daemon = self.daemon(sim)
        daemon.reconfigure(daemon.input(), daemon.inline_input())
        daemon.start().wait_for_health(1, "unlicensed")
        sim.rules()
        daemon.hup()
        daemon.wait_for_alerts(WELL, seconds=10)
        daemon.stop()

    def test_consent_that_is_given_counts_after_a_hup(self):
        """Roles are part of the token, so one that was issued before the consent will not do."""
        sim = self.start_sim(per_tenant=WELL, scenario=[{"fault": "no-roles"}])
        daemon = self.start_daemon(sim)
        daemon.wait_for_health(1, "no-consent")
        sim.rules()
        daemon.hup()
        daemon.wait_for_alerts(WELL, seconds=10)
        daemon.stop()
        self.assertEqual(len(sim.tokens()), 2, "tokens: before and after the consent")

    def test_hup_does_not_cut_short_a_wait_that_the_api_asked_for(self):
        sim = self.start_sim(per_tenant=1, scenario=[{"fault": "throttled", "at": "api", "retryAfter": "4", "times": 1}])
        daemon = self.start_daemon(sim)
        daemon.wait_for_health(1, "throttled")
        daemon.hup()
        daemon.wait_for_alerts(1)
        daemon.stop()
        first, second = sim.requests(1, "/security/alerts_v2")[:2]
        self.assertGreaterEqual(moment(second) - moment(first), 3.9, "seconds between the requests")

    def test_a_wrong_secret_is_read_again_when_the_file_was_mended(self):
        sim = self.start_sim(per_tenant=WELL)
        daemon = self.daemon(sim)
        self.write("secret", "not the secret")
        daemon.start().wait_for_health(1, "credential")
        self.write("secret", harness.SECRET)
        daemon.hup()
        daemon.wait_for_alerts(WELL, seconds=10)
        daemon.stop()
        self.assertNotIn("not the secret", daemon.log_text())

    def test_the_api_cannot_be_reached(self):
        """It goes, and comes back on the same port: told once each, nothing lost, nothing twice."""
        sim = self.start_sim(tenants=2, per_tenant=WELL)
        daemon = self.start_daemon(sim, tenants=2)
        daemon.wait_for_alerts(2 * WELL)
        for number in (1, 2):
            daemon.wait_for_health(number, "ok")  # alerts come before the end of the walk that brings them
        port = sim.url.rsplit(":", 1)[1]
        sim.destroy()
        for number in (1, 2):
            daemon.wait_for_health(number, "unreachable")
            self.told_once(daemon, number, "unreachable")
        again = self.start_sim(name="again", tenants=2, listen="127.0.0.1:" + port, seed=2)
        again.make(count=WELL)
        daemon.hup()
        daemon.wait_for_alerts(4 * WELL)
        for number in (1, 2):
            daemon.wait_for_health(number, "ok", 2)
        again.wait_for_polls(1)
        daemon.stop()
        self.assertEqual(len(daemon.alerts()), 4 * WELL)

    def test_an_untrusted_certificate_is_refused(self):
        """No token request goes out."""
        sim = self.start_sim(per_tenant=1)
        daemon = self.daemon(sim)
        harness.make_certificates(self.path("other"))
        daemon.reconfigure(self.certificates, self.path("other"))
        daemon.start()
        message = daemon.wait_for_health(1, "unreachable")
        self.assertIn("TLS", message.fields["reason"])
        self.assertEqual(sim.requests(), [])
        daemon.stop()


class Recovery(Trouble):
    def test_a_refused_token_is_renewed_once_and_the_same_page_repeated(self):
        sim = self.start_sim(per_tenant=40, spread=600, scenario=[{"fault": "expired-token", "skip": 2, "times": 1}])
        daemon = self.start_daemon(sim, input={"pageSize": "10"})
        daemon.wait_for_alerts(40)
        daemon.wait_for_health(1, "ok")
        sim.wait_for_polls(1)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)
        self.assertEqual(len(sim.tokens()), 2, "tokens: the first, and one after the refusal")
        asked = sim.requests(1, "/security/alerts_v2")
        refused = next(i for i, r in enumerate(asked) if r["status"] == 401)
        self.assertEqual(asked[refused + 1]["query"], asked[refused]["query"], "the same page is asked for again")
        self.assertEqual([m.fields["state"] for m in daemon.health()], ["ok"], "an operator need not know")

    def test_retry_after_is_obeyed(self):
        for name, value in (("seconds", "3"), ("date", "date:4")):
            with self.subTest(name):
                sim = self.start_sim(name="sim-" + name, per_tenant=1, scenario=[
                    {"fault": "throttled", "at": "api", "retryAfter": value, "times": 1}])
                daemon = self.start_daemon(sim, name=name)
                daemon.wait_for_alerts(1)
                daemon.stop()
                first, second = sim.requests(1, "/security/alerts_v2")[:2]
                self.assertEqual((first["status"], second["status"]), (429, 200))
                waited = moment(second) - moment(first)
                self.assertGreaterEqual(waited, 2.9, "seconds that were waited")

    def test_one_passing_fault_is_no_news(self):
        sim = self.start_sim(per_tenant=WELL)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(WELL)
        daemon.wait_for_health(1, "ok")  # the first poll is over: a fault of that one would be the first news
        sim.rules({"fault": "status", "status": 503, "at": "api", "times": 1})
        sim.make(count=1)
        daemon.wait_for_alerts(WELL + 1)
        daemon.stop()
        self.assertEqual([m.fields["state"] for m in daemon.health()], ["ok"])

    def test_faults_in_the_middle_of_a_long_walk_lose_nothing(self):
        sim = self.start_sim(tenants=3, per_tenant=300, tie_share=40, spread=3000, scenario=[
            {"tenant": tenant_id(1), "fault": "truncated", "percent": 20, "times": 6},
            {"tenant": tenant_id(2), "fault": "status", "status": 500, "percent": 20, "times": 6},
            {"tenant": tenant_id(3), "fault": "reset", "percent": 20, "times": 6}])
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "25"})
        daemon.wait_for_alerts(900, seconds=90)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_a_partial_answer_is_asked_for_again(self):
        """206: not every provider answered; what it held comes, and the watermark waits for the rest."""
        sim = self.start_sim(per_tenant=3)
        sim.rules({"quirks": {"partial": True}})
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(3)
        daemon.wait_for_health(1, "partial")
        sim.rules()
        sim.make(count=1)
        daemon.wait_for_alerts(4)
        daemon.wait_for_health(1, "ok")
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)


class Objects(Trouble):
    """Objects that cannot be alerts of this tenant."""

    def test_an_object_that_is_no_alert_version_is_rejected_and_the_rest_of_the_page_arrives(self):
        kinds = ["no-id", "bad-time", "no-object"]
        sim = self.start_sim(tenants=4, per_tenant=3, scenario=[
            {"tenant": tenant_id(i), "quirks": {"inject": kind}} for i, kind in enumerate(kinds, 1)])
        daemon = self.start_daemon(sim, tenants=4, module={"statsPerTenant": "on"})
        daemon.wait_for_alerts(12)
        sim.wait_for_polls(2)
        for number, kind in enumerate(kinds, 1):
            with self.subTest(kind):
                message = self.rejected(daemon, number)
                self.assertTrue(message.fields["reason"] and message.fields["action"], message.text)
                self.assertIn("object", message.fields, "the object itself is passed on, so that it is not lost")
                self.assert_accounts_close(daemon, "alerts-in/%s/alerts" % tenant_id(number), "alerts.rejected")
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)

    def rejected(self, daemon, number):
        """Each such object is told of once, however often it is met."""
        message = daemon.wait_for_health(number, "rejected")
        objects = [str(m.fields["object"]) for m in daemon.health(number, "rejected")]
        self.assertEqual(len(objects), len(set(objects)), "health messages: %s" % objects)
        self.assertLess(len(daemon.log_lines(tenant_id(number), "no alert version")), len(objects) + 2)
        return message

    def test_an_object_of_another_tenant_is_not_emitted_and_the_feed_stops(self):
        sim = self.start_sim(tenants=2, per_tenant=3)
        daemon = self.start_daemon(sim, tenants=2)
        daemon.wait_for_alerts(6)
        sim.rules({"tenant": tenant_id(1), "quirks": {"inject": "other-tenant"}})
        sim.make(count=2)
        daemon.wait_for_health(1, "wrong-tenant")
        daemon.wait_for_alerts(5, 2)
        sim.wait_for_polls(2, 2)
        self.told_once(daemon, 1, "wrong-tenant")
        before = len(sim.requests(1))
        sim.wait_for_polls(2, 2)
        self.assertEqual(len(sim.requests(1)), before, "requests of a feed that has stopped")
        self.assertEqual(len(daemon.alerts(1)), 3, "what the foreign object stood before is not emitted either")
        self.recovered(sim, daemon, (1, 2), 5)

    def test_a_token_of_another_tenant_opens_nothing(self):
        sim = self.start_sim(tenants=2, per_tenant=3, scenario=[{"tenant": tenant_id(1), "fault": "other-tenant"}])
        daemon = self.start_daemon(sim, tenants=2)
        daemon.wait_for_health(1, "wrong-tenant")
        daemon.wait_for_alerts(3, 2)
        self.assertEqual(daemon.alerts(1), [])
        self.recovered(sim, daemon, (1, 2), 3)


class Hosts(Trouble):
    """A token goes to no other host."""

    def test_a_next_link_to_another_host_is_not_followed(self):
        elsewhere = Recorder(self)
        sim = self.start_sim(tenants=2, per_tenant=30, spread=600, scenario=[
            {"tenant": tenant_id(1), "quirks": {"link": "elsewhere", "elsewhere": elsewhere.url, "shortPages": 7}}])
        daemon = self.start_daemon(sim, tenants=2, input={"pageSize": "10"})
        daemon.wait_for_alerts(30, 2)
        daemon.wait_for_alerts(30, 1)
        sim.wait_for_polls(1)
        daemon.stop()
        self.assertEqual((elsewhere.connections, elsewhere.received), (0, b""), "connections to the other host, and what came")
        self.assert_arrived_once(daemon.alerts(), sim)
        self.assertTrue(daemon.log_lines(tenant_id(1), "another host"), "the log tells of it")
        self.assertLess(len(daemon.log_lines("another host")), 3, "but not for each page")

    def test_a_redirect_is_not_followed(self):
        elsewhere = Recorder(self)
        sim = self.start_sim(tenants=3, per_tenant=2, scenario=[
            {"tenant": tenant_id(1), "fault": "redirect", "at": "api", "host": elsewhere.url},
            {"tenant": tenant_id(2), "fault": "redirect", "at": "token", "host": elsewhere.url}])
        daemon = self.start_daemon(sim, tenants=3)
        for number in (1, 2):
            daemon.wait_for_health(number, "bad-answer")
        daemon.wait_for_alerts(2, 3)
        self.assertEqual((elsewhere.connections, elsewhere.received), (0, b""), "connections to the other host, and what came")
        self.recovered(sim, daemon, (1, 2, 3), 2)


if __name__ == "__main__":
    unittest.main()
