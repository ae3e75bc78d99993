# SPDX-License-Identifier: Apache-2.0
"""rsyslogd with its module watched by a sanitizer or by valgrind, if IMD_WATCH says so; and what the watcher found.

IMD_WATCH is "thread", "address" (with undefined behaviour and leaks) or "memcheck". rsyslogd stays the distribution's: only the
module is built with the sanitizer (IMD_WATCHED_BUILD, else build/threads or build/address), and the sanitizer's runtime is
preloaded. Everything else, the simulator too, comes from the plain build. There are no suppressions.

A report goes to a file NAME.report.PID beside the other files of the test as soon as it is made, so that it is there even if
rsyslogd is killed. Foreign code is not judged: of a leak or of anything that valgrind tells, only what has a frame of ours counts.
Whatever a sanitizer says besides has to do with the module, because nothing else is compiled with it.
"""
import glob
import os
import re
import shutil
import subprocess

import support

KIND = support.WATCH
RUNTIMES = {"thread": ["libtsan.so"], "address": ["libasan.so", "libubsan.so"], "memcheck": []}
BUILDS = {"thread": "threads", "address": "address"}
OURS = re.compile(r"plugins/imdefender/|imdefender\.so|tools/imdefenderctl|tools/show_")
LEAK = re.compile(r"^(Direct|Indirect) leak of")
MESSAGE = re.compile(r"plugins/imdefender/(message|tree|shared_text|syslog_fields|truncation|receipt|submitter)\.c")

# Tests that end rsyslogd while an output is down: it cancels the worker of that output's queue, and the messages that this one
# had taken are lost in memory together with our receipts. Nowhere else may a message leak.
QUEUES_CANCELLED = ("test_backpressure.OutputDown.", "test_guarantees.", "test_outage.Output.")

# What cannot be judged while everything takes several times as long and as much memory; by the beginning of a test's name.
LEFT_OUT = {
    "test_backpressure.OutputDown.test_a_full_queue_holds_polls_back":
        "an answer that comes more slowly is itself held back by the queue, and the polls that it waits for do not come",
    "test_delivery.Delivery.test_updates_that_arrive_steadily":
        "it takes longer to stop, and what the API replaces between a page's arrival and the stop is lost to everybody",
    "test_mail.Mail.test_a_digest": "what comes in the middle of the first poll may come in another order, and that poll is longer",
    "test_outage.Clock.test_clock_here": "it preloads another clock",
    "test_outage.State.test_read_only_for_a_while": "it preloads another disk",
    "test_reload.Tokens.test_a_token_is_renewed_before": "the margin before the end of a token of 10 seconds is too short",
    "test_scale.Sweep.test_a_sweep_of_200": "judges on speed",
}


def reason_to_leave_out(name):
    """Why a test says nothing while rsyslogd is watched; None if it does."""
    return next((reason for begin, reason in LEFT_OUT.items() if KIND and name.startswith(begin)), None)


def build():
    """Where the module (and imdefenderctl) that a test runs was built."""
    if KIND not in BUILDS:
        return support.build_directory()
    return os.path.abspath(os.environ.get("IMD_WATCHED_BUILD") or os.path.join(support.ROOT, "build", BUILDS[KIND]))


def runtime(name):
    """The library of the compiler that built the module."""
    done = subprocess.run([os.environ.get("CC", "gcc"), "-print-file-name=" + name], stdout=subprocess.PIPE, check=True)
    path = done.stdout.decode().strip()
    if not os.path.isabs(path):
        raise SystemExit("%s is not there, which IMD_WATCH=%s preloads (gcc has it; CC names another compiler)" % (name, KIND))
    return os.path.realpath(path)


def options(log):
    """The sanitizers' variables; `log` is where reports go, with the process' number behind."""
    if KIND == "thread":
        # rsyslogd's own locks and queues are invisible to it: without the first option, all that it hands over would be reported.
        return {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1:second_deadlock_stack=1:history_size=4:exitcode=0:"
                                "log_path=%s" % log}
    if KIND == "address":
        return {"ASAN_OPTIONS": "detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=12:log_path=%s" % log,
                "LSAN_OPTIONS": "exitcode=0",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}  # knows no log_path: it says so in NAME.err
    return {}


def environment(log):
    """The same, and the runtime that rsyslogd, which is built without, has to load first."""
    if not KIND:
        return {}
    libraries = [runtime(name) for name in RUNTIMES[KIND]]
    if libraries:
        libraries.append(os.path.join(build(), "tests", "e2e", ".libs", "runtime_first.so"))
    return dict(options(log), **({"LD_PRELOAD": " ".join(libraries)} if libraries else {}))


def wrapped(words, log):
    if KIND != "memcheck":
        return words
    if not shutil.which("valgrind"):
        raise SystemExit("IMD_WATCH=memcheck needs valgrind (Debian package valgrind)")
    return [shutil.which("valgrind"), "--quiet", "--leak-check=full", "--fullpath-after=", "--num-callers=40",
            "--log-file=%s.%%p" % log] + words


def ensure(pid):
    """A run that nobody watched would find nothing: its runtime and the module must be in the process."""
    if KIND not in BUILDS:
        return
    maps = support.read("/proc/%d/maps" % pid)
    for path in [runtime(name) for name in RUNTIMES[KIND]] + [os.path.join(build(), "plugins", "imdefender", ".libs", "imdefender.so")]:
        if os.path.realpath(path) not in maps:
            raise AssertionError("%s is not loaded: nothing is watched" % path)


def reports(directory, name):
    """What was found about the module in all processes of a test, as text."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "*.report.*"))):
        found += ["%s: %s" % (os.path.basename(path), text) for text in judged(support.read(path))
              if not (name.startswith(QUEUES_CANCELLED) and lost_message(text))]
    return found


def lost_message(text):
    """A leak of a message, or of what only another leaked block points to."""
    if re.search(r"^Indirect leak of|indirectly lost", text, flags=re.M):
        return True
    return re.search(r"^Direct leak of|(definitely|possibly) lost", text, flags=re.M) and MESSAGE.search(text)


def judged(text):
    """The parts of a report file that count."""
    if KIND == "memcheck":
        text = re.sub(r"^==\d+== ?", "", text, flags=re.M)
        return [part for part in text.split("\n\n") if OURS.search(part)]
    if "ERROR: LeakSanitizer: detected memory leaks" in text and "ERROR: AddressSanitizer" not in text:
        parts = [part for part in text.split("\n\n") if LEAK.match(part.strip())]
        return [part for part in parts if OURS.search(part)]
    # rsyslogd cancels the worker threads of its queues; one that is inside of a foreign library then ends with what
    # ignore_noninstrumented_modules has set, and the sanitizer complains of itself.
    text = re.sub(r"^ThreadSanitizer: thread T\d+ \S+ finished with ignores enabled.*?(?=^=====|\Z)", "", text, flags=re.M | re.S)
    return [text] if text.strip() else []
