# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test stands on: a case with a directory of its own that starts and ends the processes."""
import os
import re
import shutil
import unittest

import daemon
import simulator
import support
import watch
from support import (CLIENT, SECRET, build_directory, make_certificates, read, read_lines, scratch_directory,  # noqa: F401
                     stamp, tenant_id, v_key, version_of, wait_until, without_space)

MEMORY_ERROR = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|==\d+== +(Invalid|Use of|Conditional jump)|"
                          r"definitely lost: [1-9]|corrupted (size|double)|free\(\): |stack smashing")


class Case(unittest.TestCase):
    """A test with a directory; what it starts ends with it. After a failure the directory stays."""
    maxDiff = 2000
    longMessage = True

    def setUp(self):
        reason = watch.reason_to_leave_out(self.id().replace("__main__.", ""))
        if reason:
            self.skipTest("not with IMD_WATCH=%s: %s" % (support.WATCH, reason))
        self.directory = os.path.join(scratch_directory(), self.id().replace("__main__.", ""))
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.certificates = os.path.join(scratch_directory(), "certificates")
        make_certificates(self.certificates)
        self.processes = []
        self.addCleanup(self._finish)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        """Writes a file as an operator does: it is never seen half written."""
        with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name) + ".new", 0o600)
        os.rename(self.path(name) + ".new", self.path(name))
        return self.path(name)

    def start_sim(self, **options):
        sim = simulator.Simulator(self, **options)
        self.processes.append(sim)
        return sim

    def daemon(self, sim, **options):
        """An rsyslogd that is not started yet."""
        process = daemon.Daemon(self, sim, **options)
        self.processes.append(process)
        return process

    def start_daemon(self, sim, **options):
        return self.daemon(sim, **options).start()

    def _finish(self):
        for process in reversed(self.processes):
            process.destroy()
        broken = []
        for name in sorted(os.listdir(self.directory)):
            if name.endswith((".err", ".out")) and MEMORY_ERROR.search(read(self.path(name))):
                broken.append(name)
        found = watch.reports(self.directory, self.id().replace("__main__.", ""))
        if found:
            self.fail("%d reports about the module are in *.report.* of %s; the first one is:\n%s" % (
                len(found), self.directory, found[0][:6000]))
        if broken:
            self.fail("memory errors are reported in %s of %s" % (", ".join(broken), self.directory))
        outcome = self._outcome.result
        failed = any(test is self for test, _ in outcome.failures + outcome.errors) or not self._outcome.success
        if not failed and not os.environ.get("IMD_E2E_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    # --- what arrived ---

    def assert_arrived_once(self, messages, sim, due=None):
        """Every version (or every one of `due`) that a complete answer showed, or that is the newest, came exactly once
        under its tenant, unchanged."""
        truth = sim.truth()
        came = {}
        for message in messages:
            key = (message.metadata["tenantId"],) + version_of(message.text)
            came.setdefault(key, []).append(message)
        due = {v_key(v) for v in (truth if due is None else due) if v["served"] > 0 or v["replacedAt"] is None}
        known = {v_key(v) for v in truth}
        missing, unknown = due - came.keys(), came.keys() - known
        twice = {key for key, found in came.items() if len(found) > 1}
        self.assertFalse(missing, "%d of %d versions did not arrive" % (len(missing), len(due)))
        self.assertFalse(unknown, "%d messages carry what the API never showed for that tenant" % len(unknown))
        self.assertFalse(twice, "%d versions arrived more than once" % len(twice))
        self.assert_bytes_unchanged(messages, sim)

    def assert_bytes_unchanged(self, messages, sim):
        served = sim.digests()
        for message in messages:
            key = (message.metadata["tenantId"],) + version_of(message.text)
            self.assertEqual(simulator.digest(without_space(message.text)), served.get(key),
                             "the bytes of alert %s changed on the way" % (key,))

    def assert_accounts_close(self, daemon, name="alerts-in", more_than_none="alerts.fetched"):
        """fetched = submitted + duplicate + filtered + rejected, as soon as no page is half read."""
        daemon.wait_for_counters(lambda c: c[more_than_none] > 0 and c["alerts.fetched"] == sum(c["alerts." + part] for part in (
            "submitted", "duplicate", "filtered", "rejected")),
            "fetched = submitted + duplicate + filtered + rejected, and some %s" % more_than_none, name)
