# SPDX-License-Identifier: Apache-2.0
"""What fails around rsyslogd while alerts flow: the network, the API's answers, the disk of the state, the clock, the output.
No version is lost, and twice comes only what was unacknowledged when rsyslogd died. The module is the unmodified one."""
import collections
import glob
import json
import os
import subprocess
import time
import unittest

import proof
from proxy import Proxy
from receiver import Receiver
from simulator import moment
import support
from support import tenant_id, version_of, wait_until

ROUNDS = int(os.environ.get("IMD_PROOF_ROUNDS", "1"))
QUICK = {"pageSize": "10", "requestTimeout": "2", "connectTimeout": "2"}


def faketime(case):
    """The library that lies to a daemon about the time."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + glob.glob("/usr/lib/faketime/libfaketimeMT.so.1")
    if not library:
        case.skipTest("libfaketime is missing (Debian package faketime); the model has such times as well")
    return library[0]


class Network(proof.Case):
    def through_proxy(self):
        sim = self.start_sim(tenants=2, tls=False)
        proxy = Proxy(self, int(sim.url.rsplit(":", 1)[1]))
        process = self.daemon(sim, tenants=2, input=dict(QUICK, loginUrl=proxy.url, apiUrl=proxy.url))
        return self.use(sim, process), proxy

    def runs(self, fault, disturb, heal):
        process, proxy = self.through_proxy()
        process.start()
        for _ in range(3 * ROUNDS):
            self.make(new=60, updates=20, tenants=2)
            time.sleep(self.random.uniform(0, 1.2))
            disturb(proxy)
            time.sleep(self.random.uniform(0.5, 2))
            heal(proxy)
            self.faults += 1
            process.hup()  # what failed is tried again at once, not after its back-off
            self.wait_for_everything()
        self.settle()
        self.close_books(fault)

    def set_mode(self, mode, size=0):
        def change(proxy):
            proxy.bytes = size
            proxy.mode = mode
        return change

    def test_connections_fall_silent(self):
        """As when packets are dropped; test_partition has that too, where it is root."""
        self.runs("connections fall silent", self.set_mode("silent"), self.set_mode("pass"))

    def test_connections_are_reset(self):
        self.runs("connections reset", self.set_mode("reset"), self.set_mode("pass"))

    def test_reset_in_the_middle_of_a_body(self):
        self.runs("reset in the middle of a body", self.set_mode("cut", 2500), self.set_mode("pass"))


class Answers(proof.Case):
    def under(self, fault, rules):
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        process.start()
        for _ in range(2 * ROUNDS):
            sim.rules(*rules)
            self.make(new=50, updates=20, tenants=2)
            time.sleep(2.5)
            sim.rules()
            self.faults += 1
            process.hup()
            self.wait_for_everything()
        self.settle()
        self.close_books(fault)

    def test_slow_loris(self):
        self.under("slow-loris body", [{"fault": "slow", "bytes": 300}])

    def test_truncated_and_reset_bodies(self):
        self.under("bodies truncated or reset", [{"fault": "truncated", "percent": 40}, {"fault": "reset", "percent": 40}])

    def test_errors(self):
        self.under("HTTP 429, 500, 503, 401", [
            {"fault": "throttled", "percent": 25, "retryAfter": 1}, {"fault": "status", "percent": 25},
            {"fault": "status", "status": 503, "percent": 25}, {"fault": "expired-token", "percent": 25}])

    def test_retry_after_of_every_kind(self):
        self.under("Retry-After absent, a date, unreadable", [
            {"tenant": tenant_id(1), "fault": "throttled", "times": 1, "retryAfter": "date:1"},
            {"tenant": tenant_id(1), "fault": "throttled", "times": 1},
            {"tenant": tenant_id(2), "fault": "throttled", "times": 1, "retryAfter": "soon"}])

    def test_retry_after_that_is_absurd(self):
        """A wait is bounded by a quarter of an hour, whatever the API says, and what says nothing is not obeyed. Time runs sixty
        times as fast."""
        library, speed, longest = faketime(self), 60, 900
        waits = {"99999999999999999999999": longest, "date:90000000": longest, "-5": 0, "soon, perhaps": 0, "date:-90000": 0, "0": 0,
                 "1e9": 0, "": 0}
        sim = self.start_sim(tenants=len(waits))
        process = self.use(sim, self.daemon(sim, tenants=len(waits), input={"pollInterval": "60", "requestTimeout": "300"}))
        sim.rules(*[{"tenant": tenant_id(i), "at": "api", "fault": "throttled", "times": 1, "retryAfter": text}
                    for i, text in enumerate(waits, 1)])
        process.environment = {"LD_PRELOAD": library, "FAKETIME": "+0 x%d" % speed}
        self.make(new=80, tenants=len(waits))
        process.start()
        self.wait_for_everything()
        self.faults += len(waits)
        for number, (text, least) in enumerate(waits.items(), 1):
            with self.subTest(retry_after=text):
                first, second = [moment(request) for request in sim.requests(number, "/security/alerts_v2")[:2]]
                took = (second - first) * speed
                self.assertGreater(took, least * 0.95)
                self.assertLess(took, least * 1.05 + 3 * speed, "seconds; a loaded machine may lose three, times %d" % speed)
        self.settle()
        self.close_books("Retry-After absurd")

    def test_partial_answers(self):
        self.under("HTTP 206", [{"quirks": {"partial": True}}])


class State(proof.Case):
    """The state lies in a file system of its own that is filled up or made read-only."""

    def on_tmpfs(self):
        self.mount = self.path("state")
        os.makedirs(self.mount)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.mount],
                                               stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("a file system of its own for the state needs root; tests/unit/test_store_faults has the same fault")
        self.processes.append(Mounted(self.mount))
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK, work=self.mount))
        process.start()
        self.make(new=40, tenants=2)
        self.wait_for_everything()
        return process

    def outage(self, fault, begin, end):
        process = self.on_tmpfs()
        for turn in range(2 * ROUNDS):
            begin()
            self.make(new=600, updates=40, tenants=2)
            process.wait_for_log("nothing is lost")  # the checkpoint thread has met it
            self.wait_for_everything()               # alerts flow on
            if turn % 2:
                self.kill()
                end()
                process.start()
            else:
                end()
                self.faults += 1
            self.wait_for_everything()
        self.settle()
        self.close_books(fault)

    def fill(self):
        with open(os.path.join(self.mount, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def test_disk_full(self):
        self.outage("disk of the state full", self.fill, lambda: os.remove(os.path.join(self.mount, "filler")))

    def test_read_only(self):
        """As after an error of the device, when the kernel lets nothing be written any more."""
        process = self.on_tmpfs()
        process.stop(limit=6)
        self.remount("ro")
        process.start()
        process.wait_for_log("imdefender", "state")
        self.assertFalse(process.messages()[len(self.deliveries()) + 20:])
        self.make(new=20, tenants=2)
        process.kill()
        self.remount("rw")
        self.faults += 1
        process.start()
        self.settle()
        self.close_books("state read-only at the start")

    def remount(self, how):
        subprocess.run(["mount", "-o", "remount," + how, self.mount], check=True)

    def test_read_only_under_way(self):
        """After an error of the device the kernel lets nothing be written any more, files that are open included. Only a
        repaired file system, and so a restart, brings the state back."""
        self.mount, image = self.path("state"), self.path("image")
        os.makedirs(self.mount)
        with open(image, "wb") as file:
            file.truncate(32 << 20)
        words = ["mount", "-o", "loop,errors=remount-ro", image, self.mount]
        if os.geteuid() != 0 or subprocess.run(["mkfs.ext4", "-q", image], check=False).returncode != 0 or \
                subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("a file system in a file needs root, loop devices and ext4; the next test preloads its errors")
        self.processes.append(Mounted(self.mount))
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK, work=self.mount)).start()
        self.make(new=60, tenants=2)
        self.wait_for_everything()
        for _ in range(2 * ROUNDS):
            told = len(process.log_lines("nothing is lost"))
            self.make(new=300, updates=40, tenants=2)
            time.sleep(self.random.uniform(0, 1))  # into the alerts, and their commits
            device = subprocess.run(["findmnt", "-no", "SOURCE", self.mount], stdout=subprocess.PIPE, check=True).stdout.decode()
            with open("/sys/fs/ext4/%s/trigger_fs_error" % os.path.basename(device.strip()), "w", encoding="ascii") as file:
                file.write("1")
            self.make(new=60, updates=20, tenants=2)
            self.wait_for_everything()  # alerts flow on
            wait_until(lambda: len(process.log_lines("nothing is lost")) > told, "a log line")  # pylint: disable=cell-var-from-loop
            sim.wait_for_polls(2)
            self.assertEqual(len(process.log_lines("nothing is lost")), told + 1, "one line, whatever the number of tenants")
            self.assertTrue(process.running, "rsyslogd goes on")
            process.kill()
            subprocess.run(["umount", self.mount], check=True)
            subprocess.run(["e2fsck", "-p", image], stdout=subprocess.DEVNULL, check=False)
            subprocess.run(words, check=True)
            self.note_fault()
            process.start()
            self.wait_for_everything()
        self.settle()
        self.close_books("state becomes read-only (ext4 after an error)")

    def test_read_only_for_a_while(self):
        """It becomes writable again: the daemon goes on by itself, and what waited is written."""
        library, flag = self.path("readonly.so"), self.path("flag")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(support.HERE, "readonly.c"), "-ldl"], check=True)
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        spawn = process.spawn
        process.spawn = lambda words, environment=None: spawn(words, dict(environment or {}, LD_PRELOAD=library,
                                                                         READONLY_DIRECTORY=process.work, READONLY_FLAG=flag))
        process.start()
        self.make(new=60, tenants=2)
        self.wait_for_everything()
        for turn in range(2 * ROUNDS):
            told = len(process.log_lines("nothing is lost"))
            self.make(new=80, updates=20, tenants=2)
            time.sleep(self.random.uniform(0, 1))
            self.write("flag", "")
            self.make(new=40, updates=10, tenants=2)
            self.wait_for_everything()
            wait_until(lambda: len(process.log_lines("nothing is lost")) > told, "a log line")  # pylint: disable=cell-var-from-loop
            sim.wait_for_polls(1)
            self.assertEqual(len(process.log_lines("nothing is lost")), told + 1, "one line, whatever the number of tenants")
            self.assertLess(len(self.committed()), len(self.arrived()), "nothing can be committed")
            os.remove(flag)
            self.faults += 1
            wait_until(lambda: len(self.committed()) >= len(self.arrived()), "commits go on, without a restart", 60)
            wait_until(lambda: len(process.log_lines("are written again")) > turn, "a log line")  # pylint: disable=cell-var-from-loop
            if turn == 0:
                self.kill()
                process.start()
        self.settle()
        self.assertEqual(len(process.log_lines("nothing is lost")), 2 * ROUNDS)
        self.close_books("state read-only for a while")

    def test_damaged(self):
        """A damaged state is an error, never a silent start from zero; with the copy put back everything goes on."""
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        process.start()
        self.make(new=40, tenants=2)
        self.wait_for_everything()
        process.stop(limit=6)
        with open(process.state, "rb") as file:
            good = file.read()
        for where in [0, 30, len(good) // 2][:3 * ROUNDS]:
            with open(process.state, "r+b") as file:
                file.seek(where)
                file.write(os.urandom(600))
            before, seen = len(self.deliveries()), len(process.log_lines("imdefender", "state"))
            self.make(new=10, updates=5, tenants=2)
            process.start()
            wait_until(lambda: len(process.log_lines("imdefender")) > seen or len(self.deliveries()) > before,
                       lambda: "a word about the state; the log ends: %s" % process.log_text()[-600:])
            time.sleep(1.5)
            self.assertEqual(len(self.deliveries()), before, "nothing is polled with a damaged state: it would start from zero")
            process.kill()
            for end in ("", "-wal", "-shm"):
                if os.path.exists(process.state + end):
                    os.remove(process.state + end)
            with open(process.state, "wb") as file:
                file.write(good)
            os.chmod(process.state, 0o600)
            process.start()
            self.wait_for_everything()
            process.stop(limit=6)
            with open(process.state, "rb") as file:
                good = file.read()
            self.faults += 1
        process.start()
        self.settle()
        self.close_books("state file damaged, copy put back")

    def test_two_rsyslogd_on_one_state(self):
        sim = self.start_sim(tenants=2)
        first = self.use(sim, self.daemon(sim, tenants=2, input=QUICK)).start()
        self.make(new=40, tenants=2)
        self.wait_for_everything()
        for _ in range(2 * ROUNDS):
            second = self.daemon(sim, name="second-%d" % self.faults, tenants=2, input=QUICK, work=first.work)
            second.start()
            second.wait_for_log("imdefender", "state")
            self.make(new=20, updates=10, tenants=2)
            self.wait_for_everything()
            self.assertEqual(second.alerts(), [], "the second polls nothing")
            second.stop(limit=6)
            self.faults += 1
        self.settle()
        self.close_books("two rsyslogd on one state")


class Mounted:
    def __init__(self, path):
        self.path = path

    def destroy(self):
        subprocess.run(["umount", "-l", self.path], check=False)


class Clock(proof.Case):
    """Of this machine, by libfaketime; and the API's, by defender-sim."""

    def test_clock_here_jumps(self):
        library = faketime(self)
        sim = self.start_sim(tenants=2, tls=False)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        offset = self.write("offset", "+0s\n")
        spawn = process.spawn
        process.spawn = lambda words, environment=None: spawn(words, dict(environment or {}, LD_PRELOAD=library,
            FAKETIME_TIMESTAMP_FILE=offset, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1"))
        process.start()
        for jump in ["+3d", "-3d", "+0s", "-400d", "+40d", "-2h"][:6 * ROUNDS]:
            self.make(new=20, updates=10, tenants=2)
            with open(offset, "w", encoding="ascii") as file:  # in place: it is read while it is written at worst
                file.write(jump + "\n")
            self.faults += 1
            self.wait_for_everything()
            if jump in ("-3d", "+40d"):
                self.kill()
                process.start()
        self.settle()
        self.close_books("clock of this machine jumps")

    def test_clock_of_the_api_jumps(self):
        """A step forward by 3 min (within `overlap`), back, and further back: new stamps lie in what was already walked."""
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK)).start()
        for shift in (180, -120, 600, 0):
            sim.control(clockShift=shift)
            self.clock_shift = shift
            self.make(new=30, updates=10, tenants=2)
            self.faults += 1
            self.wait_for_everything()
        self.settle()
        self.close_books("clock of the API jumps")


