# SPDX-License-Identifier: Apache-2.0
"""Microsoft's description of Graph security, in Prism: the test double answers as it says, and the module takes whatever it
allows. The description lies beside the repository, not in it."""
import json
import os
import re
import socket
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness
import npm
from harness import tenant_id, wait_until
from process import Process
from support import CLIENT, HERE, PATIENCE, ROOT, SECRET, read, stamp

DESCRIPTION = os.path.join(ROOT, "..", "shared", "reference", "graph-security.openapi.yaml")
SEEDS = 20
GRAPH = ["alerts", "incidents"]
INNER_ERROR = ("    microsoft.graph.ODataErrors.InnerError:\n      type: object\n      additionalProperties:\n"
               "        type: object\n")


def corrected(text):
    """The description says that each member of innerError is an object; the answers in Microsoft's documentation have texts."""
    assert INNER_ERROR in text
    return text.replace(INNER_ERROR, INNER_ERROR.replace("\n        type: object\n", " {}\n"))


def for_one_tenant(text, tenant, stamps):
    """As a tenant's API answers: its own tenantId, recent stamps, one page. All else stays free."""
    text = re.sub(r"\n +'@odata\.nextLink':\n( +).*\n(\1.*\n)*", "\n", text)
    for schema in ("alert", "incident"):
        start = text.index("\n    microsoft.graph.security.%s:\n" % schema)
        end = re.search(r"\n    \S", text[start + 1:]).start() + start + 1
        part = text[start:end]
        for name, values in (("tenantId", [tenant]), ("lastUpdateDateTime", stamps)):
            found = re.search(r"\n( +)%s:\n(\1 +.*\n)+" % name, part)
            new = "\n%s%s:\n%s  type: string\n%s  enum: %s\n" % (found[1], name, found[1], found[1], json.dumps(values))
            part = part[:found.start()] + new + part[found.end():]
        text = text[:start] + part + text[end:]
    return text


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url, token="x"):
    """(status, headers, text) of a GET, whatever the status."""
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token, "Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
            return answer.status, answer.headers, answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode("utf-8")


