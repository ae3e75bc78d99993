# SPDX-License-Identifier: Apache-2.0
"""Whom the daemon shows itself to, and whom it believes: certificates on both sides, old TLS, and a proxy that wants a password."""
import base64
import os
import select
import socket
import ssl
import unittest

import harness
from harness import wait_until
from keys import Certificate
from listener import Listener
from recorder import Recorder

PROXY_USER = "collector:e2e~Proxy.word+hush"


class Front(Listener):
    """A server with TLS of its own in front of a plain one."""

    def __init__(self, case, port, context):
        self.target, self.context = ("127.0.0.1", port), context
        super().__init__(case, "https")

    def _carry(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as secured, socket.create_connection(self.target) as server:
                while not self.closed:
                    ready = [secured] if secured.pending() else select.select([secured, server], [], [], 0.2)[0]
                    for source in ready:
                        data = source.recv(65536)
                        if not data:
                            return
                        (server if source is secured else secured).sendall(data)
        except OSError:
            client.close()  # a handshake that failed, too


class Network(harness.Case):
    def front(self, **sim_options):
        """A simulator behind TLS of Python's; its context can still be changed."""
        sim = self.start_sim(tls=False, per_tenant=3, **sim_options)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.certificates, "server.pem"), os.path.join(self.certificates, "server.key"))
        return sim, Front(self, int(sim.url.rsplit(":", 1)[1]), context)

    def test_a_client_certificate_is_shown_where_one_is_wanted(self):
        sim, front = self.front()
        mine = Certificate(self.directory, "client.secret")
        front.context.verify_mode = ssl.CERT_REQUIRED
        front.context.load_verify_locations(mine.certificate)
        places = {"loginUrl": front.url, "apiUrl": front.url}
        daemon = self.start_daemon(sim, input=dict(places, **{"tls.mycert": mine.certificate, "tls.myprivkey": mine.key}))
        daemon.wait_for_alerts(3)
        other = self.start_daemon(sim, name="without", input=places)
        other.wait_for_health(1, "unreachable")
        self.assertEqual(other.alerts(), [])

    def test_an_unknown_authority_is_not_believed(self):
        sim, front = self.front()
        daemon = self.start_daemon(sim, input={"loginUrl": front.url, "apiUrl": front.url,
                                               "tls.cacert": Certificate(self.directory, "another").certificate})
        self.assertIn("TLS", daemon.wait_for_health(1, "unreachable").fields["reason"])
        self.assertEqual(sim.requests(), [])

    def test_tls_older_than_1_2_is_refused(self):
        sim, front = self.front()
        front.context.set_ciphers("DEFAULT@SECLEVEL=0")
        front.context.minimum_version = ssl.TLSVersion.TLSv1
        front.context.maximum_version = ssl.TLSVersion.TLSv1_1
        daemon = self.start_daemon(sim, input={"loginUrl": front.url, "apiUrl": front.url})
        self.assertIn("TLS", daemon.wait_for_health(1, "unreachable").fields["reason"])
        self.assertEqual(sim.requests(), [])

    def test_a_proxy_gets_user_and_password_from_a_file(self):
        sim = self.start_sim(per_tenant=1)
        proxy = Recorder(self, tls=False)
        daemon = self.start_daemon(sim, input={"proxy": proxy.url,
                                               "proxyCredentialsFile": self.write("proxy.secret", PROXY_USER + "\n")})
        wait_until(lambda: b"\r\n\r\n" in proxy.received, "a request to the proxy")
        self.assertIn(b"Proxy-Authorization: Basic " + base64.b64encode(PROXY_USER.encode()), proxy.received)
        daemon.wait_for_health(1, "unreachable")
        daemon.stop()
        self.assertNotIn("hush", daemon.log_text())

    def test_files_of_secrets_that_all_users_can_read_keep_the_input_from_starting(self):
        sim = self.start_sim(per_tenant=3)
        os.chmod(self.write("open.secret", harness.SECRET), 0o644)
        tenant = {"tenantId": harness.tenant_id(1), "clientSecretFile": self.path("open.secret")}
        status, output = self.daemon(sim, name="refused", tenants=[tenant]).check()
        self.assertNotEqual(status, 0)
        self.assertIn("every user can read the secret", output)
        self.assertIn("allowReadableSecrets", output)
        daemon = self.start_daemon(sim, tenants=[dict(tenant, allowReadableSecrets="on")])
        daemon.wait_for_alerts(3)
        daemon.wait_for_log("every user can read the secret", "which allowReadableSecrets allows")


if __name__ == "__main__":
    unittest.main()
