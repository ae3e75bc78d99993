# SPDX-License-Identifier: Apache-2.0
"""A double of the endpoints that give out a managed identity's token, with the oddities each is documented to have."""
import http.server
import json
import os
import ssl
import threading
import time
import urllib.parse
import uuid

import support

ARC_FOLDER = "/var/opt/azcmagent/tokens"
HEADER_SECRET = "853b9a84-hush-5bfa-4b22-a3f3"
ARC_SECRET = "YXJjLWNoYWxsZW5nZS1odXNo"


class ManagedIdentity:
    """`kind`: imds, app-service, service-fabric or arc. `token(resource, client_id)` makes what it gives out; `trouble` is a
    list of (status, headers, body) for the next answers."""

    PATH = {"imds": "/metadata/identity/oauth2/token", "app-service": "/msi/token",
            "service-fabric": "/metadata/identity/oauth2/token", "arc": "/metadata/identity/oauth2/token"}

    def __init__(self, case, kind, token, certificate=None):
        self.case, self.kind, self.token, self.trouble = case, kind, token, []
        self.requests = []  # (resource, client_id, status)
        self.challenge = None  # arc: path of the file
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                double.answer(self)

            def log_message(self, format, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        self.thumbprint = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.plain_key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme, self.thumbprint = "https", certificate.sha1
        self.url = "%s://127.0.0.1:%d" % (scheme, self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if self.challenge and os.path.exists(self.challenge):
            os.remove(self.challenge)
            for folder in (ARC_FOLDER, os.path.dirname(ARC_FOLDER)):  # where there is no agent
                try:
                    os.rmdir(folder)
                except OSError:
                    break

    @property
    def environment(self):
        """What the process that uses it finds in its environment."""
        if self.kind == "imds":
            return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.url}
        endpoint = {"IDENTITY_ENDPOINT": self.url + self.PATH[self.kind]}
        if self.kind == "arc":
            return dict(endpoint, IMDS_ENDPOINT=self.url)
        if self.kind == "service-fabric":
            return dict(endpoint, IDENTITY_HEADER=HEADER_SECRET, IDENTITY_SERVER_THUMBPRINT=self.thumbprint)
        return dict(endpoint, IDENTITY_HEADER=HEADER_SECRET)

    def make_challenge(self):
        """Arc: a file that only a member of the agent's group can read proves that the asker is one."""
        os.makedirs(ARC_FOLDER, exist_ok=True)
        if not self.challenge:
            self.challenge = os.path.join(ARC_FOLDER, "%s.key" % uuid.uuid4())
            with open(self.challenge, "w", encoding="ascii") as file:
                file.write(ARC_SECRET)
        return self.challenge

    def judge(self, handler, query):
        """Status, headers, body."""
        versions = {"imds": "2018-02-01", "app-service": "2019-08-01", "service-fabric": "2019-07-01-preview", "arc": "2020-06-01"}
        if self.trouble:
            return self.trouble.pop(0)
        if handler.path.split("?")[0] != self.PATH[self.kind] or query.get("api-version") != [versions[self.kind]]:
            return 400, {}, json.dumps({"error": "bad_request_102", "error_description": "Required metadata header not specified"})
        if self.kind in ("imds", "arc") and handler.headers.get("Metadata") != "true":
            return 400, {}, json.dumps({"error": "invalid_request", "error_description": "Required metadata header missing"})
        name = {"app-service": "X-IDENTITY-HEADER", "service-fabric": "Secret"}.get(self.kind)
        if name and handler.headers.get(name) != HEADER_SECRET:
            return 401, {}, "{}"
        if self.kind == "arc" and handler.headers.get("Authorization") != "Basic " + ARC_SECRET:
            return 401, {"WWW-Authenticate": "Basic realm=%s" % self.make_challenge()}, ""
        if "/.default" in query["resource"][0]:
            return 400, {}, json.dumps({"error": "invalid_resource"})
        return 200, {}, json.dumps(self.success(query))

    def success(self, query):
        resource, client = query["resource"][0], query.get("client_id", [None])[0]
        body = {"access_token": self.token(resource, client), "resource": resource, "token_type": "Bearer"}
        if self.kind == "imds":
            body.update(refresh_token="", expires_in="86399", expires_on=str(int(time.time()) + 86399), not_before="1",
                        client_id=client or "")
        elif self.kind == "arc":
            body.update(expires_in="86400")
        else:
            body.update(expires_on=str(int(time.time()) + 3600))
        return body

    def answer(self, handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        status, headers, body = self.judge(handler, query)
        self.requests.append((query.get("resource", [""])[0], query.get("client_id", [None])[0], status))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())


def api_token(tenant, resource="https://graph.microsoft.com", roles=("SecurityAlert.Read.All",)):
    """A token of a tenant for an API, as defender-sim takes it with --trust-tokens."""
    import keys  # pylint: disable=import-outside-toplevel
    now = int(time.time())
    claims = {"aud": resource, "tid": tenant if isinstance(tenant, str) else support.tenant_id(tenant), "roles": list(roles),
              "nbf": now, "exp": now + 3600}
    return ".".join(keys.base64url(part) for part in (b'{"alg":"none"}', json.dumps(claims).encode(), b"signature-hush"))
