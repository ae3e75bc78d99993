# SPDX-License-Identifier: Apache-2.0
"""A process of a test, which never outlives the test."""
import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """Output goes to NAME.out and NAME.err in the test's directory, appended to by later starts."""

    def __init__(self, case, name):
        self.case, self.name = case, name
        self.out, self.err = case.path(name + ".out"), case.path(name + ".err")
        self.child = None

    def spawn(self, words, environment=None):
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          cwd=self.case.directory, env=dict(os.environ, **(environment or {})),
                                          preexec_fn=die_with_parent)  # one thread here: nothing can deadlock

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def destroy(self):
        if self.running:
            self.child.kill()
        if self.child is not None:
            self.child.wait()
