# SPDX-License-Identifier: Apache-2.0
"""defender-sim as a test sees it: its options, its control endpoint, and what it wrote down."""
import calendar
import hashlib
import json
import os
import ssl
import time
import urllib.error
import urllib.request

import support
from process import Process


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def moment(request):
    """When a request of the log came, in seconds since 1970."""
    whole, _, fraction = request["time"].rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))


class Simulator(Process):
    """Options are those of the command line with _ for -, a list for what is repeatable, True for a switch; `scenario` is a list of rules."""

    def __init__(self, case, name="sim", tls=True, scenario=None, **options):
        super().__init__(case, name)
        self.tls = tls
        self.truth_file, self.request_log = case.path(name + ".truth"), case.path(name + ".requests")
        self.truth_lines, self.request_lines = support.Lines(self.truth_file), support.Lines(self.request_log)
        words = [os.path.join(support.build_directory(), "tests", "sim", "defender-sim")]
        options = dict({"client_secret": support.SECRET, "truth": self.truth_file, "request_log": self.request_log,
                        "listen": "127.0.0.1:0", "port_file": case.path(name + ".port")}, **options)
        if tls:
            options.update(tls_cert=os.path.join(case.certificates, "server.pem"),
                           tls_key=os.path.join(case.certificates, "server.key"))
        if scenario is not None:
            options["scenario"] = case.write(name + ".scenario", json.dumps({"rules": scenario}))
        for option, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                words += ["--" + option.replace("_", "-")] + ([] if one is True else [str(one)])
        self.port_file = options["port_file"]
        self.words = words
        self.start()

    def start(self):
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        self.spawn(self.words)
        support.wait_until(lambda: support.read(self.port_file).strip() or not self.running, "defender-sim listens")
        if not self.running:
            raise AssertionError("defender-sim ended at once: %s" % support.read(self.err))
        self.url = "%s://127.0.0.1:%s" % ("https" if self.tls else "http", support.read(self.port_file).strip())
        return self

    def _call(self, path, body=None):
        context = ssl.create_default_context(cafile=os.path.join(self.case.certificates, "ca.pem")) if self.tls else None
        request = urllib.request.Request(self.url + path, data=body)
        try:
            with urllib.request.urlopen(request, timeout=support.PATIENCE, context=context) as answer:
                return answer.read().decode("utf-8", "surrogateescape")
        except urllib.error.HTTPError as error:
            raise AssertionError("defender-sim refuses %s: %s" % (path, error.read())) from error

    def control(self, **order):
        self._call("/sim/control", json.dumps(order).encode())

    def add(self, *texts):
        """Alerts by their JSON text, which is served byte for byte."""
        self._call("/sim/control", ('{"add":[%s]}' % ",".join(texts)).encode("utf-8", "surrogateescape"))

    def make(self, count=0, **order):
        self.control(make=dict(order, count=count))

    def rules(self, *rules):
        """Replaces the scenario; none: everything works."""
        self.control(scenario={"rules": list(rules)})

    def truth(self):
        return [json.loads(line) for line in self._call("/sim/truth").split("\n") if line]

    def digests(self):
        """SHA-256 of each version without white space outside strings, by tenant, id and stamp."""
        return {support.v_key(v): v["sha256"] for v in self.truth_lines.read()}

    def requests(self, tenant=None, path=None):
        """What the request log holds, of one tenant (its number or id) and with `path` in its path."""
        wanted = support.tenant_id(tenant) if isinstance(tenant, int) else tenant
        return [r for r in self.request_lines.read()
                if (wanted is None or r["tenant"] == wanted) and (path is None or path in r["path"])]

    def pages(self, tenant=None):
        return [r for r in self.requests(tenant, "/security/alerts_v2") if r["status"] == 200 and r["complete"]]

    def tokens(self, tenant=None):
        return self.requests(tenant, "/token")

    def wait_for_polls(self, count=2, tenant=None):
        """Until each tenant that is polled (or one) got so many further pages whole, and one more: time enough for a mistake."""
        def counts():
            found = {}
            for page in self.pages(tenant):
                found[page["tenant"]] = found.get(page["tenant"], 0) + 1
            return found
        before = counts() or {support.tenant_id(tenant or 1): 0}
        support.wait_until(lambda: all(counts().get(t, 0) > n + count for t, n in before.items()),
                           lambda: "%d more pages; there were %s, there are %s" % (count + 1, before, counts()))
