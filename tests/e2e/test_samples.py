# SPDX-License-Identifier: Apache-2.0
"""Alerts captured from real tenants, replayed: they arrive unchanged. The files lie beside the repository, not in it."""
import calendar
import json
import os
import time
import unittest

import harness
from harness import tenant_id, without_space
from support import FIXTURES, ROOT, read

SAMPLES = os.path.join(ROOT, "..", "shared", "samples")
FIRST_CUSTOMER = "f65ad163-1b89-0000-b2a7-e70409495256"


def seconds_to(day):
    """From now to a day, for the clock of defender-sim: a poll looks back 180 days at most, from the API's clock."""
    return calendar.timegm(time.strptime(day, "%Y-%m-%d")) - time.time()


class Replay(harness.Case):
    def replay(self, files, day, tenants, count):
        sim = self.start_sim(tenants=0, alerts=files)
        sim.control(clockShift=seconds_to(day))
        daemon = self.start_daemon(sim, tenants=[{"tenantId": tenant} for tenant in tenants], input={
            "backfill": "180d", "overlap": "7d"})
        daemon.wait_for_alerts(count)
        sim.wait_for_polls(2)
        daemon.stop()
        self.assertEqual(len(daemon.alerts()), count)
        return daemon.alerts()


@unittest.skipUnless(os.path.isdir(SAMPLES), "../shared/samples is not there")
class Samples(Replay):
    def sample(self, name):
        return os.path.join(SAMPLES, "mdo-alert-%s.json" % name)

    def test_two_versions_of_one_alert_are_two_messages_of_which_the_second_is_an_update(self):
        files = [self.sample("two"), self.sample("three")]
        first, second = self.replay(files, "2026-07-31", [tenant_id(1)], 2)
        self.assertEqual([without_space(m.text) for m in (first, second)], [without_space(read(f)) for f in files])
        self.assertEqual([m.metadata["change"] for m in (first, second)], ["new", "update"])
        self.assertEqual(first.metadata["id"], second.metadata["id"])
        self.assertNotEqual(first.metadata["key"], second.metadata["key"])

    def test_older_samples_arrive_unchanged(self):
        files = [self.sample("zero"), self.sample("one")]
        messages = self.replay(files, "2023-05-13", [FIRST_CUSTOMER], 2)
        self.assertEqual(sorted(without_space(m.text) for m in messages), sorted(without_space(read(f)) for f in files))
        self.assertEqual({m.metadata["tenantId"] for m in messages}, {FIRST_CUSTOMER})


class Fixtures(Replay):
    """The project's own files: every evidence type, odd values, 33 KB, pretty-printed."""

    def test_fixtures_arrive_unchanged(self):
        names = ["evidence-types.ndjson", "odd-values.ndjson", "large.ndjson", "pretty.json", "versions.json"]
        files = [os.path.join(FIXTURES, name) for name in names]
        expected = []
        for path in files:
            text, at = read(path), 0
            while text[at:].strip():
                at += len(text[at:]) - len(text[at:].lstrip())
                value, length = json.JSONDecoder(strict=False).raw_decode(text[at:])
                expected += self.texts_in(text[at:at + length], value)
                at += length
        messages = self.replay(files, "2026-02-22", sorted({t for t, _ in expected}), len(expected))
        came = sorted((m.metadata["tenantId"], without_space(m.text)) for m in messages)
        self.assertEqual(came, sorted(expected))

    def texts_in(self, text, value):
        """The objects of a Graph answer, or the object itself: (tenant, text without white space outside strings)."""
        objects = value["value"] if isinstance(value.get("value"), list) else [value]
        if objects == [value]:
            return [(value["tenantId"], without_space(text))]
        text, at, found = without_space(text), 0, []
        at = text.index('"value":[') + len('"value":[')
        for one in objects:
            _, length = json.JSONDecoder(strict=False).raw_decode(text[at:])
            found.append((one["tenantId"], text[at:at + length]))
            at += length + 1
        return found


if __name__ == "__main__":
    unittest.main()
