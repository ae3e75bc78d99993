# SPDX-License-Identifier: Apache-2.0
"""The distribution's rsyslogd with the module: its configuration, its life, and what it wrote."""
import glob
import json
import os
import shutil
import signal
import subprocess
import time

import support
import watch
from process import Process

STOP_LIMIT = 1.0         # seconds that rsyslogd grants an input by default
STOP_MARGIN = 2.0        # for its own queues and outputs, on a loaded machine

CONFIGURATION = """\
global(workDirectory="{work}" maxMessageSize="{max_message_size}" processInternalMessages="on"{global_more})
module(load="imdefender"{module})
module(load="impstats" interval="1" format="json" resetCounters="off" log.syslog="off" log.file="{stats}")
template(name="record" type="list") {{
    constant(value="{{\\"msg\\":\\"")                property(name="msg" format="json")
    constant(value="\\",\\"rawmsg\\":\\"")           property(name="rawmsg" format="json")
    constant(value="\\",\\"hostname\\":\\"")         property(name="hostname" format="json")
    constant(value="\\",\\"app-name\\":\\"")         property(name="app-name" format="json")
    constant(value="\\",\\"procid\\":\\"")           property(name="procid" format="json")
    constant(value="\\",\\"msgid\\":\\"")            property(name="msgid" format="json")
    constant(value="\\",\\"syslogtag\\":\\"")        property(name="syslogtag" format="json")
    constant(value="\\",\\"pri\\":\\"")              property(name="pri")
    constant(value="\\",\\"severity\\":\\"")         property(name="syslogseverity")
    constant(value="\\",\\"facility\\":\\"")         property(name="syslogfacility-text")
    constant(value="\\",\\"timestamp\\":\\"")        property(name="timestamp" dateFormat="rfc3339")
    constant(value="\\",\\"timegenerated\\":\\"")    property(name="timegenerated" dateFormat="rfc3339")
    constant(value="\\",\\"inputname\\":\\"")        property(name="inputname" format="json")
    constant(value="\\",\\"structured-data\\":\\"")  property(name="structured-data" format="json")
    constant(value="\\",\\"metadata\\":")           property(name="$!metadata!imdefender")
    constant(value=",\\"all\\":")                  property(name="$!")
    constant(value="}}\\n")
}}
template(name="plain" type="list") {{ property(name="msg") constant(value="\\n") }}
{inputs}
{rulesets}
action(type="omfile" file="{log}" template="RSYSLOG_FileFormat")
"""

RULESET = """\
ruleset(name="defender" queue.type="LinkedList" queue.size="20000" queue.timeoutEnqueue="60000") {{
    action(type="omfile" file="{records}" template="record" action.resumeRetryCount="-1")
    {more}
}}
"""


def quote(value):
    return json.dumps(value, ensure_ascii=False)


def parameters(values):
    """RainerScript: name="value", arrays for lists. None leaves a parameter out."""
    words = []
    for name, value in values.items():
        if isinstance(value, list):
            words.append("%s=[%s]" % (name, ",".join(quote(v) for v in value)))
        elif value is not None:
            words.append("%s=%s" % (name, quote(str(value))))
    return " ".join(words)


def tenants_yaml(tenants, defaults):
    lines = ["defaults:"] + ["  %s: %s" % (name, quote(value)) for name, value in defaults.items()] + ["tenants:"]
    for tenant in tenants:
        mark = "  - "
        for name, value in tenant.items():
            lines.append("%s%s: %s" % (mark, name, quote(value)))
            mark = "    "
    return "\n".join(lines) + "\n"


class Message:
    """A message as the template "record" wrote it."""

    def __init__(self, record):
        self.record = record
        self.text = record["msg"]
        self.metadata = record["metadata"] or {}
        self.fields = {name: value for name, value in (record["all"] or {}).items() if name != "metadata"}

    def __getattr__(self, name):
        try:
            return self.record[name.replace("_", "-")]
        except KeyError as error:
            raise AttributeError(name) from error

    @property
    def is_health(self):
        return self.record["msgid"] == "health"


