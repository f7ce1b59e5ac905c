# SPDX-License-Identifier: BSD-3-Clause
"""Two network namespaces joined by a veth of MTU 1500, gone at the end with every process started in them.

    side 0: veth0 10.99.0.1 ---- veth1 10.99.0.2 :side 1"""

import contextlib
import os
import signal
import subprocess
import time

from machine import run

UNDERLAY, OVERLAY, OVERLAY6 = "10.99.0", "10.98.0", "fd98"


def wait_until(what: str, condition, limit: float = 10) -> None:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {limit:.0f} s")
        time.sleep(0.05)


class Namespaces:
    def __init__(self) -> None:
        self.names = [f"weft-bench-{os.getpid()}-{i}" for i in range(2)]
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> "Namespaces":
        with contextlib.suppress(FileExistsError):
            os.mkdir("/run/netns")
        for side, name in enumerate(self.names):
            run("ip", "netns", "add", name)
            self.ip(side, "link", "set", "lo", "up")
        run("ip", "link", "add", "veth0", "netns", self.names[0], "mtu", 1500, "type", "veth", "peer", "name", "veth1",
            "netns", self.names[1], "mtu", 1500)
        for side in range(2):
            self.ip(side, "addr", "add", f"{UNDERLAY}.{side + 1}/24", "dev", f"veth{side}")
            self.ip(side, "link", "set", f"veth{side}", "up")
        return self

    def __exit__(self, *_) -> None:
        for process in reversed(self.processes):
            self.end(process)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def command(self, side: int, *command: object) -> list[str]:
        # `ip netns exec` becomes the command, so its pid is the command's.
        return ["ip", "netns", "exec", self.names[side], *map(str, command)]

    def ip(self, side: int, *words: object) -> str:
        return run("ip", "-n", self.names[side], *words)

    def run(self, side: int, *command: object, timeout: float = 30) -> str:
        return run(*self.command(side, *command), timeout=timeout)

    def start(self, side: int, *command: object, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
              environment: dict | None = None) -> subprocess.Popen:
        process = subprocess.Popen(self.command(side, *command), stdout=stdout, stderr=stderr, text=True,
                                   env=environment)
        self.processes.append(process)
        return process

    def reaches(self, side: int, address: str) -> bool:
        return subprocess.run(self.command(side, "ping", "-c1", "-W1", address), capture_output=True).returncode == 0

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
