# SPDX-License-Identifier: Apache-2.0
"""What one large page does to the resident memory, parseJson being on where nothing else is said."""
import os
import time

import alerts
import support
from daemon import Daemon
from server import Server

TENANT = support.tenant_id(1)


def _growth(directory, server, output, **parameters):
    """Peak of the resident memory less what the daemon has without a page."""
    empty_directory = os.path.join(directory, "none")
    os.makedirs(empty_directory, exist_ok=True)
    empty = Server(empty_directory)
    try:
        daemon = Daemon.imdefender(directory, empty, 1, backfill="2d", message="64m", **parameters).start()
        time.sleep(2)
        before = daemon.peak()
        daemon.stop()
        daemon = Daemon.imdefender(directory, server, 1, backfill="2d", message="64m", **parameters).start()
        daemon.wait_for_output(output)
        time.sleep(1)
        peak = daemon.peak()
        daemon.stop()
        return peak - before
    finally:
        empty.stop()


def measure(directory, runs, say):
    """{name: (bytes of the largest object, [growth, ...])}"""
    found = {}
    data = alerts.Backfill(directory, "memory", 999, 33000, TENANT, 23 * 3600)
    largest = alerts.incident_page(directory, "incidents", 28000000, 50, TENANT)
    single = alerts.incident_page(directory, "incident", 28000000, 1, TENANT)
    cases = (("a page of 1,000 alerts of 33 KB", data.largest, data.pages, data.field_bytes, {}),
             ("a page of 50 incidents, 28 MB", largest, {"": "incidents"}, 28000000 * 0.95, {"sources": '["incidents"]'}),
             *(("one incident of 28 MB, parseJson " + mode, single, {"": "incident"}, 28000000 * 0.95,
                {"sources": '["incidents"]', "parseJson": mode}) for mode in ("off", "summary", "on")))
    for name, size, pages, output, parameters in cases:
        server = Server(directory, pages)
        try:
            for _ in range(runs):
                growth = _growth(directory, server, output, **parameters)
                found.setdefault(name, (size, []))[1].append(growth)
                say("  %-39s largest object %5.2f MB, grows by %6.1f MiB" % (name, size / 1e6, growth / 2 ** 20))
        finally:
            server.stop()
    return found