class Life(proof.Case):
    def test_hup_again_and_again(self):
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK)).start()
        for _ in range(15 * ROUNDS):
            self.make(new=6, updates=3, tenants=2)
            process.hup()
            self.faults += 1
            time.sleep(self.random.uniform(0, 0.3))
        self.settle()
        self.close_books("HUP")

    def test_kill_at_random_moments(self):
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        for _ in range(6 * ROUNDS):
            self.make(new=80, updates=30, tenants=2)
            process.start()
            time.sleep(self.random.uniform(0, 1.5))
            self.kill()
        process.start()
        self.settle()
        self.close_books("kill -9 at random moments")

    def test_stop_and_start_at_random_moments(self):
        sim = self.start_sim(tenants=2)
        process = self.use(sim, self.daemon(sim, tenants=2, input=QUICK))
        for _ in range(5 * ROUNDS):
            self.make(new=80, updates=30, tenants=2)
            process.start()
            time.sleep(self.random.uniform(0, 1.5))
            process.stop(limit=6)
            self.note_fault()
        process.start()
        self.settle()
        self.close_books("SIGTERM at random moments")


QUEUE = """\
ruleset(name="defender" %(queue)s queue.timeoutEnqueue="60000" queue.timeoutShutdown="10") {
    action(type="omfwd" target="127.0.0.1" port="%(port)d" protocol="tcp" TCP_Framing="octet-counted" template="plain"
           action.resumeRetryCount="-1" action.resumeInterval="1")
}
"""


