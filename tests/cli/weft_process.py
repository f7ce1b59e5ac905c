# SPDX-License-Identifier: BSD-3-Clause
"""Runs the binary under test in a directory and, as root, a network namespace of its own."""

import itertools
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

BINARY = ""
COUNTER = itertools.count()
ADDRESS = "192.0.2.1"  # of an interface to nowhere, which stands for the machine's uplink


def enter_namespace() -> bool:
    """Starts this program again in a fresh network namespace. False without root: it goes on where it is."""
    if os.environ.get("WEFT_CLI_NAMESPACE"):
        commands = ("ip link set lo up", "ip link add uplink type veth peer name wire", "ip link set wire up",
                    f"ip addr add {ADDRESS}/24 dev uplink", "ip link set uplink up", "ip route add default dev uplink")
        for command in commands:
            subprocess.run(command.split(), check=True)
        return True
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    os.environ["WEFT_CLI_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


class Daemon:
    """A running daemon; ready once it has said READY=1 the way systemd hears it."""

    def __init__(self, directory: pathlib.Path, *arguments: str, wrapper: tuple[str, ...] = ()):
        notify = directory / f"notify-{next(COUNTER)}"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(notify))
        notify.chmod(0o777)
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([*wrapper, BINARY, *arguments], stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, "NOTIFY_SOCKET": str(notify)})

    def wait_ready(self, seconds: float = 20) -> "Daemon":
        ready, _, _ = select.select([self.listener], [], [], seconds)
        assert ready and self.listener.recv(64) == b"READY=1", f"not ready: {self.errors()}"
        return self

    def errors(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def end(self, kill: bool = False) -> int:
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        self.process.communicate(timeout=20)
        self.listener.close()
        self.log.seek(0, os.SEEK_END)
        return self.process.returncode


class WeftTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weft-cli-"))
        self.directory.chmod(0o755)
        self.daemons: list[Daemon] = []

    def tearDown(self) -> None:
        for daemon in self.daemons:
            daemon.end()
            daemon.log.close()
        shutil.rmtree(self.directory)

    def weft(self, *arguments: str, wrapper: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run([*wrapper, BINARY, *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **environment})

    def start(self, *arguments: str, wrapper: tuple[str, ...] = ()) -> Daemon:
        self.daemons.append(Daemon(self.directory, *arguments, wrapper=wrapper))
        return self.daemons[-1]

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def coordinator(self, name: str = "coordinator", port: int = 4430) -> Daemon:
        return self.start("coordinator", "--state", self.path(name), "--socket", self.path(name + ".sock"),
                          "--listen", f"{self.address()}:{port}").wait_ready()

    def address(self) -> str:
        return ADDRESS if os.environ.get("WEFT_CLI_NAMESPACE") else "127.0.0.1"

    def create_key(self, *flags: str, name: str = "coordinator") -> str:
        made = self.weft("key", "create", "--socket", self.path(name + ".sock"), *flags)
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def list(self, what: str, name: str = "coordinator") -> list:
        listed = self.weft(what, "list", "--json", "--socket", self.path(name + ".sock"))
        self.assertEqual(listed.returncode, 0, listed.stderr)
        return json.loads(listed.stdout)[what + "s"]

    def assert_refused(self, run: subprocess.CompletedProcess, code: int, *words: str) -> None:
        """One sentence on standard error, nothing on standard output, the documented code."""
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        sentences = [line for line in run.stderr.splitlines() if line.startswith("weft: ")]
        self.assertEqual(len(sentences), 1, run.stderr)
        for word in words:
            self.assertIn(word, sentences[0])
