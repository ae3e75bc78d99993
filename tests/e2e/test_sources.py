# SPDX-License-Identifier: Apache-2.0
"""All four sources: each with its own paging, fields and tokens, all as messages of one kind."""
import json
import unittest
from collections import Counter

import harness
import simulator
from harness import stamp, tenant_id, wait_until, without_space

ALL = ["alerts", "incidents", "endpoint-alerts", "siem-detections"]
ADD = dict(zip(ALL, ["add", "addIncidents", "addEndpointAlerts", "addDetections"]))


def tenants(number, sources=None, **more):
    return [dict({"tenantId": tenant_id(i), "tenantName": "Customer-%d" % i, "sources": sources or ALL}, **more)
            for i in range(1, number + 1)]


def key_of(message):
    meta = message.metadata
    return meta["tenantId"], meta["source"], meta["id"], meta["lastUpdate"]


def key_of_version(version):
    return version["tenantId"], version["source"], version["id"], version["lastUpdateDateTime"]


def text_of(**members):
    return json.dumps({name: value for name, value in members.items() if value is not None}, separators=(",", ":"),
                      ensure_ascii=False)


class Sources(harness.Case):
    def everything_is_there(self, sim, daemon):
        """Waits for the newest version of every object of every source."""
        def missing():
            came = {key_of(m) for m in daemon.alerts()}
            return {key_of_version(v) for v in sim.truth() if v["replacedAt"] is None} - came
        wait_until(lambda: not missing(), lambda: "all newest versions; missing are %s. The log ends: %s" % (
            Counter(k[1] for k in missing()), daemon.log_text()[-600:]), 60)

    def assert_all_once(self, sim, daemon):
        """Every version that was shown came exactly once, byte for byte as it was served."""
        digests = {key_of_version(v): v["sha256"] for v in harness.read_lines(sim.truth_file)}
        counts = Counter(key_of(m) for m in daemon.alerts())
        due = {key_of_version(v) for v in sim.truth() if v["served"] or v["replacedAt"] is None}
        self.assertFalse(due - counts.keys(), "versions that did not arrive")
        self.assertFalse({k for k, n in counts.items() if n > 1}, "versions that arrived more than once")
        for message in daemon.alerts():
            self.assertEqual(simulator.digest(without_space(message.text)), digests[key_of(message)],
                             "the bytes of %s" % (key_of(message),))

    def arrive(self, objects, count=None, sim=None, **options):
        """The messages of some objects, given by source, by id; the daemon has been stopped."""
        self.sim = sim or self.start_sim(tenants=3)
        for source, texts in objects.items():
            self.sim._call("/sim/control", ('{"%s":[%s]}' % (ADD[source], ",".join(texts))).encode("utf-8"))
        options.setdefault("tenants", tenants(1, list(objects)))
        self.instance = self.start_daemon(self.sim, **options)
        self.instance.wait_for_alerts(count or sum(map(len, objects.values())))
        self.instance.stop()
        return {m.metadata["id"]: m for m in self.instance.alerts()}


