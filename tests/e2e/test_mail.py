# SPDX-License-Identifier: Apache-2.0
"""contrib/mail.conf as it is, in front of a real SMTP server (aiosmtpd, which refuses lines and headers that are no mail)."""
import os
import re
import unittest

import harness
import mailbox
from harness import stamp, tenant_id, wait_until
from support import ROOT, read
from test_sources import text_of


@unittest.skipUnless(mailbox.interpreter(), "aiosmtpd is not there (Debian package python3-aiosmtpd)")
class Mail(harness.Case):
    def start(self, port, digest="2", labels=("contoso", "fabrikam", None)):
        """The daemon with the ruleset of contrib/: only places and the digest's interval are others."""
        text = read(os.path.join(ROOT, "contrib", "mail.conf"))
        text = re.sub(r"^(module\(load=\"imdefender\"|input\().*\n", "", text, flags=re.M)
        text = text.replace('port="25"', 'port="%d"' % port).replace('interval="900"', 'interval="%s"' % digest)
        text = text.replace("/var/log/imdefender.json", self.path("alerts"))
        text = text.replace('action.resumeInterval="10"', 'action.resumeInterval="1"')
        self.assertNotIn("/var/", text)
        self.sim = self.start_sim(tenants=3)
        self.instance = self.daemon(self.sim, rulesets=text, inputs=None, tenants=[
            dict({"tenantId": tenant_id(i), "tenantName": "Customer-%d" % i, "sources": ["alerts", "incidents"]},
                 **({"labels": {"mail": label}} if label else {})) for i, label in enumerate(labels, 1)])
        self.assertEqual(self.instance.check()[0], 0)
        self.instance.start()

    def alert(self, number, tenant, severity="high", **more):
        values = {"id": "alert-%d" % number, "tenantId": tenant_id(tenant), "severity": severity, "status": "new",
                  "title": "Title %d" % number, "incidentId": "4711", "createdDateTime": stamp(-120),
                  "lastUpdateDateTime": stamp(-100 + number)}
        self.sim.add(text_of(**dict(values, **more)))

    def written(self):
        return read(self.path("alerts")).count("\n")

    def test_each_new_alert_of_a_customer_is_a_mail_to_that_customers_recipients(self):
        box = mailbox.Mailbox(self)
        self.start(box.port)
        self.alert(1, 1, title="Zugriff durch „jemand“\r\nBcc: all@evil.example\r\n\r\n.\r\nQUIT")
        self.alert(2, 1, severity="low")
        self.alert(3, 3, title="of a customer without the label")
        wait_until(lambda: self.written() >= 3, "all alerts in the file")
        (recipients, mail), = box.wait(1)
        self.assertEqual(sorted(recipients), ["duty@mssp.example", "soc@contoso.example"])
        self.assertEqual(mail["Subject"], "[high] Microsoft Defender, Customer-1: new alert")
        self.assertIsNone(mail["Bcc"], "a title cannot add headers")
        body = mail.get_content().replace("\r\n", "\n")
        self.assertTrue(body.startswith("Zugriff durch „jemand“  Bcc: all@evil.example"), body)
        self.assertIn("Portal:       https://security.microsoft.com/alerts/alert-1?tid=%s\n" % tenant_id(1), body)
        self.assertIn("Incident:     4711\n", body)
        self.alert(1, 1, status="resolved", lastUpdateDateTime=stamp(-2))
        self.sim.control(addIncidents=[{"id": "4711", "tenantId": tenant_id(1), "displayName": "An incident",
                                        "severity": "medium", "status": "active", "createdDateTime": stamp(-100),
                                        "lastUpdateDateTime": stamp(-1)}])
        wait_until(lambda: self.written() >= 5, "the update and the incident in the file")
        _, mail = box.wait(2)[1]
        self.assertEqual(mail["Subject"], "[medium] Microsoft Defender, Customer-1: new incident")
        self.assertTrue(mail.get_content().startswith("An incident"))
        self.sim.wait_for_polls(1, tenant_id(1))
        self.instance.stop()
        self.assertEqual(len(box.mails()), 2, "neither low alerts nor updates are mailed")

    def test_a_digest_collects_what_came_in_an_interval(self):
        box = mailbox.Mailbox(self)
        self.start(box.port, digest="3")
        for number in range(1, 6):
            self.alert(number, 2, severity="medium", title="Title %d %s" % (number, "ü" * 3000))
        wait_until(lambda: self.written() >= 5, "all alerts in the file")
        box.wait(1)
        self.alert(9, 2)
        wait_until(lambda: "alert-9" in "".join(m.get_content() for _, m in box.mails()), "the next digest")
        self.instance.stop()
        self.assertEqual({tuple(to) for to, _ in box.mails()}, {("soc@fabrikam.example",)})
        self.assertLessEqual(len(box.mails()), 3, "not a mail for each alert")
        text = "".join(m.get_content() for _, m in box.mails())
        self.assertEqual(re.findall(r"alerts/(alert-\d)\?tid=%s" % tenant_id(2), text),
                         ["alert-%d" % i for i in (1, 2, 3, 4, 5, 9)], "each once, in order")

    def test_alerts_do_not_wait_for_a_mail_server_that_is_down(self):
        box = mailbox.Mailbox(self)
        port = box.port
        box.destroy()
        self.start(port)
        for number in range(1, 4):
            self.alert(number, 1)
        wait_until(lambda: self.written() >= 3, "all alerts in the file")
        self.instance.wait_for_counters(lambda c: c["inflight"] == 0 and c["alerts.acknowledged"] == 3,
                                        "all acknowledged: the mails are on disk")
        self.instance.stop(limit=8)


if __name__ == "__main__":
    unittest.main()
