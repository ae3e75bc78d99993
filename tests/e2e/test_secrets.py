# SPDX-License-Identifier: Apache-2.0
"""No secret and no token is found in anything that a run leaves behind, the files that hold the secret itself excepted."""
import os
import re
import unittest
import urllib.parse

import harness
from harness import SECRET, tenant_id, wait_until

TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")
MAY_HOLD_IT = ("secret", ".tenants.yaml", ".conf")


class Secrets(harness.Case):
    def found(self):
        """Names of files with a secret or token in them, in any of the forms in which it travels."""
        forms = {SECRET.encode(), urllib.parse.quote(SECRET, safe="").encode(), urllib.parse.quote(SECRET).encode()}
        hits = []
        for folder, _, names in os.walk(self.directory):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                if not name.endswith(MAY_HOLD_IT) and (any(f in content for f in forms) or TOKEN.search(content)):
                    hits.append(name)
        return hits

    def test_in_a_run_with_every_kind_of_trouble(self):
        """With debug output, statistics, health messages and state."""
        faults = [{"fault": "wrong-secret"}, {"fault": "html", "at": "token"}, {"fault": "no-consent"}, {"fault": "redirect"},
                  {"fault": "html"}, {"fault": "expired-token"}, {"fault": "no-token"}, {"fault": "other-tenant"},
                  {"fault": "truncated", "at": "token"}]
        well = len(faults) + 1
        sim = self.start_sim(tenants=well, per_tenant=3, scenario=[
            dict(fault, tenant=tenant_id(i)) for i, fault in enumerate(faults, 1)])
        daemon = self.daemon(sim, tenants=well, module={"statsPerTenant": "on"})
        daemon.environment = {"RSYSLOG_DEBUG": "Debug NoStdOut", "RSYSLOG_DEBUGLOG": self.path("debug")}
        daemon.start().wait_for_alerts(3, well)
        wait_until(lambda: len({m.fields["tenantId"] for m in daemon.health()}) == well, "a health message of each tenant")
        self.assertNotIn(SECRET.encode(), self.command_line(daemon.child.pid))
        daemon.hup()
        sim.wait_for_polls(1, well)
        daemon.stop()
        self.assertGreater(os.path.getsize(self.path("debug")), 0, "the debug output is looked at, too")
        self.assertEqual(self.found(), [])

    def test_in_a_run_with_the_secret_in_the_configuration(self):
        """Without debug output, in which rsyslogd itself prints its configuration."""
        sim = self.start_sim(tenants=2, per_tenant=3, scenario=[{"tenant": tenant_id(2), "fault": "expired-secret"}])
        daemon = self.daemon(sim)
        daemon.reconfigure(daemon.input(), "".join(daemon.inline_input(
            i, name="inline-%d" % i, clientSecretFile=None, clientSecret=SECRET) for i in (1, 2)))
        daemon.start().wait_for_alerts(3, 1)
        daemon.wait_for_health(2, "credential")
        daemon.stop()
        self.assertEqual(self.found(), [])

    @staticmethod
    def command_line(pid):
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read()

    def test_in_errors_of_the_configuration(self):
        """Also where the secret stands in the wrong place."""
        tenant = {"tenantId": tenant_id(1), "clientId": harness.CLIENT}
        for wrong in ({"clientSecret": SECRET, "clientSecretFile": SECRET}, {"clientSecretFile": SECRET},
                      {"clientSecret": SECRET + "\u0007"}, {"certificateFile": SECRET}, {"proxy": "http://u:%s@host:1" % SECRET},
                      {"clientSecret": [SECRET, SECRET]}):
            with self.subTest(sorted(wrong)):
                daemon = self.daemon(None, tenants=[dict(tenant, **wrong)], defaults={})
                status, output = daemon.check()
                self.assertNotEqual(status, 0)
                self.assertNotIn(SECRET, output)

    def test_the_search_finds_what_is_there(self):
        self.write("some.log", "x=" + SECRET)
        self.write("other.log", "Bearer eyJ0eXAiOiJKV1QiLCJhbGciOi.eyJhdWQiOiJodHRwczovL2dyYXBo.x")
        self.assertEqual(sorted(self.found()), ["other.log", "some.log"])


if __name__ == "__main__":
    unittest.main()