@unittest.skipUnless(os.path.exists(DESCRIPTION), "../shared/reference/graph-security.openapi.yaml is not there")
class Prism(harness.Case):
    def start_proxy(self, sim):
        """Prism in front of the simulator: it says in a header of each answer what was wrong with it or its request."""
        packages, port = npm.packages("prism"), free_port()
        program = os.path.join(packages, "node_modules", "@stoplight", "prism-cli", "dist", "index.js")
        proxy = Process(self, "prism")
        self.processes.append(proxy)
        proxy.spawn(["node", program, "proxy", self.write("description.yaml", corrected(read(DESCRIPTION))), sim.url,
                     "-h", "127.0.0.1", "-p", str(port)], {"NODE_NO_WARNINGS": "1"})
        wait_until(lambda: "is listening on" in read(proxy.out) or not proxy.running,
                   lambda: "Prism listens: %s" % read(proxy.err)[-500:], 4 * PATIENCE)
        return "http://127.0.0.1:%d" % port

    def token(self, sim, tenant=1):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                                       "scope": "https://graph.microsoft.com/.default"}).encode()
        with urllib.request.urlopen("%s/%s/oauth2/v2.0/token" % (sim.url, tenant_id(tenant)), form) as answer:
            return json.load(answer)["access_token"]

    def violations(self, url, token, status=200):
        came, headers, text = get(url, token)
        self.assertEqual(came, status, text[:300])
        return ["%s: %s" % (".".join(map(str, v["location"])), v["message"]) for v in json.loads(headers.get("sl-violations", "[]"))]

    def test_the_test_double_answers_as_graph_is_described(self):
        sim = self.start_sim(tls=False, tenants=4, per_tenant=60, sources="alerts,incidents", large=1, spread=3000)
        url = self.start_proxy(sim) + "/v1.0/security/"
        token = self.token(sim)
        since = "$filter=" + urllib.parse.quote("lastUpdateDateTime ge %s and (severity eq 'high' or severity eq 'low')" % stamp(-3000))
        for path in ("alerts_v2", "alerts_v2?$top=10&$skip=5&$count=true", "alerts_v2?$top=7&%s&$orderby=lastUpdateDateTime%%20asc" % since,
                     "incidents?$top=50", "incidents?$top=5&$expand=alerts&%s" % since):
            self.assertEqual(self.violations(url + path, token), [], path)
        link = json.loads(get(url + "alerts_v2?$top=3", token)[2])["@odata.nextLink"]
        self.assertEqual(self.violations(url + "alerts_v2?" + link.split("?")[1], token), [], "of the second page")
        first = json.loads(get(url + "alerts_v2?$top=1", token)[2])["value"][0]["id"]
        self.assertEqual(self.violations(url + "alerts_v2/" + first, token), [], "of one alert")

        self.assertEqual(self.violations(url + "incidents?$top=100", token, 400), [])
        self.assertEqual(self.violations(url + "alerts_v2", "no-token", 401), [])
        sim.rules({"fault": "no-consent", "times": 1}, {"fault": "throttled", "retryAfter": 5, "times": 1}, {"fault": "status"})
        for status in (403, 429, 500):
            self.assertEqual(self.violations(url + "alerts_v2", token, status), [], "of a %d" % status)

        # The control: Prism does look, at requests and at answers.
        sim.rules()
        self.assertTrue(self.violations(url + "alerts_v2?$top=many", token, 400))
        sim.add('{"id":"1","tenantId":"%s","createdDateTime":"%s","lastUpdateDateTime":"%s","severity":7}' % (
            tenant_id(4), stamp(-9), stamp(-8)))
        problems = self.violations(url + "alerts_v2?$top=1", self.token(sim, 4))
        self.assertTrue([p for p in problems if "severity" in p], problems)

    def test_the_requests_of_the_module_are_as_graph_is_described(self):
        """It polls through Prism, which refuses whatever is not as described."""
        sim = self.start_sim(tls=False, tenants=2, per_tenant=70, sources="alerts,incidents", spread=3000, tie_share=60)
        url = self.start_proxy(sim)
        daemon = self.start_daemon(sim, tenants=[
            {"tenantId": tenant_id(i), "sources": GRAPH, "apiUrl": url, "expandAlerts": "on" if i == 2 else "off"} for i in (1, 2)],
            input={"apiUrl": None, "tls.cacert": None, "pollInterval": "5", "requestTimeout": "60",
                   "filter": "severity ne 'unknown'"})
        daemon.wait_for_alerts(280, seconds=4 * PATIENCE)
        daemon.stop()
        said = [line for line in read(self.path("prism.out")).split("\n") if "iolation" in line]
        self.assertEqual(said, [])
        self.assertIn("/v1.0/security/incidents", read(self.path("prism.out")), "Prism tells what it checks")

    def test_whatever_the_description_allows_is_digested(self):
        """Twenty seeds of alerts and incidents made up by Prism, each of the 48 types of evidence among them."""
        stamps = [stamp(-3600 * i)[:-1] + tail for i, tail in ((1, "Z"), (2, ".5Z"), (3, ".0366667Z"), (4, ".123Z"))]
        description = self.write("description.yaml", for_one_tenant(corrected(read(DESCRIPTION)), tenant_id(1), stamps))
        mock, ports_file = Process(self, "mock"), self.path("ports")
        self.processes.append(mock)
        mock.spawn(["node", os.path.join(HERE, "prism", "mock.mjs"), npm.packages("prism"), description, ports_file] +
                   [str(seed) for seed in range(1, SEEDS + 1)], {"NODE_NO_WARNINGS": "1"})
        wait_until(lambda: os.path.exists(ports_file) or not mock.running, lambda: "Prism listens: %s" % read(mock.err)[-800:],
                   4 * PATIENCE)
        urls = ["http://127.0.0.1:" + port for port in read(ports_file).split()]
        served = [{source: json.loads(get(url + path)[2])["value"] for source, path in (
            ("alerts", "/v1.0/security/alerts_v2"), ("incidents", "/v1.0/security/incidents"))} for url in urls]
        sim = self.start_sim()
        inputs = [dict(name="seed-%d" % i, tenantsFile=None, tenantId=tenant_id(1), clientId=CLIENT, apiUrl=url,
                       clientSecretFile=self.path("secret"), sources=GRAPH, pollInterval="3600", requestTimeout="60")
                  for i, url in enumerate(urls)]
        maker = self.daemon(sim, name="maker")
        daemon = self.daemon(sim, inputs="".join(maker.input(**values) for values in inputs))
        daemon.start()
        versions = [{(source, o["id"], o["lastUpdateDateTime"]): o for source in GRAPH for o in objects[source]} for objects in served]
        count = sum(map(len, versions))
        self.assertGreater(count, 40)
        daemon.wait_for_alerts(count, seconds=4 * PATIENCE)
        for i, expected in enumerate(versions):
            daemon.wait_for_counters(lambda c: c["polls"] >= 2 and c["alerts.rejected"] == 0 and c["alerts.filtered"] == 0,
                                     "polls, nothing rejected", "seed-%d" % i)
            came = {(m.metadata["source"], m.metadata["id"], m.metadata["lastUpdate"]): m
                    for m in daemon.alerts() if m.metadata["input"] == "seed-%d" % i}
            self.assertEqual(came.keys(), expected.keys(), "of seed %d" % (i + 1))
            for key, message in came.items():
                self.assertEqual(json.loads(message.text), expected[key])
                self.assertEqual(set(message.fields), set(expected[key]), "$! has every field")
        daemon.stop()
        types = {e.get("@odata.type") for objects in served for a in objects["alerts"] for e in a.get("evidence") or [] if e}
        self.assertGreater(len(types), 10, "types of evidence: %s" % types)


if __name__ == "__main__":
    unittest.main()
