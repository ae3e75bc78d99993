# SPDX-License-Identifier: Apache-2.0
"""Programs of npm that tests run against: pinned by a lock file beside the test, installed once into the build directory."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import unittest

import support

NPM_TIMEOUT = 300  # seconds; a guard against hanging for ever, not a measure


def packages(folder):
    """The directory with the packages of tests/e2e/FOLDER/package-lock.json; made once per build and lock file. Skips the test
    where Node or npm is not there, or npm cannot install them."""
    sources = os.path.join(support.HERE, folder)
    with open(os.path.join(sources, "package-lock.json"), "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()[:16]
    place = os.path.join(support.build_directory(), "%s-%s" % (folder, version))
    if not shutil.which("node"):
        raise unittest.SkipTest("node is not there (Debian package nodejs)")
    with open(place + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            install(sources, place)
    return place


def install(sources, place):
    if not shutil.which("npm"):
        raise unittest.SkipTest("npm is not there (Debian package npm)")
    fresh = place + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(sources, name), fresh)
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=NPM_TIMEOUT)
        status, output = done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        status, output = 1, "no end after %d seconds" % NPM_TIMEOUT
    if status != 0:
        raise unittest.SkipTest("npm cannot install %s: %s" % (os.path.basename(sources), output.strip()[-300:]))
    os.rename(fresh, place)
