# SPDX-License-Identifier: Apache-2.0
"""The certificate's way of signing in against a second OAuth server, which nobody of the first one wrote."""
import unittest

import harness
from identity_server import client_id
from keys import Certificate
from second_server import SecondServer

CLIENT = client_id(2)


class Second(harness.Case):
    def run_with(self, known, used):
        server = SecondServer(self, CLIENT, known)
        self.processes.append(server)
        sim = self.start_sim(per_tenant=3, trust_tokens=True)
        daemon = self.daemon(sim, tenants=[{"tenantId": harness.tenant_id(1), "clientId": CLIENT,
                                            "certificateFile": used.certificate, "keyFile": used.key}],
                             input={"loginUrl": server.url})
        daemon.defaults = {}
        daemon.set_tenants([{"tenantId": harness.tenant_id(1), "clientId": CLIENT, "certificateFile": used.certificate,
                             "keyFile": used.key}])
        return sim, daemon.start()

    def test_a_certificate_is_accepted(self):
        key = Certificate(self.directory, "app.secret")
        sim, daemon = self.run_with(key, key)
        daemon.wait_for_alerts(3)
        self.assert_arrived_once(daemon.alerts(), sim)

    def test_an_empty_refusal_is_told_in_the_credential_s_own_words(self):
        _, daemon = self.run_with(Certificate(self.directory, "known.secret"), Certificate(self.directory, "unknown.secret"))
        message = daemon.wait_for_health(1, "credential")
        self.assertIn("without an error object: the sign-in is refused", message.fields["reason"])
        self.assertIn("upload this certificate to the application", message.fields["action"])
        self.assertEqual(daemon.alerts(), [])


if __name__ == "__main__":
    unittest.main()
