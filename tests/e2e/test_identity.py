# SPDX-License-Identifier: Apache-2.0
"""Every kind of credential gets a token from a real OAuth server and fetches alerts with it; every refusal is told."""
import os
import time
import unittest

import harness
from harness import SECRET, read, tenant_id, wait_until
from identity_server import IdentityServer, client_id
from keys import Certificate
from managed_identity import ARC_FOLDER, ManagedIdentity, api_token

CERTIFICATE, FEDERATED, MANAGED = client_id(2), client_id(3), client_id(4)
IDENTITY = client_id(9)
PASSPHRASE = "e2e~Passphrase.hush"


class IdentityCase(harness.Case):
    """A simulator that takes the tokens of a real OAuth server."""

    def start(self, tenants=1, keys=None, **options):
        self.server = IdentityServer(self, tenants=tenants, keys=keys, **options)
        self.processes.append(self.server)
        self.sim = self.start_sim(tenants=tenants, per_tenant=3, trust_tokens=True)
        return self.server

    def signing_in(self, *tenants, environment=None, defaults=None, input=None):
        """A daemon that is not started; each tenant is a mapping with its credential."""
        rows = [dict({"tenantId": tenant_id(i)}, **tenant) for i, tenant in enumerate(tenants, 1)]
        daemon = self.daemon(self.sim, tenants=rows, input=dict({"loginUrl": self.server.url}, **(input or {})))
        daemon.defaults = defaults or {}
        daemon.set_tenants(rows)
        daemon.environment = environment or {}
        return daemon

    def refused(self, daemon, tenant, state, *reasons):
        """The health message of a tenant's refusal, which has the state and says the reasons."""
        message = daemon.wait_for_health(tenant, state)
        for reason in reasons:
            self.assertIn(reason, message.fields["reason"] + "; " + message.fields["action"])
        return message

    def federated(self, name, key, tenant=1, header=None, **claims):
        client = claims.pop("client", FEDERATED)
        audience = claims.pop("audience", None) or self.server.endpoint(tenant)
        return self.write(name, key.assertion(client, audience, header, **claims) + "\n")


