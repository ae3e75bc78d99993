# SPDX-License-Identifier: Apache-2.0
"""Where things are, reading, waiting, comparing: what every file here uses."""
import json
import os
import re
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FIXTURES = os.path.join(os.path.dirname(HERE), "fixtures")
SECRET = "e2e~Secret.that-must_never.show"
CLIENT = "11111111-2222-3333-4444-555555555555"
WATCH = os.environ.get("IMD_WATCH") or None  # what watches rsyslogd: see watch.py
SLOWNESS = {None: 1, "thread": 4, "address": 4, "memcheck": 10}[WATCH]  # how much longer things may take then
PATIENCE = 30 * SLOWNESS  # seconds; a guard against waiting for ever, not a measure


def build_directory():
    given = os.environ.get("IMD_BUILD_DIR")
    if given:
        return os.path.abspath(given)
    for name in ("build/check", "build"):
        if os.path.exists(os.path.join(ROOT, name, "tests", "sim", "defender-sim")):
            return os.path.join(ROOT, name)
    raise SystemExit("nothing is built: run scripts/bootstrap --for tests, or give IMD_BUILD_DIR")


def scratch_directory():
    """Of all cases of a run; ./run makes it."""
    return os.environ.get("IMD_E2E_SCRATCH") or os.path.join(build_directory(), "e2e" + ("-" + WATCH if WATCH else ""))


def tenant_id(number):
    """The id that defender-sim gives to its tenant of that number."""
    return "00000000-0000-0000-0000-%012d" % number


def stamp(seconds):
    """The time that many seconds from now, as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def make_certificates(directory):
    """An authority and a server certificate for 127.0.0.1 and networks.py, good for a day. Once per run; others wait by the
    lock's file."""
    os.makedirs(directory, exist_ok=True)
    if os.path.exists(os.path.join(directory, "server.pem")):
        return
    extension = os.path.join(directory, "server.ext")
    with open(extension, "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost,IP:192.0.2.2\nextendedKeyUsage=serverAuth\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (
            ["req", "-x509", *key, "-days", "1", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=e2e authority",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"],
            ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1"],
            ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
             "-extfile", extension, "-out", "server.new"]):
        subprocess.run(["openssl", *words], cwd=directory, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    os.rename(os.path.join(directory, "server.new"), os.path.join(directory, "server.pem"))


def read(path):
    """The text of a file, "" if it is not there yet."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def read_lines(path):
    """The JSON objects of a file that may still be written to: a last line without its end is left out."""
    return Lines(path).read()


class Lines:
    """The same, for a file that is read again and again: only what is new is parsed. It may be cut, but not rewritten."""

    def __init__(self, path, make=lambda record: record):
        self.path, self.make = path, make
        self.offset, self.found = 0, []

    def read(self):
        try:
            with open(self.path, "rb") as file:
                if file.seek(0, os.SEEK_END) < self.offset:
                    self.offset, self.found = 0, []
                file.seek(self.offset)
                new = file.read()
        except FileNotFoundError:
            return []
        new = new[:new.rfind(b"\n") + 1]
        self.offset += len(new)
        for line in new.decode("utf-8", "surrogateescape").split("\n"):
            if line:
                self.found.append(self.make(json.loads(line)))
        return list(self.found)


def without_space(text):
    """JSON without white space outside strings; everything else stays byte for byte."""
    return re.sub(r'("(?:\\.|[^"\\])*")|[ \t\r\n]+', lambda match: match.group(1) or "", text, flags=re.S)


def version_of(text):
    """What identifies an alert version: id and lastUpdateDateTime as they stand in the JSON."""
    alert = json.loads(text)
    return alert["id"], alert["lastUpdateDateTime"]


def wait_until(condition, expected, seconds=PATIENCE):
    """Returns what `condition()` gives as soon as it is true. `expected` says what was waited for; a function may tell more."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError("not within %g seconds: %s" % (seconds, expected() if callable(expected) else expected))
        time.sleep(pause)
        pause = min(pause * 1.2, 0.2)


def v_key(version):
    return version["tenantId"], version["id"], version["lastUpdateDateTime"]
