# SPDX-License-Identifier: Apache-2.0
"""The state file: one owner, a clear error when it is damaged or cannot be written, never a silent restart from zero."""
import os
import subprocess
import unittest

import harness
from harness import tenant_id, wait_until


class State(harness.Case):
    def test_a_second_rsyslogd_on_the_same_state_is_refused(self):
        sim = self.start_sim(per_tenant=2)
        first = self.start_daemon(sim)
        first.wait_for_alerts(2)
        second = self.start_daemon(sim, name="second", work=first.work)
        line = second.wait_for_log("imdefender", "in use")[0]
        self.assertIn(str(first.child.pid), line, "which process it is")
        self.assertIn("imdefender.db", line)
        sim.make(count=2)
        first.wait_for_alerts(4)
        sim.wait_for_polls(1)
        second.stop()
        first.stop()
        self.assertEqual(second.messages(), [], "messages of the second")
        self.assert_arrived_once(first.alerts(), sim)

    def test_the_state_is_free_again_after_a_kill(self):
        sim = self.start_sim(per_tenant=2)
        first = self.start_daemon(sim)
        first.wait_for_alerts(2)
        wait_until(lambda: first.status().get(tenant_id(1), {}).get("versions") == 2, "a commit")
        first.kill()
        second = self.start_daemon(sim, name="second", work=first.work)
        sim.make(count=1)
        second.wait_for_alerts(1)
        sim.wait_for_polls(1)
        second.stop()
        self.assertEqual(len(second.alerts()), 1)

    def damaged(self, damage):
        """What rsyslogd says about a state that `damage` was done to; nothing is polled, and the file stays as it is."""
        sim = self.start_sim(per_tenant=2)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(2)
        daemon.stop()
        damage(daemon.state)
        with open(daemon.state, "rb") as file:
            before = file.read()
        requests = len(sim.requests())
        daemon.start()
        line = daemon.wait_for_log("imdefender", "the module does not run")[0]
        self.assertIn("imdefender.db", line)
        daemon.stop()
        with open(daemon.state, "rb") as file:
            self.assertEqual(file.read(), before, "the file")
        self.assertEqual(len(sim.requests()), requests, "requests")
        self.assertEqual(len(daemon.alerts()), 2)
        return line

    def test_a_damaged_state_is_an_error_at_the_start(self):
        def overwrite(path):
            with open(path, "r+b") as file:
                file.write(b"this is no database at all" * 20)
        self.assertRegex(self.damaged(overwrite), "damaged|no state of imdefender")

    def test_a_state_damaged_in_the_middle_is_an_error_at_the_start(self):
        def overwrite(path):
            size = os.path.getsize(path)
            with open(path, "r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (size - 4096))
        self.assertRegex(self.damaged(overwrite), "damaged")

    def test_an_emptied_state_is_an_error_at_the_start(self):
        self.assertRegex(self.damaged(lambda path: os.truncate(path, 0)), "damaged|emptied")

    def test_a_truncated_state_is_an_error_at_the_start(self):
        self.assertRegex(self.damaged(lambda path: os.truncate(path, 5000)), "damaged")

    def test_a_state_that_is_a_directory_is_an_error_at_the_start(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.daemon(sim)
        os.mkdir(daemon.state)
        daemon.start()
        self.assertIn("not a regular file", daemon.wait_for_log("imdefender", "the module does not run")[0])
        daemon.stop()
        self.assertEqual(sim.requests(), [])

    def test_the_state_is_for_its_owner_only(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.start_daemon(sim)
        daemon.wait_for_alerts(1)
        daemon.stop()
        modes = {name: oct(os.stat(os.path.join(daemon.work, name)).st_mode & 0o777) for name in os.listdir(daemon.work)
                 if name.startswith("imdefender.db")}
        self.assertTrue(modes)
        self.assertEqual(set(modes.values()), {"0o600"}, modes)

    def test_the_place_of_the_state_can_be_chosen(self):
        sim = self.start_sim(per_tenant=1)
        daemon = self.start_daemon(sim, module={"stateFile": self.path("elsewhere.db")})
        daemon.wait_for_alerts(1)
        daemon.stop()
        self.assertTrue(os.path.exists(self.path("elsewhere.db")))
        self.assertFalse(os.path.exists(daemon.state))

    def test_imdefenderctl_shows_it_while_rsyslogd_runs(self):
        sim = self.start_sim(tenants=2, per_tenant=3, scenario=[{"tenant": tenant_id(2), "fault": "unlicensed"}])
        daemon = self.start_daemon(sim, tenants=2)
        daemon.wait_for_alerts(3)
        daemon.wait_for_health(2, "unlicensed")
        daemon.wait_for_health(1, "ok")
        wait_until(lambda: daemon.status().get(tenant_id(1), {}).get("state") and tenant_id(2) in daemon.status(), "a commit")
        status = daemon.status()
        self.assertEqual((status[tenant_id(1)]["state"], status[tenant_id(2)]["state"]), ("ok", "unlicensed"))
        self.assertIn("403", status[tenant_id(2)]["reason"])
        text = subprocess.run([os.path.join(harness.build_directory(), "tools", "imdefenderctl"), "status", "--state-file",
                               daemon.state], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertRegex(text, "alerts-in %s alerts +state=unlicensed" % tenant_id(2))
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
