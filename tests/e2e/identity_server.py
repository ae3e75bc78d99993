# SPDX-License-Identifier: Apache-2.0
"""oidc-provider, a certified OAuth server, in Entra's clothes (identity/server.mjs), and its packages from npm."""
import json
import os
import shutil

import npm
import support
from process import Process


def client_id(number):
    """The client ids of these tests."""
    return "%08d-2222-3333-4444-555555555555" % number


def program():
    """The server's file, put where it finds its packages; under a name of this process, which removes it once it is read."""
    place = os.path.join(npm.packages("identity"), "server.%d.mjs" % os.getpid())
    shutil.copy(os.path.join(support.HERE, "identity", "server.mjs"), place)
    return place


class IdentityServer(Process):
    """`tenants`: their number; `keys`: certificates by client id; `refresh`: whether users have signed in."""

    SECRET_CLIENT, REFRESH_CLIENT = client_id(1), client_id(5)
    REFRESH_SECRET = "e2e~Refresh.client-secret_hush"

    def __init__(self, case, tenants=1, keys=None, refresh=False, lifetime=3600, roles=None, reusable=False):
        super().__init__(case, "identity")
        self.program = program()
        self.port_file, self.log = case.path("identity.port"), case.path("identity.refusals")
        self.tokens_file = case.path("identity.tokens")
        configuration = {
            "port_file": self.port_file, "log": self.log, "lifetime": lifetime, "reusable": reusable,
            "tls": {"cert": os.path.join(case.certificates, "server.pem"), "key": os.path.join(case.certificates, "server.key")},
            "tenants": [support.tenant_id(i) for i in range(1, tenants + 1)],
            "secret": {"client": self.SECRET_CLIENT, "secret": support.SECRET},
            "keys": [{"client": client, "jwk": key.jwk, "thumbprints": key.thumbprints} for client, key in (keys or {}).items()],
        }
        if roles:
            configuration["roles"] = roles
        if refresh:
            configuration["refresh"] = {"client": self.REFRESH_CLIENT, "secret": self.REFRESH_SECRET, "tokens": self.tokens_file}
        case.write("identity.secret.json", json.dumps(configuration))
        self.spawn(["node", self.program, case.path("identity.secret.json")], {"NODE_NO_WARNINGS": "1"})
        support.wait_until(lambda: support.read(self.port_file).strip() or not self.running, "the OAuth server listens", 60)
        os.remove(self.program)
        if not self.running:
            raise AssertionError("the OAuth server ended at once: %s" % support.read(self.err))
        self.url = "https://127.0.0.1:" + support.read(self.port_file).strip()

    def endpoint(self, tenant):
        return "%s/%s/oauth2/v2.0/token" % (self.url, support.tenant_id(tenant))

    def refresh_token(self, tenant):
        with open(self.tokens_file, encoding="ascii") as file:
            return json.load(file)[support.tenant_id(tenant)]

    def refusals(self, tenant):
        """The true reasons of the server's refusals."""
        return [line.get("detail") for line in support.read_lines(self.log) if line["tenant"] == support.tenant_id(tenant)]
