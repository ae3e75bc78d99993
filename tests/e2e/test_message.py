# SPDX-License-Identifier: Apache-2.0
"""What an alert version becomes: each field of the message."""
import json
import re
import unittest

import harness
from harness import stamp, tenant_id


def alert(number, tenant=1, **members):
    """The JSON text of an alert; a member None is left out."""
    values = {"id": "alert-%d" % number, "tenantId": tenant_id(tenant), "title": "Title %d" % number, "severity": "high",
              "status": "new", "createdDateTime": stamp(-120), "lastUpdateDateTime": stamp(-100 + number)}
    values.update(members)
    return json.dumps({name: value for name, value in values.items() if value is not None}, separators=(",", ":"),
                      ensure_ascii=False)


class Message(harness.Case):
    def arrive(self, texts, count=None, **options):
        """What becomes of alerts; the daemon has been stopped."""
        self.sim = self.start_sim(tenants=3)
        self.sim.add(*texts)
        self.instance = self.start_daemon(self.sim, **options)
        self.instance.wait_for_alerts(len(texts) if count is None else count)
        self.instance.stop()
        return {m.metadata["id"]: m for m in self.instance.alerts()}

    def test_every_field_of_an_alert(self):
        text = alert(1, lastUpdateDateTime="%s.1234567Z" % stamp(-60)[:-1], evidence=[{"a": [1, {"b": None}]}],
                     tags=["x", "y"], detail={"n": 1.5, "t": True})
        message = self.arrive([text], tenants=[
            {"tenantId": tenant_id(1), "tenantName": "Contoso", "labels": {"customer": "4711", "tier": "gold"}}])["alert-1"]
        self.assertEqual(message.text, text)
        self.assertEqual(message.rawmsg, text)
        self.assertEqual(message.hostname, "Contoso")
        self.assertEqual((message.app_name, message.procid, message.msgid), ("imdefender", "-", "alerts"))
        self.assertEqual((message.facility, message.severity, message.pri), ("local0", "2", "130"))
        self.assertEqual(message.timestamp, self.micro(text))
        self.assertNotEqual(message.timegenerated[:19], message.timestamp[:19], "reception time stays rsyslog's")
        self.assertEqual(message.inputname, "alerts-in")
        key = message.metadata.pop("key")
        for link in ("webUrl", "incidentId"):  # links are no part of it
            message.metadata.pop(link, None)
        self.assertRegex(key, r"^[0-9a-f]{32,64}$")
        self.assertEqual(message.metadata, {
            "tenantId": tenant_id(1), "tenantName": "Contoso", "cloud": "global", "source": "alerts", "id": "alert-1",
            "lastUpdate": json.loads(text)["lastUpdateDateTime"], "change": "new", "input": "alerts-in",
            "labels": {"customer": "4711", "tier": "gold"}})
        self.assertEqual(message.structured_data,
                         '[imdefender@32473 tenantId="%s" tenantName="Contoso" source="alerts" id="alert-1" severity="high" '
                         'key="%s"]' % (tenant_id(1), key))
        self.assertEqual(message.fields, json.loads(text), "$! holds the object's fields")

    @staticmethod
    def micro(text):
        """lastUpdateDateTime with the six digits that rsyslog keeps."""
        value = json.loads(text)["lastUpdateDateTime"]
        return "%s+00:00" % value[:26]

    def test_hostname_is_the_tenant_name_where_that_is_a_host_name(self):
        for_names = {"Contoso": "Contoso", "contoso.example": "contoso.example", "Contoso Ltd": None, "a_b": None,
                     "-contoso": None, "x" * 64: None, "Müller": None, "": None}
        tenants = [{"tenantId": tenant_id(i), **({"tenantName": name} if name else {})}
                   for i, name in enumerate(for_names, 1)]
        sim = self.start_sim(tenants=len(tenants))
        sim.add(*[alert(i, i) for i in range(1, len(tenants) + 1)])
        daemon = self.start_daemon(sim, tenants=tenants)
        daemon.wait_for_alerts(len(tenants))
        daemon.stop()
        hostnames = {m.metadata["tenantId"]: m.hostname for m in daemon.alerts()}
        expected = {tenant_id(i): host or tenant_id(i) for i, host in enumerate(for_names.values(), 1)}
        self.assertEqual(hostnames, expected)

    def test_severity_and_facility(self):
        levels = {"high": 2, "medium": 4, "low": 5, "informational": 6, "unknownFutureValue": 5, "HIGH": 2, None: 5, "": 5}
        texts = [alert(i, severity=level) for i, level in enumerate(levels)]
        messages = self.arrive(texts, input={"facility": "local5"})
        for i, (level, number) in enumerate(levels.items()):
            message = messages["alert-%d" % i]
            self.assertEqual((message.severity, message.facility, message.pri), (str(number), "local5", str(21 * 8 + number)),
                             "of severity %r" % level)

    def test_structured_data_is_escaped(self):
        name = 'A"]\\B ü'
        message = self.arrive([alert(1, id='q"]\\id')], tenants=[{"tenantId": tenant_id(1), "tenantName": name}])['q"]\\id']
        self.assertIn('tenantName="A\\"\\]\\\\B ü" source="alerts" id="q\\"\\]\\\\id" severity="high" key="',
                      message.structured_data)
        self.assertEqual(message.metadata["tenantName"], name)
        self.assertEqual(message.hostname, tenant_id(1))
        elements = re.findall(r'\[(?:[^\]"\\]|"(?:\\.|[^"\\])*")*\]', message.structured_data)
        self.assertEqual("".join(elements), message.structured_data, "a reader of RFC 5424 finds one element")

    def test_time_stamps_with_any_fraction_and_offset(self):
        base = stamp(-3600)[:-1]
        cases = {"Z": "", ".5Z": ".5", ".12Z": ".12", ".123Z": ".123", ".1234567Z": ".123456", ".9999999Z": ".999999"}
        texts = [alert(i, lastUpdateDateTime=base + tail) for i, tail in enumerate(cases)]
        messages = self.arrive(texts)
        for i, (tail, kept) in enumerate(cases.items()):
            message = messages["alert-%d" % i]
            fraction = (kept + "000000")[1:7] if kept else "000000"
            expected = {"%s.%s+00:00" % (base, fraction), "%s%s+00:00" % (base, kept)}
            self.assertIn(message.timestamp, expected, "of %s" % tail)
            self.assertEqual(message.metadata["lastUpdate"], base + tail)

    def test_a_second_version_is_an_update_with_a_key_of_its_own(self):
        sim = self.start_sim()
        sim.add(alert(1, status="new"))
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(1)
        sim.add(alert(1, status="resolved", lastUpdateDateTime=stamp(-2)))
        daemon.wait_for_alerts(2)
        daemon.stop()
        sim.add(alert(1, status="reopened", lastUpdateDateTime=stamp(-1)))
        daemon.start()
        daemon.wait_for_alerts(3)
        daemon.stop()
        self.assertEqual([m.metadata["change"] for m in daemon.alerts()], ["new", "update", "update"])
        self.assertEqual([m.fields["status"] for m in daemon.alerts()], ["new", "resolved", "reopened"])
        self.assertEqual(len({m.metadata["key"] for m in daemon.alerts()}), 3)

    def test_the_key_of_a_version_is_the_same_in_another_installation(self):
        """So that a receiver can drop what came twice, from whatever instance."""
        sim = self.start_sim(tenants=2, per_tenant=3)
        keys = []
        for name in ("one", "two"):
            daemon = self.start_daemon(sim, name=name, tenants=2)
            daemon.wait_for_alerts(6)
            daemon.stop()
            keys.append({(m.metadata["tenantId"], m.metadata["id"]): m.metadata["key"] for m in daemon.alerts()})
        self.assertEqual(keys[0], keys[1])
        self.assertEqual(len(set(keys[0].values())), 6)

    def test_parse_json_on_summary_off(self):
        text = alert(1, n=7, f=1.5, yes=True, nothing=None, tags=["x", "y"], mixed=["x", {"a": 1}], evidence=[{"a": 1}],
                     nested={"a": 1})
        text = text[:-1] + ',"null":null}'
        whole = json.loads(text)
        scalars = {name: value for name, value in whole.items() if name not in ("mixed", "evidence", "nested")}
        for mode, expected in (("on", whole), ("summary", scalars), ("off", {})):
            with self.subTest(parseJson=mode):
                sim = self.start_sim(name="sim-" + mode)
                sim.add(text)
                daemon = self.start_daemon(sim, name=mode, input={"parseJson": mode})
                message = daemon.wait_for_alerts(1)[0]
                daemon.stop()
                self.assertEqual(message.fields, expected)
                self.assertEqual(message.text, text, "msg is the whole object in any mode")
                self.assertEqual(message.metadata["id"], "alert-1")

    def test_fields_can_be_used_in_rainerscript(self):
        """The names of the contract, as a ruleset of an operator uses them."""
        rule = 'if $!severity == "high" and $!metadata!imdefender!labels!tier == "gold" and $!nested!a == 1 then ' \
               'action(type="omfile" file="%s" template="plain")' % self.path("gold")
        self.arrive([alert(1, nested={"a": 1}), alert(2, severity="low", nested={"a": 1}), alert(3, 2, nested={"a": 1})],
                    actions=rule, tenants=[{"tenantId": tenant_id(1), "labels": {"tier": "gold"}}, {"tenantId": tenant_id(2)}])
        self.assertEqual([json.loads(line)["id"] for line in harness.read(self.path("gold")).splitlines()], ["alert-1"])

    def test_a_health_message(self):
        sim = self.start_sim(scenario=[{"fault": "wrong-secret"}])
        daemon = self.start_daemon(sim, tenants=[{"tenantId": tenant_id(1), "tenantName": "Contoso", "labels": {"tier": "gold"}}])
        message = daemon.wait_for_health(1, "credential")
        daemon.stop()
        self.assertEqual(set(message.fields), {"tenantId", "source", "state", "previous", "since", "reason", "action"})
        self.assertEqual((message.fields["tenantId"], message.fields["source"], message.fields["previous"]),
                         (tenant_id(1), "alerts", "starting"))
        self.assertIn("7000215", message.fields["reason"])
        self.assertTrue(message.fields["action"])
        self.assertEqual(message.metadata["source"], "health")
        self.assertEqual((message.metadata["tenantName"], message.metadata["labels"]), ("Contoso", {"tier": "gold"}))
        self.assertEqual((message.hostname, message.app_name, message.msgid), ("Contoso", "imdefender", "health"))
        self.assertEqual(json.loads(message.text), message.fields)


if __name__ == "__main__":
    unittest.main()