class Kinds(IdentityCase):
    def test_a_client_secret_from_a_file_systemd_or_the_environment(self):
        server = self.start(tenants=3)
        os.mkdir(self.path("credentials.secret"))
        self.write("credentials.secret/app", SECRET + "\n")
        app = {"clientId": server.SECRET_CLIENT}
        daemon = self.signing_in(dict(app, clientSecretFile=self.write("file.secret", SECRET)),
                                 dict(app, clientSecretFile="credential:app"), dict(app, clientSecretFile="env:APP_SECRET"),
                                 environment={"CREDENTIALS_DIRECTORY": self.path("credentials.secret"), "APP_SECRET": SECRET})
        daemon.start().wait_for_alerts(9)
        self.assert_arrived_once(daemon.alerts(), self.sim)

    def test_a_certificate_in_both_algorithms_with_an_encrypted_key_or_in_one_file(self):
        key = Certificate(self.directory, "app.secret", passphrase=PASSPHRASE)
        self.start(tenants=3, keys={CERTIFICATE: key})
        both = self.write("both.secret", read(key.certificate) + read(key.plain_key))
        passphrase = self.write("passphrase.secret", PASSPHRASE)
        daemon = self.signing_in(
            {"certificateFile": key.certificate, "keyFile": key.key, "keyPassphraseFile": passphrase},
            {"certificateFile": both}, {"certificateFile": both, "certificateAlgorithm": "RS256"},
            defaults={"clientId": CERTIFICATE})
        daemon.start().wait_for_alerts(9)
        self.assert_arrived_once(daemon.alerts(), self.sim)

    def test_a_certificate_that_is_replaced_counts_without_a_restart(self):
        """The new one is known to the server, the old one never was."""
        old, new = Certificate(self.directory, "old.secret"), Certificate(self.directory, "new.secret")
        self.start(keys={CERTIFICATE: new})
        files = {"certificateFile": self.write("app.crt", read(old.certificate)),
                 "keyFile": self.write("app.secret", read(old.key))}
        daemon = self.signing_in(dict(files, clientId=CERTIFICATE)).start()
        self.refused(daemon, 1, "credential", "certificate or its signature is not accepted", "upload this certificate")
        self.write("app.crt", read(new.certificate))
        self.write("app.secret", read(new.key))
        daemon.hup()
        daemon.wait_for_alerts(3)
        daemon.wait_for_health(1, "ok")

    def test_a_federated_token_is_read_again_for_each_sign_in(self):
        key = Certificate(self.directory, "platform.secret")
        self.start(keys={FEDERATED: key}, lifetime=4)
        daemon = self.signing_in({"clientId": FEDERATED, "federatedTokenFile": self.federated("platform.token.secret", key)})
        daemon.start().wait_for_alerts(3)
        for _ in range(3):
            self.federated("platform.token.secret", key)
            before = daemon.counters().get("tokens.issued", 0)
            daemon.wait_for_counters(lambda c: c["tokens.issued"] > before, "one more token")  # pylint: disable=cell-var-from-loop
        self.assertEqual(self.server.refusals(1), [])

    def test_a_refresh_token_is_rotated_and_the_new_one_survives_a_restart(self):
        """The server takes each token once: only who keeps the newest one gets on."""
        server = self.start(refresh=True, lifetime=4)
        daemon = self.signing_in({"clientId": server.REFRESH_CLIENT,
                                  "clientSecretFile": self.write("refresh-client.secret", server.REFRESH_SECRET),
                                  "refreshTokenFile": self.write("refresh.secret", server.refresh_token(1))})
        daemon.start().wait_for_alerts(3)
        daemon.wait_for_counters(lambda c: c["tokens.issued"] >= 3, "two rotations")
        daemon.restart()
        self.sim.make(count=2)
        daemon.wait_for_alerts(5)
        daemon.wait_for_counters(lambda c: c["tokens.issued"] >= 2, "a rotation")
        self.assertEqual(server.refusals(1), [])
        daemon.stop()
        self.assertEqual(os.stat(daemon.state).st_mode & 0o777, 0o600)
        self.assert_arrived_once(daemon.alerts(), self.sim)

    def test_a_user_who_signs_in_again_replaces_a_token_that_ended(self):
        server = self.start(refresh=True)
        daemon = self.signing_in({"clientId": server.REFRESH_CLIENT,
                                  "clientSecretFile": self.write("refresh-client.secret", server.REFRESH_SECRET),
                                  "refreshTokenFile": self.write("refresh.secret", "ended-hush")}).start()
        self.refused(daemon, 1, "credential", "sign-in is not valid any more", "sign in again")
        self.write("refresh.secret", server.refresh_token(1))
        daemon.hup()
        daemon.wait_for_alerts(3)


