# SPDX-License-Identifier: Apache-2.0
"""oidc-provider, a certified OAuth server, in Entra's clothes (identity/server.mjs), and its packages from npm."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import support
from process import Process

SOURCES = os.path.join(support.HERE, "identity")
NPM_TIMEOUT = 240  # seconds


def client_id(number):
    """The client ids of these tests."""
    return "%08d-2222-3333-4444-555555555555" % number


def install():
    """The directory with the server and its packages; made once per build and lock file. Skips the test without npm."""
    with open(os.path.join(SOURCES, "package-lock.json"), "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()[:16]
    place = os.path.join(support.build_directory(), "identity-server-" + version)
    if not shutil.which("node"):
        raise unittest.SkipTest("node is not there (Debian package nodejs)")
    os.makedirs(support.build_directory(), exist_ok=True)
    with open(place + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            install_into(place)
    shutil.copy(os.path.join(SOURCES, "server.mjs"), os.path.join(place, "server.%d.mjs" % os.getpid()))
    return os.path.join(place, "server.%d.mjs" % os.getpid())


def install_into(place):
    if not shutil.which("npm"):
        raise unittest.SkipTest("npm is not there (Debian package npm)")
    fresh = place + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(SOURCES, name), fresh)
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=NPM_TIMEOUT, check=False)
        status, output = done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        status, output = 1, "no end after %d seconds" % NPM_TIMEOUT
    if status != 0:
        raise unittest.SkipTest("npm cannot install oidc-provider: %s" % output.strip()[-300:])
    os.rename(fresh, place)


class IdentityServer(Process):
    """`tenants`: their number; `keys`: certificates by client id; `refresh`: whether users have signed in."""

    SECRET_CLIENT, REFRESH_CLIENT = client_id(1), client_id(5)
    REFRESH_SECRET = "e2e~Refresh.client-secret_hush"

    def __init__(self, case, tenants=1, keys=None, refresh=False, lifetime=3600, roles=None, reusable=False):
        super().__init__(case, "identity")
        self.program = install()
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
