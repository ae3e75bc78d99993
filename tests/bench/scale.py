# SPDX-License-Identifier: Apache-2.0
"""Many tenants polled every 60 s: processor share, memory, connections, the time to start, and the delay from an alert's
being visible at the API to its being in the output file; the last one also with faults of some tenants."""
import os
import random
import threading
import time

import alerts
import support
from daemon import Daemon
from server import Server

INTERVAL = 60
FAULTS = {"00$": "hang", "50$": "throttle"}  # 1 % of the tenants each
FLOODING = support.tenant_id(7)


class Watcher:
    """Reads what is appended to the output file and remembers when each line was seen there, to 10 ms."""

    def __init__(self, path):
        self.path, self.seen, self.lines, self.ending = path, {}, 0, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        rest, offset = b"", 0
        while not self.ending:
            try:
                with open(self.path, "rb") as file:
                    file.seek(offset)
                    new = file.read(8 << 20)
            except FileNotFoundError:
                new = b""
            if not new:
                time.sleep(0.01)
                continue
            now, offset = time.monotonic(), offset + len(new)
            whole = (rest + new).split(b"\n")
            rest = whole.pop()
            self.lines += len(whole)
            for line in whole:
                at = line.find(b"probe-", 0, 400)
                if at >= 0:
                    self.seen.setdefault(line[at:line.index(b'"', at)].decode(), now)

    def stop(self):
        self.ending = True
        self.thread.join()


def _probe(name, tenant):
    stamp = alerts.stamp_of(time.time())
    return ('{"id":"%s","tenantId":"%s","severity":"low","title":"Probe","createdDateTime":"%s","lastUpdateDateTime":"%s",'
            '"evidence":[]}' % (name, tenant, stamp, stamp))


class Probes:
    """Alerts that become visible one after the other, each at a tenant drawn at random."""

    def __init__(self, server, tenants):
        self.server, self.tenants = server, tenants
        self.random, self.shown, self.lists = random.Random(len(tenants)), {}, {}

    def show(self, name):
        tenant = self.random.choice(self.tenants)
        self.lists.setdefault(tenant, []).append(_probe(name, tenant))
        self.server.show(tenant, ",".join(self.lists[tenant]))
        self.shown[name] = time.monotonic()

    def run(self, count, seconds):
        begin = time.monotonic()
        for i in range(count):
            pause = begin + seconds * i / count - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self.show("probe-%06d" % i)


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def _delays(server, tenants, watcher, count, seconds):
    probes = Probes(server, tenants)
    probes.run(count, seconds)
    deadline = time.monotonic() + INTERVAL + 20
    while len(watcher.seen) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    delays = sorted(watcher.seen[name] - shown for name, shown in probes.shown.items() if name in watcher.seen)
    return {"probes": count, "missing": count - len(delays), "p50": percentile(delays, 0.5), "p99": percentile(delays, 0.99),
            "max": delays[-1]}


def run(directory, count, faults, flood, idle_seconds, probes, probe_seconds, say):
    tenants = [support.tenant_id(i) for i in range(1, count + 1)]
    pages = {}
    if faults:
        data = alerts.Backfill(directory, "flood", flood, 5000, FLOODING, 23 * 3600)
        pages = {(FLOODING, asked): name for asked, name in data.pages.items()}
    server = Server(directory, pages, FAULTS if faults else None)
    well = [t for t in tenants if not (faults and (t[-2:] in ("00", "50") or t == FLOODING))]
    daemon = Daemon.imdefender(directory, server, count, pollInterval=INTERVAL, backfill="2d").start()
    watcher, found = Watcher(daemon.output), {"tenants": count, "start": daemon.up - daemon.started}
    try:
        first = server.requests()
        if faults:  # the probes begin with the flood
            found.update(_delays(server, well, watcher, probes, probe_seconds))
            found["flooded"] = watcher.lines
        else:
            # A token and a page for each; then every tenant is polled regularly.
            support.wait_until(lambda: server.requests() - first >= 2 * count, "the first poll of each tenant", 3 * INTERVAL)
            found["first sweep"] = time.monotonic() - daemon.started
            found["first sweep processor"] = daemon.processor()
            time.sleep(5)
            processor, begin, requests = daemon.processor(), time.monotonic(), server.requests()
            time.sleep(idle_seconds)
            took = time.monotonic() - begin
            found.update({"share": (daemon.processor() - processor) / took, "resident": daemon.resident(),
                          "connections": daemon.connections(server.port), "polls": (server.requests() - requests - 1) / took})
            found.update(_delays(server, well, watcher, probes, probe_seconds))
            found["peak"] = daemon.peak()
    finally:
        watcher.stop()
        daemon.stop()
        server.stop()
    say("  %6d tenants%s: %s" % (count, " with faults" if faults else "", ", ".join(
        "%s %.4g" % (name, value if value < 1e6 else value / 2 ** 20) for name, value in found.items())))
    return found