class ManagedIdentities(IdentityCase):
    """The double gives out tokens of the tenant itself, or assertions that the OAuth server takes."""

    def run_with(self, kind, certificate=None):
        key = Certificate(self.directory, "identity.secret")
        self.start(tenants=3, keys={MANAGED: key})

        def token(resource, client):
            if resource == "api://AzureADTokenExchange":
                self.assertEqual(client, IDENTITY)
                return key.assertion(MANAGED, self.server.endpoint(2))
            return api_token(1, resource)
        double = ManagedIdentity(self, kind, token, certificate)
        daemon = self.signing_in({"managedIdentity": "system"}, {"managedIdentity": IDENTITY, "clientId": MANAGED},
                                 environment=dict(double.environment), input={"proxy": "http://127.0.0.1:9"})
        return double, daemon

    def check(self, kind):
        double, daemon = self.run_with(kind)
        daemon.reconfigure(' proxy="http://127.0.0.1:9"', "")
        daemon.start().wait_for_alerts(3, 1)
        daemon.wait_for_alerts(3, 2)
        statuses = [status for _, _, status in double.requests]
        self.assertEqual(statuses.count(200), 2, double.requests)
        return double, daemon

    def test_on_a_virtual_machine(self):
        """Whose endpoint is updated just now (410), then limits the rate."""
        double, daemon = self.run_with("imds")
        double.trouble = [(410, {}, "{}"), (429, {}, "Too many requests"), (500, {}, "")]
        daemon.reconfigure(' proxy="http://127.0.0.1:9"', "")
        daemon.start().wait_for_alerts(3, 1)
        daemon.wait_for_alerts(3, 2)

    def test_in_app_service(self):
        self.check("app-service")

    def test_in_service_fabric_by_the_thumbprint_of_its_certificate(self):
        double, daemon = self.run_with("service-fabric", Certificate(self.directory, "fabric.secret"))
        daemon.reconfigure(' proxy="http://127.0.0.1:9"', "")
        daemon.start().wait_for_alerts(3, 1)
        self.refused(daemon, 2, "credential", "Service Fabric does not let an application choose its identity")
        self.assertEqual({status for _, _, status in double.requests}, {200})

    def test_in_service_fabric_no_other_certificate_is_accepted(self):
        double, daemon = self.run_with("service-fabric", Certificate(self.directory, "fabric.secret"))
        daemon.environment["IDENTITY_SERVER_THUMBPRINT"] = "00" * 20
        daemon.start()
        self.refused(daemon, 1, "unreachable", "Service Fabric")
        self.assertEqual(double.requests, [])

    @unittest.skipUnless(os.access("/var/opt", os.W_OK), "Arc's folder can be made by root only")
    def test_with_azure_arc(self):
        double, daemon = self.check("arc")
        self.assertEqual([status for _, _, status in double.requests].count(401), 2)

    def test_azure_arc_cannot_make_us_send_another_file(self):
        double, daemon = self.run_with("arc")
        double.trouble = [(401, {"WWW-Authenticate": "Basic realm=%s/../../../../etc/any.key" % ARC_FOLDER}, "")] * 9
        daemon.start()
        self.refused(daemon, 1, "credential", "the challenge names a file outside '%s'" % ARC_FOLDER)
        self.refused(daemon, 2, "credential", "the challenge names a file outside '%s'" % ARC_FOLDER)
        self.assertEqual([status for _, _, status in double.requests], [401, 401])

    def test_it_is_never_asked_through_the_proxy(self):
        """Nothing listens at the proxy: the identity's token comes, the alerts do not."""
        double, daemon = self.run_with("imds")
        daemon.start()
        self.refused(daemon, 1, "unreachable")
        wait_until(lambda: len([1 for _, _, status in double.requests if status == 200]) == 2, "two tokens of the identity")

    def test_one_token_serves_all_tenants_that_it_proves_the_app_for(self):
        key = Certificate(self.directory, "identity.secret")
        self.start(tenants=20, keys={MANAGED: key}, reusable=True)
        double = ManagedIdentity(self, "imds", lambda resource, client: key.assertion(MANAGED, [
            self.server.endpoint(i) for i in range(1, 21)]))
        daemon = self.signing_in(*[{}] * 20, defaults={"clientId": MANAGED, "managedIdentity": IDENTITY},
                                 environment=double.environment)
        daemon.start().wait_for_alerts(60)
        self.assertEqual(double.requests, [("api://AzureADTokenExchange", IDENTITY, 200)])

    def test_its_own_token_opens_no_other_tenant(self):
        double, daemon = self.run_with("imds")
        double.token = lambda resource, client: api_token(3, resource)
        daemon.reconfigure(' proxy="http://127.0.0.1:9"', "")
        daemon.start()
        self.refused(daemon, 1, "wrong-tenant", tenant_id(3), "opens its own tenant alone")
        self.assertEqual(daemon.alerts(1), [])

    def test_an_identity_that_is_not_assigned_is_told(self):
        double, daemon = self.run_with("imds")
        double.trouble = [(400, {}, '{"error":"invalid_request","error_description":"Identity not found"}')] * 9
        daemon.start()
        self.refused(daemon, 1, "credential", "HTTP 400 invalid_request", "assign the identity to this machine")