class Delivery(Sources):
    def test_all_sources_of_three_tenants_arrive_exactly_once(self):
        """Objects, updates, additions while pages are read, ties; a restart; accounts that close."""
        sim = self.start_sim(tenants=3, per_tenant=70, sources=",".join(ALL), spread=3000, tie_share=50, scenario=[
            {"paging": {"updates": 3, "adds": 2, "limit": 60, "servedOnly": True}}])
        daemon = self.start_daemon(sim, tenants=tenants(3), input={"pageSize": "25"}, module={"statsPerTenant": "on"})
        self.everything_is_there(sim, daemon)
        sim.rules()
        self.everything_is_there(sim, daemon)
        for source in ALL:
            name = "alerts-in/%s/%s" % (tenant_id(2), source)
            self.assert_accounts_close(daemon, name)
            daemon.wait_for_counters(lambda c: c["inflight"] == 0 and c["alerts.acknowledged"] == c["alerts.submitted"] > 0,
                                     "everything acknowledged", name)
        daemon.stop()
        self.assert_all_once(sim, daemon)
        changes = Counter((m.metadata["source"], m.metadata["change"]) for m in daemon.alerts())
        for source in ALL[:3]:
            self.assertGreater(changes[source, "update"], 0, "updates of %s" % source)
        self.assertEqual(changes["siem-detections", "update"], 0, "detections are immutable")

        count = len(daemon.alerts())
        daemon.start()
        sim.wait_for_polls(2)
        daemon.stop()
        self.assertEqual(len(daemon.alerts()), count, "messages after a restart, of which none is new")

    def test_the_ceiling_of_incidents_is_learned_from_the_400(self):
        sim = self.start_sim(per_tenant=60, sources="incidents", spread=3000, scenario=[
            {"source": "incidents", "quirks": {"topRefused": 20}}])
        daemon = self.start_daemon(sim, tenants=tenants(1, ["incidents"]))
        self.everything_is_there(sim, daemon)
        daemon.stop()
        asked = [(r["status"], r["query"].split("&")[0]) for r in sim.requests(path="/incidents")]
        self.assertEqual(asked[0], (400, "$top=50"), "never more than documented is asked for")
        self.assertEqual({a for a in asked[1:]}, {(200, "$top=20")})
        self.assert_all_once(sim, daemon)

    def test_a_source_over_its_quota_waits_and_the_others_go_on(self):
        """7 % of the quotas are 7 requests a minute."""
        sim = self.start_sim(per_tenant=5, sources="endpoint-alerts,siem-detections", spread=600, quotas=7)
        daemon = self.start_daemon(sim, tenants=tenants(1, ["endpoint-alerts", "siem-detections"]))
        def refused():
            return [r for r in sim.requests() if r["status"] == 429]
        wait_until(refused, "a 429 of a quota")
        self.assertEqual({r["source"] for r in refused()}, {"endpoint-alerts"})
        def detections():
            return [r for r in sim.requests() if r["source"] == "siem-detections"]
        before = len(detections())
        wait_until(lambda: len(detections()) > before + 2, "polls of the other source go on")
        self.assertEqual(len(refused()), 1, "refused requests count, too: none before Retry-After")
        daemon.wait_for_counters(lambda c: c["requests.throttled"] == 1, "one throttled request")
        daemon.stop()
        self.assert_all_once(sim, daemon)

    def test_a_refused_siem_application_names_the_portal(self):
        sim = self.start_sim(scenario=[{"source": "siem-detections", "fault": "no-consent"}])
        daemon = self.start_daemon(sim, tenants=tenants(1, ["siem-detections"]))
        health = daemon.wait_for_health(1, "no-consent")
        daemon.stop()
        self.assertEqual(health.fields["source"], "siem-detections")
        self.assertIn("https://security.microsoft.com?tid=" + tenant_id(1), health.fields["action"])


class Sharing(Sources):
    def test_sources_share_a_token_where_the_audience_is_the_same(self):
        sim = self.start_sim(tenants=2, per_tenant=2, sources=",".join(ALL), spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(2))
        self.everything_is_there(sim, daemon)
        sim.wait_for_polls(3)
        daemon.stop()
        for number in (1, 2):
            paths = Counter(r["path"].split("/", 2)[2] for r in sim.tokens(number) if r["status"] == 200)
            self.assertEqual(paths, {"oauth2/v2.0/token": 2, "oauth2/token": 1},
                             "one token for Graph, one for Defender for Endpoint, one of the old kind for the SIEM API")

    def test_sources_share_connections_where_the_host_is_the_same(self):
        sim = self.start_sim(tenants=2, per_tenant=2, sources=",".join(ALL), spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(2))
        wait_until(lambda: len(sim.requests()) > 60, lambda: "more than 60 requests; there are %d" % len(sim.requests()))
        daemon.stop()
        requests = [r for r in sim.requests() if r["complete"]]
        self.assertGreater(len(requests), 40)
        self.assertLessEqual(len({r["port"] for r in requests}), 8, "connections of 8 feeds for %d requests" % len(requests))


