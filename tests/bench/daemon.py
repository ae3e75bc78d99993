# SPDX-License-Identifier: Apache-2.0
"""The rsyslogd that is measured: its configuration, its processor time and its memory."""
import glob
import os
import re
import shutil
import signal
import subprocess
import time

import support

CONFIGURATION = """\
global(workDirectory="{work}" maxMessageSize="{message}")
{modules}
template(name="record" type="list") {{
    property(name="$!severity") constant(value=" ") property(name="$!title") constant(value=" ") property(name="msg")
    constant(value="\\n")
}}
ruleset(name="measured" queue.type="LinkedList" queue.size="20000" queue.timeoutEnqueue="60000") {{
    {before}
    if $msgid == "health" then stop
    action(type="omfile" file="{output}" template="record" action.resumeRetryCount="-1")
}}
{inputs}
action(type="omfile" file="{log}" template="RSYSLOG_FileFormat")
"""
IMDEFENDER = """input(type="imdefender" name="bench" ruleset="measured" tls.cacert="{ca}" loginUrl="{url}" apiUrl="{url}"
    tenantsFile="{tenants}" {more})
"""


def processor_seconds(pid):
    """User and system time of a process, all its threads, in nanosecond steps (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def write_tenants(directory, count, more=""):
    path, secret = os.path.join(directory, "tenants.yaml"), os.path.join(directory, "secret")
    with open(secret, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(support.SECRET + "\n")
    with open(path, "w", encoding="ascii") as file:
        file.write("defaults:\n  clientId: %s\n  clientSecretFile: %s\n%stenants:\n" % (support.CLIENT, secret, more))
        for i in range(1, count + 1):
            file.write("  - tenantId: %s\n    tenantName: Customer-%d\n" % (support.tenant_id(i), i))
    return path


class Daemon:
    def __init__(self, directory, inputs, modules, before="", message="128k"):
        self.directory, self.work = directory, os.path.join(directory, "work")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.output, self.log = os.path.join(directory, "output"), os.path.join(directory, "rsyslogd.log")
        for name in (self.output, self.log):
            if os.path.exists(name):
                os.remove(name)
        self.pidfile = os.path.join(directory, "rsyslogd.pid")
        self.configuration = os.path.join(directory, "rsyslog.conf")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(work=self.work, message=message, modules=modules, before=before, inputs=inputs,
                                            output=self.output, log=self.log))
        self.child = None

    @classmethod
    def imdefender(cls, directory, server, tenants, message="128k", defaults="", **parameters):
        more = " ".join('%s="%s"' % (name.replace("_", "."), value) if not str(value).startswith("[") else "%s=%s" % (name, value)
                        for name, value in parameters.items())
        return cls(directory, IMDEFENDER.format(ca=server.ca, url=server.url, more=more,
                                                tenants=write_tenants(directory, tenants, defaults)),
                   'module(load="imdefender")', message=message)

    @classmethod
    def imfile(cls, directory, lines, parse):
        return cls(directory, 'input(type="imfile" File="%s" Tag="imfile" ruleset="measured")' % lines,
                   'module(load="imfile")\nmodule(load="mmjsonparse")', 'action(type="mmjsonparse" cookie="")' if parse else "")

    def start(self):
        program = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
        modules = [os.path.join(support.build_directory(), "plugins", "imdefender", ".libs")]
        modules += [d for d in glob.glob("/usr/lib/*/rsyslog") + ["/usr/lib64/rsyslog", "/usr/lib/rsyslog"]
                    if os.path.exists(os.path.join(d, "lmnet.so"))]
        if os.path.exists(self.pidfile):
            os.remove(self.pidfile)
        self.started = time.monotonic()
        with open(os.path.join(self.directory, "rsyslogd.err"), "wb") as err:
            self.child = subprocess.Popen([program, "-n", "-f", self.configuration, "-i", self.pidfile, "-M", ":".join(modules)],
                                          stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        support.wait_until(lambda: os.path.exists(self.pidfile) or self.child.poll() is not None, "rsyslogd is up", 120)
        if self.child.poll() is not None:
            raise AssertionError("rsyslogd ended at once: " + support.read(os.path.join(self.directory, "rsyslogd.err")))
        self.up = time.monotonic()
        return self

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def wait_for_output(self, size, seconds=120):
        """Until the output file has `size` bytes. Returns the time of that."""
        deadline = time.monotonic() + seconds
        while True:
            now, length = time.monotonic(), self.output_size()
            if length >= size:
                return now
            if now > deadline or self.child.poll() is not None:
                raise AssertionError("%s has %d of %d bytes after %d s; %s" % (self.output, length, size, seconds,
                                                                               support.read(self.log)[-1000:]))
            time.sleep(0.005)

    def output_size(self):
        try:
            return os.stat(self.output).st_size
        except FileNotFoundError:
            return 0

    def processor(self):
        return processor_seconds(self.child.pid)

    def _status(self, name):
        with open("/proc/%d/status" % self.child.pid, encoding="ascii") as file:
            return int(re.search(r"^%s:\s+(\d+) kB" % name, file.read(), re.M).group(1)) * 1024

    def resident(self):
        return self._status("VmRSS")

    def peak(self):
        return self._status("VmHWM")

    def reset_peak(self):
        with open("/proc/%d/clear_refs" % self.child.pid, "w", encoding="ascii") as file:
            file.write("5")

    def connections(self, port):
        """TCP connections of the daemon to the server."""
        inodes = set()
        for descriptor in glob.glob("/proc/%d/fd/*" % self.child.pid):
            try:
                found = re.match(r"socket:\[(\d+)\]", os.readlink(descriptor))
            except OSError:
                continue
            if found:
                inodes.add(found.group(1))
        with open("/proc/%d/net/tcp" % self.child.pid, encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        return sum(1 for row in rows if row[9] in inodes and int(row[2].split(":")[1], 16) == port and row[3] == "01")
