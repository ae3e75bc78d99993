# SPDX-License-Identifier: Apache-2.0
"""glewlwyd, an OAuth server in C, under Entra's paths: a second opinion. It refuses with 403 and an empty body."""
import glob
import gzip
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import unittest

import support
from keys import Certificate
from process import Process

# What Debian 12 has it in, and what it needs that a build machine lacks. They are unpacked, not installed: the package
# would start a service.
PACKAGES = ("glewlwyd libconfig9 liborcania2.3 libyder2.0 libhoel1.4 librhonabwy1.1 libulfius2.7 libiddawc1.1 liboath0 "
            "libmariadb3 libpq5 libjansson4 libcurl3-gnutls libcbor0.8").split()
GRAPH = "https://graph.microsoft.com/.default"

CONFIGURATION = """\
port={port}
bind_address="127.0.0.1"
external_url="https://127.0.0.1:{port}"
login_url="login.html"
api_prefix="{tenant}/oauth2"
static_files_path="{place}/usr/share/doc"
log_mode="console"
log_level="INFO"
cookie_domain="localhost"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{place}/usr/lib/glewlwyd/user"
user_middleware_module_path="{place}/usr/lib/glewlwyd/user_middleware"
client_module_path="{place}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="{place}/usr/lib/glewlwyd/scheme"
plugin_module_path="{place}/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="{key}"
secure_connection_pem_file="{cert}"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{database}"; }};
"""


def unpack():
    """The directory the packages are unpacked in; made once per build. Skips the test where they cannot be had."""
    place = os.path.join(support.build_directory(), "second-server")
    if os.path.isdir(place):
        return place
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise unittest.SkipTest("glewlwyd can be had from Debian's packages only")
    fresh = "%s.%d" % (place, os.getpid())
    os.makedirs(fresh + "/packages/partial")
    done = subprocess.run(["apt-get", "download", *PACKAGES], cwd=fresh + "/packages", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=support.PATIENCE * 4, check=False)
    if done.returncode != 0:
        shutil.rmtree(fresh)
        raise unittest.SkipTest("glewlwyd's packages cannot be had: %s" % done.stdout.decode("utf-8", "replace")[-200:])
    for package in glob.glob(fresh + "/packages/*.deb"):
        subprocess.run(["dpkg", "-x", package, fresh], check=True)
    try:
        os.rename(fresh, place)
    except OSError:  # another test was faster
        shutil.rmtree(fresh)
    return place


class SecondServer(Process):
    """One tenant, one client that proves itself by a certificate."""

    def __init__(self, case, client, certificate):
        super().__init__(case, "second")
        self.place = unpack()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = "https://127.0.0.1:%d" % port
        database = case.path("second.secret.db")
        self.fill(database, client, certificate)
        configuration = case.write("second.conf", CONFIGURATION.format(
            port=port, tenant=support.tenant_id(1), place=self.place, database=database,
            key=os.path.join(case.certificates, "server.key"), cert=os.path.join(case.certificates, "server.pem")))
        libraries = glob.glob(self.place + "/usr/lib/*-linux-gnu")
        self.spawn([self.place + "/usr/bin/glewlwyd", "--config-file=" + configuration],
                   {"LD_LIBRARY_PATH": ":".join(libraries)})
        support.wait_until(lambda: self.listens(port) or not self.running, "glewlwyd listens")
        if not self.running:
            raise AssertionError("glewlwyd ended at once: %s" % (support.read(self.err) + support.read(self.out)))

    @staticmethod
    def listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def fill(self, path, client, certificate):
        with gzip.open(self.place + "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz", "rt", encoding="utf-8") as file:
            script = file.read()
        signing = Certificate(self.case.directory, "second-signing.secret")
        plugin = {
            "iss": "%s/%s" % (self.url, support.tenant_id(1)), "jwt-type": "rsa", "jwt-key-size": "256",
            "key": support.read(signing.plain_key), "cert": signing.public_key, "access-token-duration": 3600,
            "refresh-token-duration": 3600, "code-duration": 600, "allow-non-oidc": True, "auth-type-client-enabled": True,
            "auth-type-code-enabled": False, "auth-type-token-enabled": False, "auth-type-implicit-enabled": False,
            "auth-type-password-enabled": False, "auth-type-refresh-enabled": False, "request-parameter-allow": True,
            "request-maximum-exp": 3600, "client-pubkey-parameter": "pubkey", "subject-type": "public", "scope": [],
            "claims": [], "name-claim": "no", "email-claim": "no",
        }
        database = sqlite3.connect(path)
        database.executescript(script)
        database.execute("INSERT INTO g_scope (gs_name, gs_password_required) VALUES (?, 0)", (GRAPH,))
        database.execute("INSERT INTO g_plugin_module_instance (gpmi_module, gpmi_name, gpmi_parameters) VALUES ('oidc', 'v2.0', ?)",
                         (json.dumps(plugin),))
        row = database.execute("INSERT INTO g_client (gc_client_id, gc_confidential) VALUES (?, 1)", (client,)).lastrowid
        scope = database.execute("INSERT INTO g_client_scope (gcs_name) VALUES (?)", (GRAPH,)).lastrowid
        database.execute("INSERT INTO g_client_scope_client (gc_id, gcs_id) VALUES (?, ?)", (row, scope))
        for name, value in (("authorization_type", "client_credentials"), ("token_endpoint_auth_method", "private_key_jwt"),
                            ("token_endpoint_signing_alg", "PS256"), ("pubkey", certificate.public_key)):
            database.execute("INSERT INTO g_client_property (gc_id, gcp_name, gcp_value) VALUES (?, ?, ?)", (row, name, value))
        database.commit()
        database.close()
