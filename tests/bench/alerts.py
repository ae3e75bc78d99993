# SPDX-License-Identifier: Apache-2.0
"""Made-up alerts and incidents of a given size, and the pages a server answers with."""
import json
import os
import random
import time

import support

EVIDENCE = os.path.join(support.FIXTURES, "evidence-types.ndjson")
SEVERITIES = ("high", "medium", "low", "informational")
TITLES = ("Suspicious PowerShell command line", "Impossible travel to an atypical location", "Mass download by a single user",
          "Anomalous token", "Malware was prevented", "Email messages removed after delivery", "Possible lateral movement")
PAGE = 1000  # the API's largest


def stamp_of(seconds):
    """A time as imdefender asks for it: in milliseconds and with seven digits, so that it can be looked up as text."""
    whole, part = divmod(round(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + (".%03d0000Z" % part if part else "Z")


class Maker:
    """Alerts with evidence of every type, filled up with evidence until they have about `size` bytes."""

    def __init__(self, size, tenant, seed=1):
        self.size, self.tenant, self.random = size, tenant, random.Random(seed)
        with open(EVIDENCE, encoding="utf-8") as file:
            alerts = [json.loads(line) for line in file]
        self.head = {name: value for name, value in alerts[0].items() if name != "evidence"}
        self.evidence = [json.dumps(e, separators=(",", ":"), ensure_ascii=False) for a in alerts for e in a["evidence"]]
        self.number = 0

    def fields(self, seconds):
        """The members that differ from alert to alert."""
        self.number += 1
        identity = "da%018d_%d" % (self.number, self.random.randrange(-2 ** 31, 2 ** 31))
        stamp = stamp_of(seconds)
        return dict(self.head, id=identity, providerAlertId=identity, tenantId=self.tenant, createdDateTime=stamp,
                    lastUpdateDateTime=stamp, severity=self.random.choice(SEVERITIES), title=self.random.choice(TITLES),
                    alertWebUrl="https://security.microsoft.com/alerts/%s?tid=%s" % (identity, self.tenant))

    def alert(self, seconds):
        fields = self.fields(seconds)
        head = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)[:-1] + ',"evidence":['
        parts, length = [], len(head) + 2
        while length < self.size:
            one = self.random.choice(self.evidence)
            if parts and length + len(one) > self.size * 1.1:
                break
            parts.append(one)
            length += len(one) + 1
        return fields["title"], fields["severity"], head + ",".join(parts) + "]}"


class Backfill:
    """`count` alerts of one tenant as the pages that an ordered walk asks for: each begins at the last stamp of the one
    before, whose alert it shows again. `before` is how long ago the first one was, in seconds; they lie 0.1 s apart."""

    def __init__(self, directory, prefix, count, size, tenant, before, seed=1):
        self.count, self.bytes, self.largest = count, 0, 0
        self.pages = {}   # stamp that is asked for -> file; "" is the first page
        self.lines = os.path.join(directory, prefix + ".lines")
        self.plain_bytes = self.field_bytes = 0  # of the output, without and with severity and title in front
        os.makedirs(os.path.join(directory, "pages"), exist_ok=True)
        maker, begin = Maker(size, tenant, seed), int(time.time()) - before
        page, asked, number = [], "", 0
        with open(self.lines, "w", encoding="utf-8") as lines:
            for i in range(count):
                title, severity, text = maker.alert(begin + i * 0.1)
                lines.write(text + "\n")
                length = len(text.encode())
                self.bytes += length
                self.largest = max(self.largest, length)
                self.plain_bytes += length + 3
                self.field_bytes += length + 3 + len(title) + len(severity)
                page.append(text)
                if len(page) == PAGE or i + 1 == count:
                    name = "%s-%d" % (prefix, number)
                    with open(os.path.join(directory, "pages", name + ".json"), "w", encoding="utf-8") as file:
                        file.write('{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2","value":[%s]}' % ",".join(page))
                    self.pages[asked] = name
                    asked, number, page = stamp_of(begin + i * 0.1), number + 1, [text]
        if count % (PAGE - 1) == 1:
            raise ValueError("the last page would be full")


def incident_page(directory, name, size, count, tenant):
    """One page of `count` incidents of `size` bytes in all, as with their alerts. Returns the length of the largest object."""
    maker = Maker(5000, tenant, 7)
    begin, largest, incidents = int(time.time()) - 86400, 0, []
    for i in range(count):
        alerts, length = [], 0
        while length < size // count - 2500:
            text = maker.alert(begin)[2]
            alerts.append(text)
            length += len(text) + 1
        stamp = stamp_of(begin + i)
        head = {"id": str(1000 + i), "tenantId": tenant, "displayName": "Multi-stage incident %d" % i, "severity": "high",
                "status": "active", "createdDateTime": stamp, "lastUpdateDateTime": stamp,
                "incidentWebUrl": "https://security.microsoft.com/incidents/%d?tid=%s" % (1000 + i, tenant)}
        text = json.dumps(head, separators=(",", ":"))[:-1] + ',"alerts":[%s]}' % ",".join(alerts)
        incidents.append(text)
        largest = max(largest, len(text.encode()))
    with open(os.path.join(directory, "pages", name + ".json"), "w", encoding="utf-8") as file:
        file.write('{"value":[%s]}' % ",".join(incidents))
    return largest