class Fields(Sources):
    def test_every_field_of_an_incident(self):
        text = text_of(id="4711", tenantId=tenant_id(1), displayName="An incident", severity="medium", status="active",
                       createdDateTime=stamp(-300), lastUpdateDateTime=stamp(-60), redirectIncidentId=None,
                       incidentWebUrl="https://security.microsoft.com/incidents/4711?tid=" + tenant_id(1))
        message = self.arrive({"incidents": [text]})["4711"]
        self.assertEqual((message.text, message.msgid, message.severity), (text, "incidents", "4"))
        self.check_metadata(message, "incidents", text, incidentId="4711",
                            webUrl="https://security.microsoft.com/incidents/4711?tid=" + tenant_id(1))

    def test_every_field_of_an_endpoint_alert(self):
        text = text_of(id="da1_-2", incidentId=4711, investigationId=7, aadTenantId=tenant_id(1), severity="High",
                       status="New", title="An endpoint alert", alertCreationTime=stamp(-300),
                       lastUpdateTime="%s.12345Z" % stamp(-60)[:-1], evidence=[{"entityType": "File", "sha1": "ab"}])
        message = self.arrive({"endpoint-alerts": [text]})["da1_-2"]
        self.assertEqual((message.text, message.msgid, message.severity), (text, "endpoint-alerts", "2"))
        self.check_metadata(message, "endpoint-alerts", text, time="lastUpdateTime", incidentId="4711",
                            webUrl="https://security.microsoft.com/alerts/da1_-2?tid=" + tenant_id(1))

    def test_every_field_of_a_siem_detection(self):
        """Its link names no tenant, so it gets the one it was polled for. It names no incident."""
        text = text_of(AlertTime=stamp(-300), Severity="Informational", AlertId="da1_1", FullId="da1_1:abc",
                       LastProcessedTimeUtc="%s.1234567Z" % stamp(-60)[:-1], LinkToWDATP="https://securitycenter.example/x",
                       LinkToMTP="https://security.microsoft.com/alert/da1_1", RemediationIsSuccess=None, Actor="")
        message = self.arrive({"siem-detections": [text]})["da1_1:abc"]
        self.assertEqual((message.text, message.msgid, message.severity), (text, "siem-detections", "6"))
        self.check_metadata(message, "siem-detections", text, time="LastProcessedTimeUtc",
                            webUrl="https://security.microsoft.com/alert/da1_1?tid=" + tenant_id(1))

    def check_metadata(self, message, source, text, time="lastUpdateDateTime", **more):
        whole = json.loads(text)
        key = message.metadata.pop("key")
        expected = dict({"tenantId": tenant_id(1), "tenantName": "Customer-1", "cloud": "global", "source": source,
                         "id": message.metadata["id"], "lastUpdate": whole[time], "change": "new", "input": "alerts-in",
                         "labels": {}}, **more)
        self.assertEqual(message.metadata, expected)
        severity = whole.get("severity", whole.get("Severity"))
        self.assertEqual(message.structured_data,
                         '[imdefender@32473 tenantId="%s" tenantName="Customer-1" source="%s" id="%s" severity="%s" key="%s"]' % (
                             tenant_id(1), source, expected["id"], severity, key))
        self.assertEqual(message.fields, whole)
        self.assertEqual(message.timestamp[:19], whole[time][:19], "the time of this version")

    def test_an_alert_and_its_incident_are_joined_by_incident_id(self):
        sim = self.start_sim(tenants=2, per_tenant=4, sources="alerts,incidents", spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(2, ["alerts", "incidents"]))
        self.everything_is_there(sim, daemon)
        daemon.stop()
        by_source = {source: {(m.metadata["tenantId"], m.metadata["incidentId"]) for m in daemon.alerts()
                              if m.metadata["source"] == source} for source in ("alerts", "incidents")}
        self.assertTrue(by_source["alerts"] <= by_source["incidents"], "every alert's incident is there: %s" % by_source)
        for message in daemon.alerts():
            self.assertTrue(message.metadata["webUrl"].endswith("?tid=" + message.metadata["tenantId"]),
                            message.metadata["webUrl"])

    def test_a_changed_incident_and_a_changed_endpoint_alert_are_updates(self):
        first = {"incidents": [text_of(id="1", tenantId=tenant_id(1), status="active", severity="low",
                                       createdDateTime=stamp(-300), lastUpdateDateTime=stamp(-100))],
                 "endpoint-alerts": [text_of(id="2", aadTenantId=tenant_id(1), status="New", severity="Low",
                                             alertCreationTime=stamp(-300), lastUpdateTime=stamp(-100))]}
        self.arrive(first)
        later = {"incidents": [text_of(id="1", tenantId=tenant_id(1), status="redirected", redirectIncidentId="9",
                                       createdDateTime=stamp(-300), lastUpdateDateTime=stamp(-10))],
                 "endpoint-alerts": [text_of(id="2", aadTenantId=tenant_id(1), status="Resolved", severity="Low",
                                             alertCreationTime=stamp(-300), lastUpdateTime=stamp(-10))]}
        self.sim.control(**{ADD[source]: [json.loads(t) for t in texts] for source, texts in later.items()})
        self.instance.start()
        self.instance.wait_for_alerts(4)
        self.instance.stop()
        changes = {(m.metadata["source"], m.fields["status"]): m.metadata["change"] for m in self.instance.alerts()}
        self.assertEqual(changes, {("incidents", "active"): "new", ("incidents", "redirected"): "update",
                                   ("endpoint-alerts", "New"): "new", ("endpoint-alerts", "Resolved"): "update"})

    def test_an_old_alerts_detection_of_today_is_new(self):
        """It comes when versions as old as its alert are forgotten; but it is no version of that alert."""
        sim = self.start_sim()
        daemon = self.start_daemon(sim, tenants=tenants(1, ["siem-detections"]), input={"backfill": "10d", "overlap": "60"})
        wait_until(lambda: len([r for r in sim.requests() if r["source"] == "siem-detections"]) > 2, "the first polls")
        sim.control(addDetections=[{"AlertTime": stamp(-80 * 3600), "FullId": "old:1", "LastProcessedTimeUtc": stamp(-5),
                                    "Severity": "Low"}])
        message, = daemon.wait_for_alerts(1)
        daemon.stop()
        self.assertEqual(message.metadata["change"], "new")

    def test_what_nobody_knows_yet_passes_through_unchanged(self):
        """Fields, types of evidence and enumeration values of tomorrow; numbers as they were written; any escape."""
        odd = '"newField":{"nested":[1,2.50,1e3,null,"\\u00fc\\/"]},"unknownFuture":"\\ud83d\\ude00 \\u0000x"'
        times = {"alerts": ("createdDateTime", "lastUpdateDateTime"), "incidents": ("createdDateTime", "lastUpdateDateTime"),
                 "endpoint-alerts": ("alertCreationTime", "lastUpdateTime"),
                 "siem-detections": ("AlertTime", "LastProcessedTimeUtc")}
        objects = {}
        for source in ALL:
            created, changed = times[source]
            tenant = {"endpoint-alerts": '"aadTenantId":"%s",', "siem-detections": ""}.get(source, '"tenantId":"%s",')
            objects[source] = ['{"%s":"%s-odd","severity":"catastrophic","Severity":"catastrophic","status":"pondering",%s'
                               '"evidence":[{"@odata.type":"#microsoft.graph.security.tomorrowEvidence","x":{"y":[]}}],'
                               '"%s":"%s","%s":"%s",%s}' % (
                                   "FullId" if source == "siem-detections" else "id", source,
                                   tenant % tenant_id(1) if tenant else "", created, stamp(-300), changed, stamp(-60), odd)]
        messages = self.arrive(objects, tenants=tenants(1))
        for source in ALL:
            message = messages[source + "-odd"]
            self.assertEqual(message.text, objects[source][0])
            self.assertEqual(message.severity, "5", "an unknown severity is a notice")
            self.assertEqual(message.fields["newField"], {"nested": [1, 2.5, 1000, None, "ü/"]})