class Output(proof.Case):
    """The output is down for longer than its queue holds; what arrives is what a receiver gets once it is up."""

    old, earlier = [], set()  # receivers of before, and what arrived there

    def deliveries(self):
        found = [json.loads(frame) for receiver in self.old + [self.receiver] for frame in receiver.received()]
        return [(f["tenantId"], f["id"], f["lastUpdateDateTime"]) for f in found if "id" in f]

    def with_queue(self, queue, **more):
        self.receiver = Receiver(self)
        sim = self.start_sim(tenants=2)
        return self.use(sim, self.daemon(sim, tenants=2, input=dict(QUICK, **more),
                                         rulesets=QUEUE % {"queue": queue, "port": self.receiver.port}))

    def test_output_down_for_longer_than_the_queue_holds(self):
        process = self.with_queue('queue.type="LinkedList" queue.size="100"', maxInFlight="300").start()
        self.make(new=1500, updates=0, tenants=2)
        process.wait_for_counters(lambda c: c["inflight"] >= 80, "a full queue")
        time.sleep(2)
        self.kill()
        process.start()
        process.wait_for_counters(lambda c: c["inflight"] >= 80, "a full queue again")
        self.receiver.listen()
        self.settle()
        self.close_books("output down for longer than the queue holds", runs=1)

    def test_restart_with_save_on_shutdown(self):
        """A disk-assisted queue that is saved at the stop, while the output is down. What was acknowledged by then never comes
        again, what was not as often as there were such stops, and once more."""
        process = self.with_queue('queue.type="LinkedList" queue.size="5000" queue.filename="da" queue.saveOnShutdown="on" '
                                  'queue.checkpointInterval="1"').start()
        stops = collections.Counter()
        for turn in range(2):
            for _ in range(1 if turn == 0 else 2 * ROUNDS):  # stops while the output is down
                self.make(new=50, updates=15 * turn, tenants=2)
                wanted = len(self.visible()) - len(self.earlier)
                process.wait_for_counters(lambda c: c["alerts.submitted"] >= wanted, "submitted alerts")  # pylint: disable=cell-var-from-loop
                process.stop(limit=8)
                os.remove(process.stats)
                before = set(self.allowed)
                self.note_fault(queued=True)  # saved, and not acknowledged to the module
                done = self.committed()
                stops.update(k for k in self.visible() if (k[0], proof.id_digest(k[1]), proof.ticks(k[2])) not in done)
                self.assertFalse((self.allowed - before) & self.earlier, "what had arrived was acknowledged")
                process.start()
            self.receiver.listen()
            self.wait_for_everything()
            wait_until(lambda: len(self.committed()) >= len(self.arrived()), "commits")
            self.settle(stop=False)
            process.stop(limit=8)
            self.earlier = self.arrived()  # acknowledged: a stop or the next outage brings none of it back
            port, self.old = self.receiver.port, self.old + [self.receiver]
            self.receiver = Receiver(self)
            process.reconfigure('port="%d"' % port, 'port="%d"' % self.receiver.port)
            process.start()
        process.stop(limit=8)
        often = {key: n for key, n in collections.Counter(self.deliveries()).items() if n > 1 + stops[key]}
        self.assertFalse(often, "versions that came more often than once for each such stop, and once")
        self.close_books("restart with saveOnShutdown")


if __name__ == "__main__":
    unittest.main()
