# SPDX-License-Identifier: Apache-2.0
"""What a core dump of a process would hold: its memory but for what it told the kernel to leave out (MADV_DONTDUMP)."""
import os
import re
import signal

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$")


def dumpable(pid):
    """(name, bytes) of each mapping that the process may have written to and that core(5) dumps by default."""
    mappings = []
    with open("/proc/%d/smaps" % pid, encoding="ascii", errors="replace") as file:
        for line in file:
            match = MAPPING.match(line)
            if match:
                mappings.append([int(match.group(1), 16), int(match.group(2), 16), match.group(3), match.group(5), False])
            elif line.startswith("VmFlags:"):
                mappings[-1][4] = " dd" in line
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for begin, end, rights, name, left_out in mappings:
            if "w" not in rights or "r" not in rights or left_out or name.startswith("[vv"):
                continue
            try:
                memory.seek(begin)
                yield name or "anonymous", read_fully(memory, end - begin)
            except OSError:
                pass  # a guard page, or given back meanwhile


def read_fully(memory, length):
    parts = []
    while length > 0:
        part = memory.read(min(length, 1 << 24))
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def find(pid, secrets):
    """Where secrets (by name: bytes or a compiled pattern) lie in it: "NAME in MAPPING". The process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        mappings = list(dumpable(pid))
    finally:
        os.kill(pid, signal.SIGCONT)
    hits = set()
    for mapping, content in mappings:
        for name, secret in secrets.items():
            if secret.search(content) if hasattr(secret, "search") else secret in content:
                hits.add("%s in %s" % (name, mapping))
    return sorted(hits)