class Daemon(Process):
    """`tenants`: a number, or a list of mappings for the file; `tenants_text`: the file itself. `input`, `module`: parameters;
    `inputs` replaces the input, `rulesets` the ruleset "defender"; `actions` are put into that ruleset."""

    def __init__(self, case, sim, name="rsyslogd", tenants=1, tenants_text=None, defaults=None, input=None, inputs=None,
                 module=None, rulesets=None, actions="", max_message_size="8m", global_more="", work=None):
        super().__init__(case, name)
        self.sim = sim
        self.work = work or case.path(name + ".work")
        os.makedirs(self.work, exist_ok=True)
        self.records, self.log = case.path(name + ".records"), case.path(name + ".log")
        self.environment = {}
        self.lines = support.Lines(self.records, Message)
        self.stats, self.pidfile = case.path(name + ".stats"), case.path(name + ".pid")
        self.state = os.path.join(self.work, "imdefender.db")
        self.tenants_file = case.path(name + ".tenants.yaml")
        case.write("secret", support.SECRET + "\n")
        self.defaults = dict({"clientId": support.CLIENT, "clientSecretFile": case.path("secret")}, **(defaults or {}))
        self.set_tenants(tenants, tenants_text)
        rulesets = rulesets if rulesets is not None else RULESET.format(records=self.records, more=actions)
        if inputs is None:
            inputs = self.input(**(input or {}))
        self.configuration = case.write(name + ".conf", CONFIGURATION.format(
            work=self.work, max_message_size=max_message_size, stats=self.stats, inputs=inputs, log=self.log,
            module="".join(" " + p for p in [parameters(module or {})] if p), rulesets=rulesets, global_more=global_more))

    def input(self, **more):
        """The text of an input, with what a test of the simulator needs."""
        values = {"type": "imdefender", "name": "alerts-in", "ruleset": "defender", "pollInterval": "1",
                  "requestBudget": "100000",  # polls come a hundred times as often as they should
                  "tls.cacert": os.path.join(self.case.certificates, "ca.pem"), "tenantsFile": self.tenants_file}
        if self.sim is not None:
            values.update(loginUrl=self.sim.url, apiUrl=self.sim.url)
        values.update(more)
        return "input(%s)\n" % parameters(values)

    def inline_input(self, number=1, **more):
        """An input with its one tenant in the configuration."""
        return self.input(**dict({"tenantsFile": None, "tenantId": support.tenant_id(number), "clientId": support.CLIENT,
                                  "clientSecretFile": self.case.path("secret")}, **more))

    def reconfigure(self, before, after):
        text = support.read(self.configuration)
        self.case.assertIn(before, text)
        self.case.write(os.path.basename(self.configuration), text.replace(before, after))

    def set_tenants(self, tenants=1, text=None):
        if isinstance(tenants, int):
            tenants = [{"tenantId": support.tenant_id(i), "tenantName": "Customer-%d" % i} for i in range(1, tenants + 1)]
        self.case.write(os.path.basename(self.tenants_file),
                        text if text is not None else tenants_yaml(tenants, self.defaults))

    # --- life ---

    def _words(self):
        program = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
        modules = [os.path.join(watch.build(), "plugins", "imdefender", ".libs")]
        modules += [d for d in glob.glob("/usr/lib/*/rsyslog") + ["/usr/lib64/rsyslog", "/usr/lib/rsyslog"]
                    if os.path.exists(os.path.join(d, "lmnet.so"))]
        return [program, "-f", self.configuration, "-M", ":".join(modules)]

    def spawn(self, words, environment=None):
        report = self.case.path(self.name + ".report")
        super().spawn(watch.wrapped(words, report), dict(watch.environment(report), **(environment or {})))

    def check(self):
        """rsyslogd -N1: exit status and everything it says."""
        report = self.case.path(self.name + ".report")
        done = subprocess.run(watch.wrapped(self._words() + ["-N1"], report), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=self.case.directory, timeout=support.PATIENCE,
                              env=dict(os.environ, **watch.environment(report)), check=False)
        with open(self.err, "ab") as file:
            file.write(done.stdout)  # where the end of the test looks for reports of memory errors
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def start(self):
        if os.path.exists(self.pidfile):
            os.remove(self.pidfile)
        self.spawn(self._words() + ["-n", "-i", self.pidfile], self.environment)
        support.wait_until(lambda: os.path.exists(self.pidfile) or not self.running, "rsyslogd is up")
        if not self.running:
            raise AssertionError("rsyslogd ended at once: %s" % support.read(self.err))
        watch.ensure(self.child.pid)
        return self

    def stop(self, limit=STOP_LIMIT + STOP_MARGIN):
        """Asks it to end, and returns how many seconds that took; it must end by itself, within `limit`, with status 0."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            status = self.child.wait(timeout=support.PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("rsyslogd does not end within %d seconds of SIGTERM" % support.PATIENCE) from None
        took = time.monotonic() - begun
        self.case.assertEqual(status, 0, "exit status of rsyslogd; it said: %s" % support.read(self.err)[-2000:])
        self.case.assertLess(took, limit * support.SLOWNESS, "seconds that rsyslogd needed to stop")
        return took

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def restart(self):
        self.stop()
        return self.start()

    def hup(self):
        self.signal(signal.SIGHUP)

    # --- what it wrote ---

    def messages(self):
        return self.lines.read()

    def alerts(self, tenant=None):
        wanted = support.tenant_id(tenant) if isinstance(tenant, int) else tenant
        return [m for m in self.messages() if not m.is_health and wanted in (None, m.metadata["tenantId"])]

    def health(self, tenant=None, state=None):
        wanted = support.tenant_id(tenant) if isinstance(tenant, int) else tenant
        return [m for m in self.messages() if m.is_health and wanted in (None, m.fields["tenantId"]) and
                state in (None, m.fields["state"])]

    def wait_for_alerts(self, count, tenant=None, seconds=support.PATIENCE):
        support.wait_until(lambda: len(self.alerts(tenant)) >= count,
                           lambda: "%d alerts%s; there are %d. The log ends: %s" % (
                               count, "" if tenant is None else " of tenant %s" % tenant, len(self.alerts(tenant)),
                               self.log_text()[-800:]), seconds)
        return self.alerts(tenant)

    def wait_for_health(self, tenant, state, count=1, seconds=support.PATIENCE):
        return support.wait_until(lambda: self.health(tenant, state)[count - 1:],
                                  lambda: "a health message \"%s\" of tenant %s; there are %s. The log ends: %s" % (
                                      state, tenant, [m.text for m in self.health()], self.log_text()[-800:]), seconds)[0]

    def log_text(self):
        return support.read(self.log) + support.read(self.err)

    def log_lines(self, *parts):
        """Lines of rsyslogd's own log that hold all the parts."""
        return [line for line in support.read(self.log).split("\n") if line and all(p in line for p in parts)]

    def wait_for_log(self, *parts, seconds=support.PATIENCE):
        return support.wait_until(lambda: self.log_lines(*parts), lambda: "a log line with %s; the log is: %s" % (
            " and ".join(map(repr, parts)), self.log_text()[-2000:]), seconds)

    def counters(self, name="alerts-in"):
        """The last statistics of an input ("alerts-in") or a feed ("alerts-in/TENANT/alerts"); {} if there are none yet."""
        for line in reversed(support.read(self.stats).split("\n")[:-1]):
            if '"imdefender"' in line:
                record = json.loads(line[line.index("{"):])
                if record["name"] == name:
                    return record
        return {}

    def wait_for_counters(self, condition, expected, name="alerts-in", seconds=support.PATIENCE):
        return support.wait_until(lambda: (lambda c: c if c and condition(c) else None)(self.counters(name)),
                                  lambda: "%s in the statistics of %s; they are %s" % (expected, name, self.counters(name)),
                                  seconds)

    def status(self):
        """imdefenderctl status --json: what the state file holds of each feed, by tenant."""
        done = subprocess.run([os.path.join(watch.build(), "tools", "imdefenderctl"), "status", "--json",
                               "--state-file", self.state], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=dict(os.environ, **watch.options(self.case.path("imdefenderctl.report"))))
        if done.returncode != 0:
            raise AssertionError("imdefenderctl status: %s" % done.stderr.decode("utf-8", "replace"))
        return {feed["tenantId"]: feed for feed in json.loads(done.stdout)}
