# SPDX-License-Identifier: Apache-2.0
"""The books of a fault: which versions the API showed, which arrived, how often, and which rsyslogd had acknowledged when it
died. Each fault leaves one line for the table that ./check and `make soak` print at the end (scripts/fault-table)."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import time

import daemon
import harness
import support
from support import tenant_id, v_key, version_of, wait_until

RECORD = '{"msg":"'
SOURCES = os.path.join(support.ROOT, "plugins", "imdefender")
SEED = int(os.environ.get("IMD_PROOF_SEED", "1"))
KILLED = -signal.SIGKILL


def fault_points():
    """Every point there is: a new one is tested, and has to be documented, without being named anywhere else."""
    names = set()
    for folder, _, files in os.walk(SOURCES):
        for name in files:
            if name.endswith(".c"):
                names |= set(re.findall(r'IMD_FAULT_POINT\("([a-z-]+)"\)', support.read(os.path.join(folder, name))))
    return sorted(names)


def fault_build():
    """Where the module with fault points is built, None if it is not."""
    for path in (os.environ.get("IMD_FAULT_BUILD"), os.path.join(support.ROOT, "build", "faults")):
        if path and os.path.exists(os.path.join(path, "plugins", "imdefender", ".libs", "imdefender.so")):
            return path
    return None


def id_digest(text):
    """As the state keeps an id: the first 16 bytes of the SHA-256 of its length and its bytes."""
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.sha256(len(data).to_bytes(8, "big") + data).digest()[:16]


def ticks(text):
    """100 ns since 1970; the tests write whole seconds or milliseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))) - time.timezone
    return seconds * 10 ** 7 + int((fraction + "0000000")[:7])


class FaultyDaemon(daemon.Daemon):
    """An rsyslogd with the module of the build with fault points; start(fault="name:N")."""

    def _words(self):
        plain = os.path.join(support.build_directory(), "plugins", "imdefender", ".libs")
        return [w.replace(plain, os.path.join(fault_build(), "plugins", "imdefender", ".libs")) for w in super()._words()]

    def start(self, fault=None):
        if os.path.exists(self.pidfile):
            os.remove(self.pidfile)
        self.spawn(self._words() + ["-n", "-i", self.pidfile], {"IMD_FAULT": fault or ""})
        return self

    def dies(self, what, seconds=support.PATIENCE):
        wait_until(lambda: not self.running, lambda: "%s ends rsyslogd. Its log ends: %s" % (what, self.log_text()[-500:]),
                   seconds)
        self.case.assertEqual(self.child.returncode, KILLED, what)


