# SPDX-License-Identifier: Apache-2.0
"""Errors in the configuration are found by rsyslogd -N1, with parameter, tenant and line, and the input does not start."""
import os
import re
import unittest

import harness
from harness import tenant_id

HEAD = "defaults:\n  clientId: 11111111-2222-3333-4444-555555555555\n  clientSecretFile: %s\ntenants:\n"
TENANT = "  - tenantId: %s\n    tenantName: %s\n"


class Configuration(harness.Case):
    def refused(self, expected, text=None, inputs=None, **options):
        """rsyslogd -N1 fails with one error line of imdefender, which matches each expected pattern."""
        daemon = self.daemon(None, tenants_text=text, **options)
        if inputs is not None:
            daemon.reconfigure(daemon.input(), inputs(daemon))
        status, output = daemon.check()
        self.assertNotEqual(status, 0, "exit status of rsyslogd -N1, which says: %s" % output)
        lines = [line for line in output.split("\n") if "imdefender: " in line]
        self.assertEqual(len(lines), 1, "lines of imdefender; rsyslogd -N1 says: %s" % output)
        for pattern in expected:
            self.assertRegex(lines[0], pattern)
        self.assertRegex(lines[0], "does not (start|run)", "the consequence")
        self.assertNotIn(harness.SECRET, output)
        return lines[0]

    def head(self):
        self.write("secret", harness.SECRET)
        return HEAD % self.path("secret")

    def test_a_sound_configuration_is_accepted(self):
        status, output = self.daemon(None, tenants=3).check()
        self.assertEqual(status, 0, output)
        self.assertNotIn("imdefender: ", output)

    def test_checking_leaves_no_trace(self):
        """No state file, no network: -N1 may run beside the daemon."""
        sim = self.start_sim()
        daemon = self.daemon(sim)
        self.assertEqual(daemon.check()[0], 0)
        self.assertEqual(os.listdir(daemon.work), [])
        self.assertEqual(sim.requests(), [])

    # --- the tenants file ---

    def test_bad_yaml(self):
        self.refused([r"tenants\.yaml:[678]\b"], self.head() + "  - tenantId: %s\n    labels: {a: b\n  - x\n" % tenant_id(1))
        self.refused([r"tenants\.yaml:[67]\b"], self.head() + "  - tenantId: %s\n    tenantName: 'Contoso\n" % tenant_id(1))

    def test_a_tabulator(self):
        self.refused([r"tenants\.yaml:6\b"], self.head() + "  - tenantId: %s\n\ttenantName: x\n" % tenant_id(1))

    def test_an_unknown_key_names_the_nearest(self):
        self.refused(["tenantNme", "tenantName", r"tenants\.yaml:6\b", tenant_id(1)],
                     self.head() + "  - tenantId: %s\n    tenantNme: Contoso\n" % tenant_id(1))

    def test_an_unknown_key_beside_tenants(self):
        self.refused(["tenant", "tenants", r"tenants\.yaml:4\b"], self.head().replace("tenants:", "tenant:") + TENANT % (
            tenant_id(1), "Contoso"))

    def test_a_bad_guid(self):
        self.refused(["parameter tenantId", "Fabrikam", r"tenants\.yaml:7\b", "GUID"],
                     self.head() + TENANT % (tenant_id(1), "Contoso") + TENANT % ("0000-12", "Fabrikam"))

    def test_a_bad_client_id(self):
        self.refused(["parameter clientId", r"tenants\.yaml:2\b"],
                     (self.head() + TENANT % (tenant_id(1), "Contoso")).replace("11111111-2222", "1111111g-2222"))

    def test_a_duplicate_tenant(self):
        """In other letters: it is the same tenant."""
        self.refused(["parameter tenantId", r"tenants\.yaml:7\b", "twice", r"line 5\b"],
                     self.head() + TENANT % ("aaaaaaaa-0000-0000-0000-000000000001", "Contoso") +
                     TENANT % ("AAAAAAAA-0000-0000-0000-000000000001", "Fabrikam"))

    def test_a_missing_secret_file(self):
        text = (self.head() + TENANT % (tenant_id(1), "Contoso")).replace(self.path("secret"), "/nowhere/secret")
        self.refused(["/nowhere/secret", "parameter clientSecretFile", r"tenants\.yaml:[35]\b"], text)

    def test_an_empty_secret_file(self):
        text = self.head() + TENANT % (tenant_id(1), "Contoso")
        self.write("empty", "\n")
        self.refused(["parameter clientSecretFile", "empty", r"tenants\.yaml:[35]\b"],
                     text.replace(self.path("secret"), self.path("empty")))

    def test_no_credential(self):
        self.refused(["credential|clientSecretFile", "Contoso", r"tenants\.yaml:4\b"],
                     "defaults:\n  clientId: %s\ntenants:\n" % harness.CLIENT + TENANT % (tenant_id(1), "Contoso"))

    def test_two_credentials(self):
        text = self.head() + TENANT % (tenant_id(1), "Contoso") + "    clientSecret: %s\n    clientSecretFile: %s\n" % (
            harness.SECRET, self.path("secret"))
        self.refused(["clientSecretFile", "clientSecret", "two credentials", "Contoso", r"tenants\.yaml:[5-8]\b"], text)

    def test_an_empty_file(self):
        for name, text in (("nothing", ""), ("a comment", "# none yet\n"), ("no tenants", "tenants: []\n")):
            with self.subTest(name):
                self.refused(["empty|no tenant", r"tenants\.yaml"], text)

    def test_a_missing_file(self):
        self.refused(["/nowhere/tenants.yaml", "parameter tenantsFile"],
                     inputs=lambda d: d.input(tenantsFile="/nowhere/tenants.yaml"))

    def test_a_value_out_of_range(self):
        for name, value in (("pollInterval", "0"), ("backfill", "181d"), ("pageSize", "many"), ("cloud", "mars"),
                            ("maxResponseSize", "1"), ("parseJson", "maybe"), ("facility", "local9"),
                            ("apiUrl", "http://graph.example.com"), ("sources", "[alert]")):
            with self.subTest(name):
                self.refused(["parameter %s" % name, "Contoso", r"tenants\.yaml:7\b"],
                             self.head() + TENANT % (tenant_id(1), "Contoso") + "    %s: %s\n" % (name, value))

    # --- the input and the module ---

    def test_errors_in_the_input_name_its_line(self):
        cases = {"pageSize": "none", "facility": "local9", "backfill": "1y", "parseJson": "yes please", "cloud": "mars",
                 "apiUrl": "http://graph.example.com", "clientId": "1-2", "ruleset": "nowhere", "requestTimeout": "0"}
        for name, value in cases.items():
            with self.subTest(name):
                self.refused(["parameter %s" % name, r"rsyslogd\.conf:\d+"], inputs=lambda d: d.input(**{name: value}))

    def test_an_unknown_parameter_names_the_nearest(self):
        self.refused(["pollIntervall", "did you mean 'pollInterval'"], inputs=lambda d: d.input(pollIntervall="60"))

    def test_a_tenants_file_beside_a_tenant(self):
        self.refused(["tenantId", "tenantsFile"], inputs=lambda d: d.input(tenantId=tenant_id(1)))

    def test_no_tenant_at_all(self):
        self.refused(["tenantsFile", "tenantId"], inputs=lambda d: d.input(tenantsFile=None, clientId=harness.CLIENT))

    def test_an_inline_tenant_without_a_credential(self):
        self.refused(["clientSecretFile|credential"], inputs=lambda d: d.inline_input(clientSecretFile=None))

    def test_an_inline_secret_is_accepted_with_a_warning(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.daemon(sim)
        daemon.reconfigure(daemon.input(), daemon.inline_input(clientSecretFile=None, clientSecret=harness.SECRET))
        daemon.start().wait_for_alerts(1)
        self.assertNotIn(harness.SECRET, daemon.wait_for_log("imdefender", "clientSecret")[0])
        daemon.stop()

    def test_two_inputs_of_one_name(self):
        line = self.refused(["parameter name", "alerts-in"], inputs=lambda d: d.input() + d.input())
        self.assertRegex(line, "state", "why it matters")

    def test_errors_of_the_module(self):
        for name, value in (("maxConnections", "0"), ("statsPerTenant", "perhaps"), ("stateFile", "/nowhere/at/all.db")):
            with self.subTest(name):
                self.refused(["parameter %s" % name], module={name: value})
        self.refused(["stateFil", "stateFile"], module={"stateFil": "x"})

    def test_a_broken_input_does_not_stop_a_sound_one(self):
        sim = self.start_sim(per_tenant=2)
        daemon = self.daemon(sim)
        daemon.reconfigure(daemon.input(), daemon.input() + daemon.input(name="broken", tenantsFile="/nowhere"))
        daemon.start().wait_for_alerts(2)
        self.assertTrue(re.search("input 'broken'.*does not start", daemon.log_text()), daemon.log_text())
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
