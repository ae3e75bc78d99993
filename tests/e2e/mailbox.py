# SPDX-License-Identifier: Apache-2.0
"""A mail server on loopback (aiosmtpd) as a process: Debian's Python has the package, whatever python3 runs the tests."""
import asyncio
import base64
import email
import email.policy
import functools
import json
import os
import subprocess
import sys

import support
from process import Process


@functools.lru_cache(None)
def interpreter():
    """A Python that has aiosmtpd, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import aiosmtpd.smtp"], check=False,
                                                     stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class Mailbox(Process):
    def __init__(self, case):
        super().__init__(case, "mailbox")
        self.mails_file, self.port_file = case.path("mailbox.mails"), case.path("mailbox.port")
        case.processes.append(self)
        self.spawn([interpreter(), "-B", __file__, self.port_file, self.mails_file])
        self.port = int(support.wait_until(lambda: support.read(self.port_file).strip(), "the mail server listens"))

    def mails(self):
        """(recipients, message) of each, in order."""
        return [(mail["to"], email.message_from_bytes(base64.b64decode(mail["content"]), policy=email.policy.default))
                for mail in support.read_lines(self.mails_file)]

    def wait(self, count):
        support.wait_until(lambda: len(self.mails()) >= count, lambda: "%d mails; there are %s. %s" % (
            count, [(to, m["Subject"]) for to, m in self.mails()], support.read(self.err)))
        return self.mails()


class Keeper:
    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, _server, _session, envelope):
        with open(self.path, "a", encoding="ascii") as file:
            file.write(json.dumps({"to": envelope.rcpt_tos, "content": base64.b64encode(envelope.content).decode()}) + "\n")
        return "250 OK"


async def serve(port_file, mails_file):
    from aiosmtpd.smtp import SMTP  # pylint: disable=import-outside-toplevel
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Keeper(mails_file), hostname="localhost"),
                                                            "127.0.0.1", 0)
    with open(port_file + ".new", "w", encoding="ascii") as file:
        file.write("%d\n" % server.sockets[0].getsockname()[1])
    os.rename(port_file + ".new", port_file)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