class Case(harness.Case):
    """A test that keeps books. Alerts are made here, so that it is known which of them may be updated: one whose newest
    version has arrived. What the API replaces before anybody has it is lost to everybody, and would prove nothing."""

    def setUp(self):
        super().setUp()
        self.random = random.Random("%d %s" % (SEED, self.id()))
        self.alerts = {}         # (tenant, id): its newest version's key
        self.faults = 0
        self.allowed = set()     # versions that were out and not committed when rsyslogd died
        self.number = 0
        self.clock_shift = 0

    def use(self, sim, process):
        self.sim, self.process = sim, process
        return process

    # --- the API's side ---

    def make(self, new=20, updates=10, tenants=1):
        """New alerts, and updates of some that have arrived."""
        texts = []
        arrived = self.arrived()
        old = [key for key, newest in self.alerts.items() if newest in arrived]
        self.random.shuffle(old)
        for tenant, name in old[:updates] + [(tenant_id(1 + i % tenants), None) for i in range(new)]:
            self.number += 1
            texts.append(self._text(tenant, name or "a%05d" % self.number))
        self.sim.add(*texts)

    def _text(self, tenant, name):
        # Half of the stamps tie within their second.
        moment = time.time() + self.clock_shift
        fraction = ".%03d" % (self.number % 1000) if self.number % 2 else ""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + fraction + "Z"
        previous = self.alerts.get((tenant, name))
        if previous and ticks(stamp) <= ticks(previous[2]):
            time.sleep(0.01)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ticks(previous[2]) // 10 ** 7 + 1)) + "Z"
        self.alerts[tenant, name] = (tenant, name, stamp)
        return json.dumps({"id": name, "tenantId": tenant, "severity": self.random.choice(["high", "medium", "low"]),
                           "serviceSource": "microsoftDefenderForEndpoint", "status": "new", "title": "Proof " * 20,
                           "createdDateTime": stamp, "lastUpdateDateTime": stamp})

    def visible(self):
        return {v_key(v) for v in self.sim.truth() if v["served"] > 0 or v["replacedAt"] is None}

    # --- our side ---

    def deliveries(self):
        """The keys of what arrived, in order. kill -9 may have cut a line that omfile wrote; what follows is glued to it."""
        found = []
        for line in support.read(self.process.records).split("\n")[:-1]:
            for text in (line, line[line.rfind(RECORD):] if RECORD in line[1:] else ""):
                try:
                    message = daemon.Message(json.loads(text))
                except ValueError:
                    continue
                if not message.is_health:
                    found.append((message.metadata["tenantId"],) + version_of(message.text))
                break
        return found

    def arrived(self):
        return set(self.deliveries())

    def copy_state(self):
        """The path of a copy of the state."""
        copy = self.path("state-copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.makedirs(copy)
        for end in ("", "-wal"):
            if os.path.exists(self.process.state + end):
                shutil.copy(self.process.state + end, os.path.join(copy, "db" + end))
        return os.path.join(copy, "db")

    def committed(self):
        """What the state says is done: tenant, digest of the id, stamp."""
        try:
            with sqlite3.connect(self.copy_state()) as db:
                return {(tenant, bytes(name), stamp) for tenant, name, stamp in db.execute(
                    "SELECT f.tenant, v.id, v.stamp FROM version v JOIN feed f ON f.id = v.feed")}
        except sqlite3.OperationalError:  # it died before there were tables
            return set()

    def note_fault(self, queued=False):
        """rsyslogd is dead: what was out and not committed may come once more. `queued`: what waits in queues that are kept
        is out, too, though it has not arrived."""
        done = self.committed()
        self.faults += 1
        out = self.visible() if queued else self.arrived()
        self.allowed |= {key for key in out if (key[0], id_digest(key[1]), ticks(key[2])) not in done}

    def kill(self, queued=False):
        self.process.kill()
        self.note_fault(queued)

    def wait_for_everything(self, seconds=60):
        wait_until(lambda: not self.visible() - self.arrived(), lambda: "all of %d versions; %d are missing, e.g. %s. The log ends: %s" % (
            len(self.visible()), len(self.visible() - self.arrived()), sorted(self.visible() - self.arrived())[:3],
            self.process.log_text()[-600:]), seconds)

    def settle(self, stop=True):
        """Until everything is there, and two polls longer: time enough to deliver something twice."""
        self.wait_for_everything()
        self.sim.wait_for_polls(1)
        if stop:
            self.process.stop(limit=6)

    def close_books(self, fault, runs=None, group=None):
        """Counts, writes the line for the table, and fails on any loss and on any repetition that was not allowed."""
        came, visible = self.deliveries(), self.visible()
        twice = {key for key in came if came.count(key) > 1} if len(came) > len(set(came)) else set()
        row = {"fault": fault, "group": group or "rsyslogd", "runs": self.faults if runs is None else runs,
               "visible": len(visible), "delivered": len(visible & set(came)), "lost": len(visible - set(came)),
               "twice": len(twice), "unacknowledged": len(self.allowed)}
        write_row(row)
        hint = "replay: IMD_PROOF_SEED=%d" % SEED
        self.assertEqual(row["lost"], 0, "versions lost; %s" % hint)
        self.assertFalse(twice - self.allowed, "versions that were acknowledged came again; %s" % hint)
        self.assertFalse(set(came) - visible - {v_key(v) for v in self.sim.truth()}, "messages that the API never showed")


def write_row(row):
    folder = os.environ.get("IMD_PROOF_DIR") or os.path.join(support.build_directory(), "proof")
    os.makedirs(folder, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", (row["group"] + " " + row["fault"]).lower()).strip("-")
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        json.dump(row, file)
        file.write("\n")
