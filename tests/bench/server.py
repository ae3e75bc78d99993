# SPDX-License-Identifier: Apache-2.0
"""nginx as the API: TLS and HTTP/2 in front of files, and a token endpoint.

The tenant is known by its token, as with the real API. A request is answered with, in this order: the fault of the
tenant, the file now/TENANT.json, the page for the stamp that is asked for, an empty page."""
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import support

EMPTY = '{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2","value":[]}'
TOKEN_BYTES = 2048

CONFIGURATION = """
daemon off; master_process off; worker_rlimit_nofile 20000; pid {directory}/nginx.pid; error_log {directory}/nginx.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 1000000; default_type application/json;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    map_hash_bucket_size 256; map_hash_max_size 16384; variables_hash_max_size 4096; http2_recv_buffer_size 256k;
    map $http_authorization $tenant {{ default none; "~tenant-(?<t>[0-9a-f-]{{36}})-" $t; }}
    map $args $asked {{ default none; "~ge%20(?<day>{first_day})" "first"; "~ge%20(?<s>[0-9T%A.-]+Z)" $s; }}
    map {key} $page {{ default empty; {pages} }}
    map $tenant $fault {{ default ""; {faults} }}
    server {{ listen 127.0.0.1:{status_port}; location / {{ stub_status; }} }}
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=4096;
        ssl_certificate {certificates}/server.pem; ssl_certificate_key {certificates}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:1m;
        root {directory}; error_page 418 = @hang;
        location ~ ^/(?<who>[^/]+)/oauth2/v2.0/token$ {{
            return 200 '{{"token_type":"Bearer","expires_in":{lifetime},"access_token":"tenant-$who-{padding}"}}';
        }}
        location /v1.0/security/ {{
            if ($fault = hang) {{ return 418; }}
            if ($fault = throttle) {{ return 429; }}
            {headers}
            try_files /now/$tenant.json /pages/$page.json =500;
        }}
        location @hang {{ proxy_pass http://127.0.0.1:{hole}; proxy_read_timeout 600s; }}
    }}
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def token_of(tenant):
    return "tenant-%s-" % tenant + "x" * (TOKEN_BYTES - len(tenant) - 8)


class Server:
    """`pages`: answers for a stamp of any tenant, or where the key is (tenant, stamp) of that one; "" is the stamp of the
    first request, which lies on the day `backfill_days` ago. `faults`: regular expression of tenants -> hang, throttle."""

    def __init__(self, directory, pages=None, faults=None, backfill_days=2, lifetime=3600):
        self.directory, self.pages, self.lifetime = directory, pages or {}, lifetime
        os.makedirs(os.path.join(directory, "pages"), exist_ok=True)
        shutil.rmtree(os.path.join(directory, "now"), ignore_errors=True)
        os.makedirs(os.path.join(directory, "now"))
        with open(os.path.join(directory, "pages", "empty.json"), "w", encoding="ascii") as file:
            file.write(EMPTY)
        support.make_certificates(os.path.join(directory, "certificates"))
        self.ca = os.path.join(directory, "certificates", "ca.pem")
        self.port, self.status_port = free_port(), free_port()
        self.hole = socket.socket()  # takes connections and never answers
        self.hole.bind(("127.0.0.1", 0))
        self.hole.listen(4096)
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - backfill_days * 86400))
        one_tenant = any(isinstance(key, str) for key in self.pages)
        configuration = CONFIGURATION.format(
            directory=directory, certificates=os.path.join(directory, "certificates"), port=self.port,
            status_port=self.status_port, first_day=day, key="$asked" if one_tenant else "$tenant:$asked",
            pages="".join('"%s" %s; ' % (self._key(key), name) for key, name in self.pages.items()),
            faults="".join('"~%s" %s; ' % item for item in (faults or {}).items()),
            headers="add_header Retry-After 30 always;" if faults else "",
            padding="x" * (TOKEN_BYTES - 44), hole=self.hole.getsockname()[1], lifetime=lifetime)
        with open(os.path.join(directory, "nginx.conf"), "w", encoding="ascii") as file:
            file.write(configuration)
        self.url = "https://127.0.0.1:%d" % self.port
        self.child = subprocess.Popen(["nginx", "-c", os.path.join(directory, "nginx.conf")], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=open(os.path.join(directory, "nginx.err"), "wb"),
                                      env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
        support.wait_until(self._is_up, "nginx listens")

    @staticmethod
    def _key(key):
        tenant, asked = key if isinstance(key, tuple) else (None, key)
        asked = asked.replace(":", "%3A") or "first"
        return asked if tenant is None else "%s:%s" % (tenant, asked)

    def _is_up(self):
        if self.child.poll() is not None:
            raise AssertionError("nginx ended: " + support.read(os.path.join(self.directory, "nginx.err")))
        try:
            return self.requests() >= 0
        except OSError:
            return False

    def requests(self):
        """How many requests there were so far, this question included."""
        with urllib.request.urlopen("http://127.0.0.1:%d/" % self.status_port, timeout=10) as answer:
            return int(re.search(rb"\n\s*\d+ \d+ (\d+)", answer.read()).group(1))

    def show(self, tenant, text):
        """What the tenant's list holds from now on; None: nothing."""
        path = os.path.join(self.directory, "now", tenant + ".json")
        if text is None:
            if os.path.exists(path):
                os.remove(path)
            return
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write('{"value":[%s]}' % text)
        os.rename(path + ".new", path)

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.hole.close()
