# SPDX-License-Identifier: Apache-2.0
"""Fifty tenants, each kind of credential among them, some of them refused, in one input; and none of their secrets anywhere."""
import os
import re
import unittest
import urllib.parse

import memory
from harness import SECRET, tenant_id
from identity_server import client_id
from keys import Certificate
from managed_identity import ManagedIdentity
from test_identity import CERTIFICATE, FEDERATED, IDENTITY, MANAGED, PASSPHRASE, IdentityCase

TENANTS = 50
TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{20,}")
WRONG = "wrong~Secret.hush"


class Mix(IdentityCase):
    def credentials(self, tenant):
        """What tenant number `tenant` signs in with, and the state this leads to."""
        server = self.server
        app = {"clientId": server.SECRET_CLIENT}
        certificate = {"clientId": CERTIFICATE, "certificateFile": self.key.certificate, "keyFile": self.key.key,
                       "keyPassphraseFile": self.path("passphrase.secret")}
        refresh = {"clientId": server.REFRESH_CLIENT, "clientSecretFile": self.path("refresh-client.secret")}
        wrong = {
            46: (dict(app, clientSecretFile=self.write("46.secret", WRONG)), "credential"),
            47: (dict(certificate, clientId=FEDERATED), "credential"),
            48: ({"clientId": FEDERATED, "federatedTokenFile": self.federated("48.secret", self.key, 1)}, "credential"),
            49: ({"managedIdentity": client_id(8), "clientId": MANAGED}, "credential"),
            50: (dict(refresh, refreshTokenFile=self.write("50.secret", "ended-hush")), "credential"),
        }
        if tenant in wrong:
            return wrong[tenant]
        return [
            lambda: dict(app, clientSecretFile=self.path("app.secret")),
            lambda: certificate,
            lambda: {"clientId": FEDERATED, "federatedTokenFile": self.federated("%d.secret" % tenant, self.platform, tenant)},
            lambda: {"managedIdentity": IDENTITY, "clientId": MANAGED},
            lambda: dict(refresh, refreshTokenFile=self.write("%d.secret" % tenant, server.refresh_token(tenant))),
        ][tenant % 5](), "ok"

    def prepare(self, **options):
        self.key = Certificate(self.directory, "app.secret", passphrase=PASSPHRASE)
        self.platform, identity = Certificate(self.directory, "platform.secret"), Certificate(self.directory, "identity.secret")
        self.start(tenants=TENANTS, refresh=True, reusable=True,
                   keys={CERTIFICATE: self.key, FEDERATED: self.platform, MANAGED: identity}, **options)
        endpoints = [self.server.endpoint(i) for i in range(1, TENANTS + 1)]

        def token(resource, client):
            return identity.assertion(MANAGED if client == IDENTITY else FEDERATED, endpoints)
        double = ManagedIdentity(self, "imds", token)
        self.write("app.secret", SECRET)
        self.write("passphrase.secret", PASSPHRASE)
        self.write("refresh-client.secret", self.server.REFRESH_SECRET)
        self.tenants = {tenant: self.credentials(tenant) for tenant in range(1, TENANTS + 1)}
        return self.signing_in(*[credential for credential, _ in self.tenants.values()], environment=double.environment)

    def check_outcome(self, daemon):
        well = [tenant for tenant, (_, state) in self.tenants.items() if state == "ok"]
        daemon.wait_for_alerts(3 * len(well), seconds=60)
        for tenant, (_, state) in self.tenants.items():
            if state != "ok":
                self.refused(daemon, tenant, state)
        self.assert_arrived_once(daemon.alerts(), self.sim, due=[
            v for v in self.sim.truth() if v["tenantId"] in {tenant_id(i) for i in well}])
        for tenant in well:
            self.assertFalse(daemon.health(tenant, "credential"))

    def secrets(self):
        """By name, in the forms in which they travel."""
        plain = {"the client secret": SECRET, "a wrong client secret": WRONG, "the passphrase": PASSPHRASE,
                 "the secret of the refreshing client": self.server.REFRESH_SECRET}
        found = {}
        for name, text in plain.items():
            found[name] = text.encode()
            if urllib.parse.quote(text, safe="") != text:
                found[name + ", encoded"] = urllib.parse.quote(text, safe="").encode()
        found.update(self.key.secrets())
        found["a token"] = TOKEN
        return found

    def found_in_files(self, secrets):
        hits = []
        for folder, _, names in os.walk(self.directory):
            for name in names:
                if "secret" in name or name == "identity.tokens":
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                hits += ["%s in %s" % (what, name) for what, secret in secrets.items()
                         if (secret.search(content) if hasattr(secret, "search") else secret in content)]
        return hits

    def lasting_in_memory(self, pid, secrets):
        """OpenSSL holds a private key for the milliseconds in which it signs: what is seen of the key alone, and not at a
        second or third look, was that."""
        transient = set(self.key.secrets())
        found = set(memory.find(pid, secrets))
        for _ in range(2):
            if found and {hit.rsplit(" in ", 1)[0] for hit in found} <= transient:
                found &= set(memory.find(pid, secrets))
        return found

    def test_fifty_tenants_of_every_kind_do_not_harm_each_other(self):
        daemon = self.prepare()
        self.check_outcome(daemon.start())
        daemon.stop()

    def test_no_secret_is_found_in_files_arguments_or_a_core_dump(self):
        """With debug output, after tokens were renewed. Refresh tokens lie in the state (mode 0600) and its cache."""
        daemon = self.prepare(lifetime=8)
        daemon.environment.update(RSYSLOG_DEBUG="Debug NoStdOut", RSYSLOG_DEBUGLOG=self.path("debug"))
        self.check_outcome(daemon.start())
        daemon.wait_for_counters(lambda c: c["tokens.issued"] >= 60, "renewed tokens")
        secrets = self.secrets()
        pid = daemon.child.pid
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            self.assertNotIn(b"ecret.", file.read().replace(self.directory.encode(), b""))
        self.assertTrue(memory.find(pid, {"what is certainly there": tenant_id(TENANTS).encode()}), "the search finds something")
        self.assertEqual(self.lasting_in_memory(pid, secrets), set(), "secrets that a core dump would show")
        daemon.stop()
        self.assertGreater(os.path.getsize(self.path("debug")), 0, "the debug output is looked at, too")
        self.assertEqual(self.found_in_files(secrets), [])
        self.assertEqual(os.stat(daemon.state).st_mode & 0o777, 0o600)


del IdentityCase  # not a test of this file


if __name__ == "__main__":
    unittest.main()