class Expansion(Sources):
    def test_incidents_carry_their_alerts_where_that_is_asked_for(self):
        sim = self.start_sim(per_tenant=6, sources="alerts,incidents", spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(1, ["alerts", "incidents"], expandAlerts="on"))
        self.everything_is_there(sim, daemon)
        daemon.stop()
        alerts = {m.metadata["id"]: m.fields for m in daemon.alerts() if m.metadata["source"] == "alerts"}
        incidents = [m for m in daemon.alerts() if m.metadata["source"] == "incidents"]
        found = {a["id"]: a for m in incidents for a in m.fields["alerts"]}
        self.assertEqual(found, alerts, "each alert is in its incident")

    def test_without_being_asked_incidents_come_alone_and_endpoint_alerts_with_evidence(self):
        sim = self.start_sim(per_tenant=2, sources=",".join(ALL), spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(1))
        self.everything_is_there(sim, daemon)
        daemon.stop()
        for message in daemon.alerts():
            source = message.metadata["source"]
            self.assertFalse(source == "incidents" and "alerts" in message.fields)
            self.assertFalse(source == "endpoint-alerts" and not message.fields["evidence"])

    def test_evidence_of_endpoint_alerts_can_be_left_out(self):
        sim = self.start_sim(per_tenant=2, sources="endpoint-alerts", spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(1, ["endpoint-alerts"], expandEvidence="off"))
        daemon.wait_for_alerts(2)
        daemon.stop()
        self.assertEqual([m.fields["evidence"] for m in daemon.alerts()], [[], []])

    def test_expand_alerts_is_given_up_where_the_api_fails_over_it(self):
        """Two polls each find out by themselves that it works without; from then on they do not try, and say so once."""
        sim = self.start_sim(per_tenant=3, sources="alerts,incidents", spread=600, scenario=[
            {"source": "incidents", "quirks": {"expandFails": True}}])
        daemon = self.start_daemon(sim, tenants=tenants(1, ["alerts", "incidents"], expandAlerts="on"))
        self.everything_is_there(sim, daemon)
        daemon.wait_for_log("the API fails over $expand=alerts")

        def expanded():
            return [r for r in sim.requests(path="/incidents") if "$expand" in r["query"]]
        tried = len(expanded())
        sim.wait_for_polls(3)
        daemon.stop()
        self.assertEqual({r["status"] for r in expanded()}, {500})
        self.assertEqual(len(expanded()), tried, "no further request with $expand")
        self.assertEqual(len(daemon.log_lines("the API fails over $expand=alerts")), 1)
        self.assertEqual([m for m in daemon.alerts() if "alerts" in m.fields], [])
        self.assert_all_once(sim, daemon)

    def test_an_outage_does_not_cost_the_expansion(self):
        """The poll that ends it may have tried without; the next one asks for the alerts again."""
        sim = self.start_sim(per_tenant=2, sources="alerts,incidents", spread=600, scenario=[
            {"source": "incidents", "fault": "status", "status": 503, "times": 3}])
        daemon = self.start_daemon(sim, tenants=tenants(1, ["alerts", "incidents"], expandAlerts="on"))
        self.everything_is_there(sim, daemon)
        sim.make(count=1, source="incidents")
        self.everything_is_there(sim, daemon)

        def newest():
            return max((r for r in sim.requests(path="/incidents")), key=lambda r: r["time"])["query"]
        wait_until(lambda: "$expand=alerts" in newest(), lambda: "$expand=alerts in " + newest())
        daemon.stop()
        self.assertFalse(daemon.log_lines("the API fails over $expand"))


class Warnings(Sources):
    def test_a_deprecated_source_is_told_once(self):
        sim = self.start_sim(tenants=3, per_tenant=1, sources="siem-detections", spread=600)
        daemon = self.start_daemon(sim, tenants=tenants(2, ["siem-detections"]))
        daemon.wait_for_alerts(2)
        daemon.set_tenants(tenants(3, ["siem-detections"]))
        daemon.wait_for_alerts(3)
        daemon.stop()
        lines = daemon.log_lines("siem-detections", "deprecated")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("used by 2 tenants", lines[0])
        self.assertIn("use source alerts", lines[0], "it names the replacement")

    def test_the_siem_api_needs_a_region_where_the_cloud_has_several(self):
        sim = self.start_sim()
        daemon = self.daemon(sim, tenants=tenants(1, ["siem-detections"]), input={"apiUrl": None})
        status, said = daemon.check()
        self.assertNotEqual(status, 0)
        self.assertIn("region", said)


if __name__ == "__main__":
    unittest.main()