class Refusals(IdentityCase):
    def test_each_of_them_is_told_with_its_state(self):
        """Refused by the server, each for its true reason; the tenant beside them is unharmed."""
        good, unknown = Certificate(self.directory, "good.secret"), Certificate(self.directory, "unknown.secret")
        server = self.start(tenants=9, keys={FEDERATED: good, CERTIFICATE: good})
        now = int(time.time())
        federated = {"clientId": FEDERATED}
        rows = [
            ({"clientId": server.SECRET_CLIENT, "clientSecretFile": self.write("wrong.secret", "wrong-hush")},
             "invalid secret", "the client secret is wrong"),
            (dict(federated, federatedTokenFile=self.federated("2.secret", good, 2, audience="https://elsewhere.example")),
             "audience", "issuer, subject and audience"),
            (dict(federated, federatedTokenFile=self.federated("3.secret", good, 3, exp=now - 10)), "expired", "federated token"),
            (dict(federated, federatedTokenFile=self.federated("4.secret", good, 4, nbf=now + 600)), "not active yet", "federated token"),
            ({"clientId": CERTIFICATE, "certificateFile": unknown.certificate, "keyFile": unknown.key}, "signature",
             "certificate or its signature"),
            (dict(federated, federatedTokenFile=self.federated("6.secret", good, 6, header={"x5t#S256": "AAAA"})),
             "unknown thumbprint", "federated token"),
            (dict(federated, federatedTokenFile=self.federated("7.secret", unknown, 7)), "signature", "federated token"),
            (dict(federated, federatedTokenFile=self.write("8.secret", "not-a-token")), None, "the sign-in is refused"),
            ({"clientId": server.SECRET_CLIENT, "clientSecretFile": self.write("right.secret", SECRET)}, None, None),
        ]
        daemon = self.signing_in(*[row[0] for row in rows]).start()
        daemon.wait_for_alerts(3, len(rows))
        for tenant, (_, truth, told) in enumerate(rows[:-1], 1):
            with self.subTest(tenant=tenant, told=told):
                self.refused(daemon, tenant, "credential", told)
                self.assertIn(truth or "", server.refusals(tenant)[0] or "")
                self.assertEqual(daemon.alerts(tenant), [])

    def test_an_assertion_for_another_address_is_refused(self):
        """We sign for the address that is called; the server behind a gateway knows itself by another one."""
        key = Certificate(self.directory, "app.secret")
        self.start(keys={CERTIFICATE: key})
        daemon = self.signing_in({"clientId": CERTIFICATE, "certificateFile": key.certificate, "keyFile": key.key},
                                 input={"loginUrl": self.server.url + "/gateway"}).start()
        self.refused(daemon, 1, "credential", "certificate")
        self.assertIn("audience", self.server.refusals(1)[0])

    def test_a_federated_token_that_is_not_renewed_is_refused_as_a_replay(self):
        key = Certificate(self.directory, "platform.secret")
        self.start(keys={FEDERATED: key}, lifetime=3)
        daemon = self.signing_in({"clientId": FEDERATED, "federatedTokenFile": self.federated("token.secret", key)})
        daemon.start().wait_for_alerts(3)
        self.refused(daemon, 1, "credential", "federated token is not accepted", "check that the file is renewed")
        self.assertIn("must only be used once", self.server.refusals(1)[0])
        self.federated("token.secret", key)
        daemon.hup()
        daemon.wait_for_health(1, "ok")

    def test_a_tenant_the_server_does_not_know(self):
        self.start()
        daemon = self.signing_in({"tenantId": tenant_id(77), "clientId": self.server.SECRET_CLIENT,
                                  "clientSecretFile": self.write("right.secret", SECRET)}).start()
        self.refused(daemon, 77, "no-tenant", "AADSTS90002", "check tenantId and cloud")


class Notices(IdentityCase):
    def test_a_certificate_that_ends_soon_is_told_once(self):
        key = Certificate(self.directory, "app.secret", days=10)
        self.start(keys={CERTIFICATE: key}, lifetime=3)
        daemon = self.signing_in({"clientId": CERTIFICATE, "certificateFile": key.certificate, "keyFile": key.key})
        daemon.start().wait_for_alerts(3)
        daemon.wait_for_counters(lambda c: c["tokens.issued"] >= 3, "further tokens")
        lines = daemon.wait_for_log("is good until")
        self.assertEqual(len(lines), 1)
        # Ten days less the time since the certificate was made, in whole days: ten if that was within this second.
        self.assertRegex(lines[0], r", (9|10) days from now: ")

    def test_roles_beyond_what_the_sources_need_are_named_once(self):
        self.start(tenants=2, lifetime=3, roles=["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All", "Directory.Read.All"])
        app = {"clientId": self.server.SECRET_CLIENT, "clientSecretFile": self.write("right.secret", SECRET)}
        daemon = self.signing_in(app, app).start()
        daemon.wait_for_counters(lambda c: c["tokens.issued"] >= 6, "further tokens")
        for tenant in (1, 2):
            lines = daemon.wait_for_log(tenant_id(tenant), "roles that its sources do not need")
            self.assertEqual(len(lines), 1)
            self.assertIn("SecurityAlert.ReadWrite.All, Directory.Read.All; they need SecurityAlert.Read.All alone", lines[0])


if __name__ == "__main__":
    unittest.main()
