# SPDX-License-Identifier: Apache-2.0
"""The output is down, or rsyslogd dies: nothing is lost, memory stays bounded, and only what was unacknowledged comes twice."""
import json
import unittest

import harness
from harness import tenant_id, version_of, wait_until
from receiver import Receiver

FORWARD = """\
ruleset(name="defender" queue.type="LinkedList" queue.size="20000" queue.timeoutEnqueue="60000"
        queue.timeoutShutdown="10") {
    if $msgid == "health" then stop
    action(type="omfwd" target="127.0.0.1" port="%d" protocol="tcp" TCP_Framing="octet-counted" template="plain"
           action.resumeRetryCount="-1" action.resumeInterval="1")
}
"""


def versions(receiver):
    return [(json.loads(frame)["tenantId"],) + version_of(frame) for frame in receiver.received()]


class OutputDown(harness.Case):
    def down(self, sim, receiver, **options):
        """A daemon whose only output is down, with everything it may fetch submitted and nothing acknowledged."""
        daemon = self.start_daemon(sim, rulesets=FORWARD % receiver.port, **options)
        daemon.wait_for_counters(lambda c: c["alerts.submitted"] > 0, "submitted alerts")
        return daemon

    def test_nothing_is_committed_before_the_output_has_it(self):
        receiver = Receiver(self)
        sim = self.start_sim(tenants=2, per_tenant=50)
        daemon = self.down(sim, receiver, tenants=2)
        counters = daemon.wait_for_counters(lambda c: c["alerts.submitted"] == 100, "100 submitted alerts")
        sim.wait_for_polls(2)
        counters = daemon.counters()
        self.assertEqual((counters["alerts.acknowledged"], counters["inflight"]), (0, 100))
        self.assertEqual([feed["versions"] for feed in daemon.status().values()], [0] * len(daemon.status()))
        daemon.stop(limit=4)  # also the output's own second, and the queue's
        daemon.start()
        daemon.wait_for_counters(lambda c: c["alerts.submitted"] == 100, "all alerts submitted anew after the restart")
        receiver.listen()
        wait_until(lambda: len(set(versions(receiver))) == 100, lambda: "100 alerts; there are %d" % len(set(versions(receiver))))
        daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 100 and c["inflight"] == 0, "all acknowledged")
        sim.wait_for_polls(2)
        daemon.stop()
        came = versions(receiver)
        self.assertEqual(len(came), len(set(came)), "nothing twice: the first rsyslogd had delivered nothing")
        self.assertEqual([feed["versions"] for feed in daemon.status().values()], [50, 50])

    def test_what_is_in_flight_is_bounded(self):
        """maxInFlight holds polls back; when the output is back, the rest comes."""
        receiver = Receiver(self)
        sim = self.start_sim(tenants=3, per_tenant=400)
        daemon = self.down(sim, receiver, tenants=3, input={"maxInFlight": "150", "pageSize": "20"})
        daemon.wait_for_counters(lambda c: c["inflight"] >= 130, "the bound is reached")
        before = len(sim.requests())
        highest = daemon.counters()["inflight"]
        wait_until(lambda: daemon.counters()["success.age.seconds"] >= 3 or daemon.counters()["polls"] > 3,
                   "a while in which nothing is asked for", 60)
        highest = max(highest, daemon.counters()["inflight"])
        self.assertLessEqual(highest, 150 + 3 * 20, "in flight: the bound, and a page of each tenant that was under way")
        self.assertLess(len(sim.requests()), before + 20)
        receiver.listen()
        wait_until(lambda: len(set(versions(receiver))) == 1200,
                   lambda: "1200 alerts; there are %d" % len(set(versions(receiver))), 60)
        daemon.stop()
        self.assertEqual(len(versions(receiver)), 1200, "nothing twice")

    def test_kill_with_unacknowledged_alerts_loses_nothing(self):
        """What the output has is not sent again; what it has not comes after the restart."""
        receiver = Receiver(self).listen()
        sim = self.start_sim(tenants=2, per_tenant=30)
        daemon = self.down(sim, receiver, tenants=2)
        daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 60, "all acknowledged")
        wait_until(lambda: sum(feed["versions"] for feed in daemon.status().values()) == 60, "all committed")
        daemon.kill()
        receiver.close()

        second = Receiver(self)
        daemon.reconfigure('port="%d"' % receiver.port, 'port="%d"' % second.port)
        sim.make(count=25)
        daemon.start()
        daemon.wait_for_counters(lambda c: c["inflight"] == 50, "50 alerts in flight")
        daemon.kill()
        second.listen()
        daemon.start()
        wait_until(lambda: len(set(versions(second))) >= 50, lambda: "50 alerts; there are %d" % len(set(versions(second))))
        sim.wait_for_polls(2)
        daemon.stop()
        self.assertEqual(len(versions(second)), 50, "only what was unacknowledged came again")
        self.assertEqual(len(set(versions(receiver)) | set(versions(second))), 110)

    def test_kill_again_and_again(self):
        """At any moment of a busy delivery: every version arrives; twice is allowed here."""
        sim = self.start_sim(tenants=3, per_tenant=150, rate=30, update_share=40)
        daemon = self.start_daemon(sim, tenants=3, input={"pageSize": "20"})
        for part in range(1, 6):
            daemon.wait_for_alerts(part * 70)
            daemon.kill()
            self.repair(daemon)
            daemon.start()
        daemon.wait_for_alerts(500)
        due = {harness.v_key(v) for v in sim.truth()}

        def missing():
            """A version that was replaced before the restart cannot be asked for any more."""
            newest = {harness.v_key(v) for v in sim.truth() if v["replacedAt"] is None}
            return (due & newest) - {(m.metadata["tenantId"],) + version_of(m.text) for m in daemon.alerts()}
        wait_until(lambda: not missing(), lambda: "all %d versions; missing are %s" % (len(due), missing()))
        daemon.stop()
        self.assert_bytes_unchanged(daemon.alerts(), sim)

    def repair(self, daemon):
        """A kill may have cut the last line of the file that omfile was writing; it does not count as delivered."""
        text = harness.read(daemon.records)
        self.write(daemon.name + ".records", text[:text.rfind("\n") + 1])

    def test_stopping_with_open_receipts_is_in_time(self):
        """rsyslogd destroys what its queue holds; that proves nothing, and everything comes after the next start."""
        receiver = Receiver(self)
        sim = self.start_sim(per_tenant=500)
        daemon = self.down(sim, receiver, input={"maxInFlight": "300"})
        daemon.wait_for_counters(lambda c: c["inflight"] >= 300, "the bound is reached")
        took = daemon.stop(limit=4)
        self.assertLess(took, 4)
        self.assertEqual(daemon.status().get(tenant_id(1), {}).get("versions", 0), 0)
        receiver.listen()
        daemon.start()
        wait_until(lambda: len(set(versions(receiver))) == 500,
                   lambda: "500 alerts; there are %d" % len(set(versions(receiver))), 60)
        daemon.stop()

    def test_stopping_in_the_middle_of_answers_is_in_time(self):
        """Requests that hang or trickle do not hold rsyslogd up."""
        sim = self.start_sim(tenants=20, per_tenant=20, scenario=[
            {"tenant": [tenant_id(i) for i in range(1, 8)], "fault": "hang"},
            {"tenant": [tenant_id(i) for i in range(8, 12)], "fault": "slow", "bytes": 100},
            {"tenant": [tenant_id(i) for i in range(12, 15)], "fault": "hang", "at": "token"}])
        daemon = self.start_daemon(sim, tenants=20)
        daemon.wait_for_alerts(20 * 6)
        daemon.stop()
        self.assertFalse([line for line in daemon.log_text().split("\n") if "cancel" in line.lower()])

    def test_a_full_queue_holds_polls_back_and_loses_nothing(self):
        """The queue is smaller than maxInFlight, and its output slow to come up. (With 1 MiB on the way to the queue,
        which is 200 alerts, answers would be held up too, and the poll that is waited for here would not end.)"""
        receiver = Receiver(self)
        sim = self.start_sim(per_tenant=150)
        daemon = self.start_daemon(sim, rulesets=(FORWARD % receiver.port).replace('"20000"', '"100"'))
        daemon.wait_for_counters(lambda c: c["alerts.fetched"] >= 150, "all fetched, of which the queue holds a part")
        sim.wait_for_polls(1)
        receiver.listen()
        wait_until(lambda: len(set(versions(receiver))) == 150,
                   lambda: "150 alerts; there are %d" % len(set(versions(receiver))), 60)
        daemon.wait_for_counters(lambda c: c["alerts.acknowledged"] == 150, "all acknowledged")
        daemon.stop()
        self.assertEqual(len(versions(receiver)), 150, "nothing twice")


if __name__ == "__main__":
    unittest.main()
