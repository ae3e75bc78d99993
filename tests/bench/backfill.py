# SPDX-License-Identifier: Apache-2.0
"""Backfill: processor time for each alert and alerts per second, against reading the same alerts from a file, and
against a shell loop."""
import os
import socket
import subprocess
import threading
import time

import alerts
from daemon import Daemon
from server import Server, token_of

import support

TENANT = support.tenant_id(1)
IMD = {"off": "imdefender, parseJson off", "summary": "imdefender, parseJson summary", "on": "imdefender, parseJson on"}


def _imdefender(directory, server, mode, expected):
    daemon = Daemon.imdefender(directory, server, 1, parseJson=mode, backfill="2d", pollInterval="60").start()
    try:
        done = daemon.wait_for_output(expected)
        return daemon.processor(), done - daemon.up
    finally:
        daemon.stop()


def _imfile(directory, lines, parse, expected):
    daemon = Daemon.imfile(directory, lines, parse).start()
    try:
        done = daemon.wait_for_output(expected)
        return daemon.processor(), done - daemon.up
    finally:
        daemon.stop()


def _startup(make):
    """Processor seconds of the same daemon with nothing to do, for about as long."""
    daemon = make().start()
    time.sleep(1.5)
    seconds = daemon.processor()
    daemon.stop()
    return seconds


def _imdefender_runs(directory, server, empty, data, mode, runs):
    idle = _startup(lambda: Daemon.imdefender(directory, empty, 1, parseJson=mode, backfill="2d", pollInterval="60"))
    # "off" leaves the tree empty: no severity and no title in the output.
    expected = data.plain_bytes if mode == "off" else data.field_bytes
    for _ in range(runs):
        seconds, took = _imdefender(directory, server, mode, expected)
        yield IMD[mode], (seconds - idle) / data.count, data.count / took


def _imfile_runs(directory, data, parse, runs):
    nothing = os.path.join(directory, "nothing.lines")
    with open(nothing, "w", encoding="ascii"):
        pass
    idle = _startup(lambda: Daemon.imfile(directory, nothing, parse))
    for _ in range(runs):
        seconds, took = _imfile(directory, data.lines, parse, data.field_bytes if parse else data.plain_bytes)
        yield "imfile + mmjsonparse" if parse else "imfile", (seconds - idle) / data.count, data.count / took


class Sink:
    """A stand-in for the syslog socket that logger writes to; counts lines."""

    def __init__(self, path):
        if os.path.exists(path):
            os.remove(path)
        self.path, self.lines = path, 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(path)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while self.socket.recv(1 << 20):
            self.lines += 1


LOOP = """
set -e
token=$(curl -s --cacert {ca} -d client_id=x -d client_secret=y -d grant_type=client_credentials \
    -d scope=https://graph.microsoft.com/.default {url}/{tenant}/oauth2/v2.0/token | jq -r .access_token)
for from in {stamps}; do
    curl -s --http2 --cacert {ca} -H "Authorization: Bearer $token" \
        "{url}/v1.0/security/alerts_v2?\\$top=1000&\\$filter=lastUpdateDateTime%20ge%20$from&\\$orderby=lastUpdateDateTime%20asc" |
        jq -c '.value[]' | logger --socket {socket} --size 256k -t alerts
done
"""


def shell_loop(directory, server, data, pages):
    """Alerts per second of the first `pages` pages, by curl | jq -c | logger, one page after the other."""
    sink = Sink(os.path.join(directory, "log"))
    stamps = ["%sT00:00:00Z" % time.strftime("%Y-%m-%d", time.gmtime(time.time() - 2 * 86400))] + list(data.pages)[1:pages]
    script = LOOP.format(ca=server.ca, url=server.url, tenant=TENANT, socket=sink.path,
                         stamps=" ".join(s.replace(":", "%3A") for s in stamps))
    before, begun = os.times(), time.monotonic()
    subprocess.run(["sh", "-c", script], check=True, timeout=600)
    took, after = time.monotonic() - begun, os.times()
    expected = min(pages * alerts.PAGE, data.count + len(data.pages) - 1)
    support.wait_until(lambda: sink.lines >= expected, lambda: "%d lines of %d" % (sink.lines, expected))
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return processor / expected, expected / took


def _rounds(*series):
    """One of each in turn, so that what disturbs the machine disturbs all."""
    series = list(series)
    while series:
        for one in list(series):
            result = next(one, None)
            if result is None:
                series.remove(one)
            else:
                yield result


def measure(directory, size, count, runs, modes, with_loop, say):
    """{name: [(processor seconds per alert, alerts per second), ...]}"""
    data = alerts.Backfill(directory, "b%d" % size, count, size, TENANT, 23 * 3600)
    say("%d alerts of %.1f KB" % (count, data.bytes / count / 1000))
    server, found = Server(directory, data.pages), {}
    os.makedirs(os.path.join(directory, "empty"), exist_ok=True)
    empty = Server(os.path.join(directory, "empty"))
    try:
        series = [_imdefender_runs(directory, server, empty, data, mode, runs) for mode in modes]
        series += [_imfile_runs(directory, data, parse, runs) for parse in (False, True)]
        for name, processor, rate in _rounds(*series):
            say("  %-30s %6.1f us an alert, %8.0f alerts/s" % (name, processor * 1e6, rate))
            found.setdefault(name, []).append((processor, rate))
        for _ in range(runs if with_loop else 0):
            processor, rate = shell_loop(directory, server, data, min(len(data.pages), 10))
            say("  %-30s %6.1f us an alert, %8.0f alerts/s" % ("shell loop", processor * 1e6, rate))
            found.setdefault("shell loop", []).append((processor, rate))
    finally:
        server.stop()
        empty.stop()
    return found
