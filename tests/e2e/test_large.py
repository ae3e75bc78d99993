# SPDX-License-Identifier: Apache-2.0
"""Large alerts arrive whole, in a file and through TCP."""
import unittest

import harness
from harness import wait_until, without_space
from receiver import Receiver
from simulator import digest

FORWARD = 'action(type="omfwd" target="127.0.0.1" port="%d" protocol="tcp" TCP_Framing="octet-counted" template="%s")'


class Large(harness.Case):
    def test_33_kilobytes_and_a_megabyte_arrive_whole_in_a_file_and_through_tcp(self):
        """As they are, and as RFC 5424 messages."""
        plain, framed = Receiver(self).listen(), Receiver(self).listen()
        sim = self.start_sim(per_tenant=2, large=3, huge=2)
        daemon = self.start_daemon(sim, actions='if $msgid != "health" then {\n%s\n%s\naction(type="omfile" file="%s" template="plain")\n}' % (
            FORWARD % (plain.port, "plain"), FORWARD % (framed.port, "RSYSLOG_SyslogProtocol23Format"), self.path("plain")))
        daemon.wait_for_alerts(7)
        wait_until(lambda: len(plain.received()) >= 7 and len(framed.received()) >= 7,
                   lambda: "7 frames at each receiver; there are %d and %d" % (len(plain.received()), len(framed.received())))
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)
        expected = sorted(v["length"] for v in harness.read_lines(sim.truth_file))
        self.assertGreater(expected[-1], 1000000)
        self.assertGreater(expected[-5], 33000)
        self.assertEqual(sorted(len(m.text.encode()) for m in daemon.alerts()), expected)
        digests = sorted(sim.digests().values())
        self.assertEqual(sorted(digest(line) for line in harness.read(self.path("plain")).split("\n")[:-1]), digests)
        self.assertEqual(sorted(digest(frame.rstrip("\n")) for frame in plain.received()), digests)
        self.assertEqual(sorted(digest(frame[frame.index("]") + 1:].strip()) for frame in framed.received()), digests)
        self.assertEqual({m.rawmsg == m.text for m in daemon.alerts()}, {True})

    def test_an_output_that_would_cut_alerts_is_warned_of_at_the_start(self):
        """omfwd cuts at maxMessageSize, of which rsyslog's default is 8 KiB."""
        receiver = Receiver(self).listen()
        daemon = self.start_daemon(self.start_sim(), max_message_size="8k", actions=FORWARD % (receiver.port, "plain"))
        self.assertRegex(daemon.wait_for_log("imdefender", "maxMessageSize")[0], "8192 bytes.*omfwd")
        daemon.stop()

    def test_a_file_needs_no_larger_max_message_size(self):
        sim = self.start_sim(large=2, huge=1)
        daemon = self.start_daemon(sim, max_message_size="8k")
        daemon.wait_for_alerts(3)
        daemon.stop()
        self.assert_arrived_once(daemon.alerts(), sim)
        self.assertFalse(daemon.log_lines("maxMessageSize"), "a warning without need")

    def test_an_alert_that_arrives_compressed_and_pretty_printed_keeps_its_strings(self):
        text = '{\r\n  "id" : "a-1",\n\t"tenantId": "%s",\n "title": "two  spaces,\\ttab \\u00e9 \\/ \u200b",\n' \
               ' "createdDateTime": "2026-01-01T00:00:00Z", "lastUpdateDateTime": "%s", "n": 1.50, "big": 12345678901234567890,' \
               ' "id2":null , "e":[ 1 , { } ]\n}' % (harness.tenant_id(1), harness.stamp(-60))
        sim = self.start_sim()
        daemon = self.start_daemon(sim)
        sim.add(text)
        message = daemon.wait_for_alerts(1)[0]
        daemon.stop()
        self.assertEqual(without_space(message.text), without_space(text))
        self.assertNotIn("\n", message.text, "one alert is one line")


if __name__ == "__main__":
    unittest.main()
