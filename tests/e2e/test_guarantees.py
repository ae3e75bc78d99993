# SPDX-License-Identifier: Apache-2.0
"""What docs/delivery-guarantees.md says of queues, of stopping, and of objects that the API cannot deliver."""
import json
import os
import socket
import time
import unittest

import proof
from receiver import Receiver
import support
from support import tenant_id, wait_until

QUEUE = """\
ruleset(name="defender" %(queue)s queue.timeoutEnqueue="60000" queue.timeoutShutdown="1") {
    if $msgid == "health" then stop
    action(type="omfwd" target="127.0.0.1" port="%(port)d" protocol="tcp" TCP_Framing="octet-counted" template="plain"
           action.resumeRetryCount="-1" action.resumeInterval="1")
}
"""
COUNT = 500


class Queues(proof.Case):
    """500 alerts, the output down, kill -9, then the output up."""

    more, last_look = "", None  # configuration; of the statistics
    tenants = 1

    @staticmethod
    def before_kill():
        """What else has to be so."""

    def deliveries(self):
        found = [json.loads(frame) for frame in self.receiver.received()]
        return [(f["tenantId"], f["id"], f["lastUpdateDateTime"]) for f in found if "id" in f]

    def lost_with(self, queue):
        self.receiver = Receiver(self)
        sim = self.start_sim(tenants=self.tenants)
        process = self.use(sim, self.daemon(sim, tenants=self.tenants, input={"maxInFlight": "450" if "filename" not in queue else "10000"},
                                            rulesets=self.more + QUEUE % {"queue": queue, "port": self.receiver.port}))
        process.start()
        self.make(new=COUNT, updates=0, tenants=self.tenants)
        process.wait_for_counters(lambda c: self.make_noise() or c["alerts.submitted"] >= 400, "submitted alerts")
        self.before_kill()
        time.sleep(2.5)  # what counts as acknowledged is committed
        self.kill(queued=bool(self.more))
        process.start()
        self.receiver.listen()
        sim.wait_for_polls(2)
        try:
            wait_until(lambda: len(self.arrived()) >= COUNT, "everything", 12)
        except AssertionError:
            pass  # counted below
        process.stop(limit=8)
        return COUNT - len(self.arrived() & self.visible())

    def keeps(self, name, queue):
        self.lost_with(queue)
        self.close_books("kill -9, queue: " + name)

    def test_memory_queue_with_a_direct_action(self):
        self.keeps("LinkedList, direct action, endless retry", 'queue.type="LinkedList" queue.size="20000"')

    def test_classic_disk_queue_that_writes_each_checkpoint(self):
        self.keeps("Disk, checkpointInterval 1", 'queue.type="Disk" queue.filename="q" queue.checkpointInterval="1"')

    def test_disk_assisted_queue_that_writes_each_checkpoint(self):
        self.keeps("LinkedList with a file, checkpointInterval 1",
                   'queue.type="LinkedList" queue.filename="q" queue.checkpointInterval="1" queue.size="20000"')

    def spills(self, queue):
        """A disk-assisted queue with most of the alerts on disk when rsyslogd is killed: how many are lost. rsyslog holds an
        input that can wait up at half of the high watermark, so it takes another one, which cannot, to make the queue spill."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
            place.bind(("127.0.0.1", 0))
            port = place.getsockname()[1]
        self.noise_port, self.tenants = port, 20  # the batches of a tenant are committed in order
        self.more = 'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="%d" ruleset="defender")\n' % port
        self.before_kill = lambda: wait_until(lambda: self.make_noise() or len(self.committed()) >= COUNT / 2, lambda: "alerts on disk; there are %d, %s" % (
            len(self.committed()), self.process.counters()))
        return self.lost_with('queue.type="LinkedList" queue.filename="q" queue.size="1000" queue.highWatermark="300" '
                              'queue.lowWatermark="10" queue.dequeueBatchSize="16" ' + queue)

    def make_noise(self):
        """Messages of the other input, whenever the alerts have filled their half: they push them to the disk."""
        lines = [line for line in support.read(self.process.stats).split("\n") if '"name": "defender",' in line and "core.queue" in line]
        if self.more and lines and lines[-1] != self.last_look:
            self.last_look = lines[-1]
            if 100 < json.loads(lines[-1][lines[-1].index("{"):])["size"] < 200:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
                    for _ in range(200):
                        noise.sendto(b'<13>Jan  1 00:00:00 host other: {"noise":1}', ("127.0.0.1", self.noise_port))
        return False

    def test_disk_assisted_queue_that_has_spilled_and_writes_each_checkpoint(self):
        self.spills('queue.checkpointInterval="1"')
        self.close_books("kill -9, queue: LinkedList with a file, spilled, checkpointInterval 1")

    def test_disk_assisted_queue_that_has_spilled_loses_at_its_default(self):
        """As the classic one."""
        lost = self.spills("")
        self.assertGreater(lost, 0, "alerts lost with a disk-assisted queue at its default")
        print("a disk-assisted queue at its default lost %d of %d" % (lost, COUNT))

    def test_classic_disk_queue_at_its_default_loses(self):
        """The documentation warns of it; should this ever fail, it can stop warning."""
        lost = self.lost_with('queue.type="Disk" queue.filename="q"')
        self.assertGreater(lost, 0, "alerts lost with a classic disk queue at its default")
        print("a classic disk queue at its default lost %d of %d" % (lost, COUNT))


class Poison(proof.Case):
    def reduced(self, sim, process, wanted):
        """The placeholder arrives, and everything else."""
        message = wait_until(lambda: [m for m in process.health(state="rejected") if m.fields["object"].get("id") == wanted],
                             lambda: "a placeholder for %s; the log ends: %s" % (wanted, process.log_text()[-600:]), 150)[0]
        bad = {key for key in self.visible() if key[1] == wanted}
        wait_until(lambda: not self.visible() - bad - self.arrived(), "everything else", 60)
        self.assertNotIn(wanted, {key[1] for key in self.arrived()})
        self.assertTrue(process.log_lines("does not deliver this object"))
        self.assertEqual(process.wait_for_health(1, "incomplete").fields["state"], "incomplete")
        return message

    def test_an_object_that_fails_each_page(self):
        sim = self.start_sim(scenario=[{"quirks": {"poison": '"id": "a00007"'}}])
        process = self.use(sim, self.daemon(sim)).start()
        self.make(new=12, updates=0)
        message = self.reduced(sim, process, "a00007")
        self.assertIn("HTTP 500", message.fields["reason"])
        self.make(new=5, updates=0)
        wait_until(lambda: len(self.arrived()) == 16, "what came later", 60)
        counters = process.wait_for_counters(lambda c: c["alerts.acknowledged"] == 16, "all acknowledged")
        parts = ("submitted", "duplicate", "filtered", "rejected")
        process.wait_for_counters(lambda c: c["alerts.fetched"] == sum(c["alerts." + part] for part in parts), "accounts that close")
        self.assertEqual(counters["alerts.rejected"], 1)
        process.stop(limit=6)

    def test_an_object_larger_than_any_answer_may_be(self):
        sim = self.start_sim()
        process = self.use(sim, self.daemon(sim, input={"maxResponseSize": "64k"})).start()
        self.make(new=6, updates=0)
        stamp = support.stamp(0)
        sim.add(json.dumps({"id": "huge", "tenantId": tenant_id(1), "severity": "high", "title": "x" * 90000, "status": "new",
                            "serviceSource": "microsoftDefenderForEndpoint", "createdDateTime": stamp, "lastUpdateDateTime": stamp}))
        self.make(new=6, updates=0)
        self.reduced(sim, process, "huge")
        process.stop(limit=6)


class Stop(proof.Case):
    def test_a_thousand_tenants_and_open_receipts(self):
        """rsyslogd grants an input 1000 ms; the queue, whose output is down, gets 1 ms here."""
        receiver = Receiver(self)
        sim = self.start_sim(tenants=1000, per_tenant=1, alert_size=1500)
        process = self.daemon(sim, tenants=1000, input={"pollInterval": "5", "parseJson": "off"},
                              rulesets=QUEUE % {"queue": 'queue.type="LinkedList" queue.size="20000" queue.timeoutActionCompletion="1"',
                                                "port": receiver.port})
        process.start()
        process.wait_for_counters(lambda c: c["inflight"] >= 1000, "1000 alerts with open receipts", seconds=90)
        took = process.stop(limit=3)
        self.assertFalse([line for line in process.log_text().split("\n") if "cancel" in line and "imdefender" in line],
                         "it had to be cancelled")
        print("stopped after %.2f s" % took)
        self.assertLess(took, float(os.environ.get("IMD_STOP_LIMIT", "1.8")), "seconds; 1 for the input, the rest for rsyslogd's output")
        self.assertEqual([feed["versions"] for feed in process.status().values() if feed["versions"]], [], "nothing was acknowledged")


if __name__ == "__main__":
    unittest.main()
