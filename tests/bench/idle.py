# SPDX-License-Identifier: Apache-2.0
"""Polls that find nothing: processor time of each, against a bare curl_multi loop and h2load with the same requests.

All three ask for 1,000 tenants once a second, evenly spread, so that each has as little to do at a time as the others."""
import os
import re
import subprocess
import time

import support
from daemon import Daemon, processor_seconds
from server import TOKEN_BYTES, Server, token_of

RATE = 1000
NAMES = ("imdefender", "bare curl_multi loop", "h2load")


def _window(server, pid, seconds):
    """Processor seconds of a process for each request that the server answers."""
    processor, requests = processor_seconds(pid), server.requests()
    time.sleep(seconds)
    return (processor_seconds(pid) - processor) / max(1, server.requests() - requests - 1)


def _imdefender(directory, server, seconds):
    daemon = Daemon.imdefender(directory, server, RATE, pollInterval="1", backfill="0").start()
    try:
        time.sleep(8)  # first polls are spread over 5 s
        return _window(server, daemon.child.pid, seconds)
    finally:
        daemon.stop()


def _loop(_directory, server, seconds):
    program = os.path.join(support.build_directory(), "tests", "bench", "curl_loop")
    with subprocess.Popen([program, server.ca, server.url, str(RATE), str(TOKEN_BYTES), str(seconds + 4)],
                          stdout=subprocess.PIPE) as child:
        time.sleep(2)
        found = _window(server, child.pid, seconds)
        if int(child.communicate()[0]) < RATE * seconds:
            raise AssertionError("the curl_multi loop got too few answers")
        return found


def _h2load(_directory, server, seconds):
    url = server.url + "/v1.0/security/alerts_v2?$top=1000&$filter=lastUpdateDateTime%20ge%202026-01-01T00%3A00%3A00Z" \
        "&$orderby=lastUpdateDateTime%20asc"
    words = ["h2load", "-c", "1", "-m", "100", "--rps", str(RATE), "-D", str(seconds + 4), "-H", "Accept: application/json",
             "-H", "Prefer: include-unknown-enum-members", "-H", "client-request-id: 00000000-0000-4000-8000-000000000000",
             "-H", "Authorization: Bearer " + token_of(support.tenant_id(1)), url]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        time.sleep(2)
        found = _window(server, child.pid, seconds)
        said = child.communicate()[0].decode()
        if not re.search(r"status codes: [1-9]\d* 2xx, 0 3xx, 0 4xx, 0 5xx", said):
            raise AssertionError("h2load: " + said)
        return found


def measure(directory, runs, seconds, say):
    """{name: [processor seconds per request, ...]}"""
    server, found = Server(directory), {}
    try:
        for _ in range(runs):
            for name, one in zip(NAMES, (_imdefender, _loop, _h2load)):
                found.setdefault(name, []).append(one(directory, server, seconds))
                say("  %-30s %6.1f us a poll" % (name, found[name][-1] * 1e6))
    finally:
        server.stop()
    return found
