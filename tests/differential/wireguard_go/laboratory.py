# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces and the processes in them, gone at the end whatever happens."""

import re
import subprocess
import threading


def run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Process:
    """A process whose output lines can be waited for."""

    def __init__(self, *command: str, environment: dict | None = None) -> None:
        self.name = " ".join(command)
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1, env=environment)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, what: str, holds, seconds: float) -> None:
        """Until holds(lines), asked after each line."""
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self.lines), seconds):
                tail = "\n    ".join(self.lines[-15:])
                raise AssertionError(f"not within {seconds} s: {what}; the last output of {self.name}:\n    {tail}")

    def say(self, word: str) -> None:
        """Writes a command and waits for the line that answers it."""
        before = len(self.lines)
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.wait_for(f"an answer to {word}", lambda lines: len(lines) > before, 5)

    def stop(self, number: int = 15) -> list[str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.reader.join(5)
        return self.lines


class Ping(Process):
    """ping(8) ten times a second; which of them were answered, and which twice."""

    def __init__(self, namespace: str, address: str, size: int) -> None:
        super().__init__("ip", "netns", "exec", namespace, "ping", "-n", "-i", "0.1", "-s", str(size), address)

    @staticmethod
    def answered(lines: list[str]) -> list[int]:
        return [int(found[1]) for line in lines if (found := re.search(r"bytes from .*icmp_seq=(\d+)", line))]

    def wait_for_answers(self, more: int, seconds: float) -> None:
        before = len(self.answered(self.lines))
        self.wait_for(f"{more} answers more to {self.name}",
                      lambda lines: len(self.answered(lines)) >= before + more, seconds)

    def wait_for_run(self, length: int, seconds: float) -> None:
        """Until the last `length` answers are to consecutive requests, all sent after now."""
        start = len(self.answered(self.lines))

        def unbroken(lines: list[str]) -> bool:
            last = self.answered(lines)[start:][-length:]
            return len(last) == length and last == list(range(last[0], last[0] + length))

        self.wait_for(f"{length} answers without a gap to {self.name}", unbroken, seconds)


class Laboratory:
    """Two hosts, each on a link of its own to a middle that routes nothing.

        left 192.0.2.2 -- 192.0.2.1 middle 198.51.100.1 -- 198.51.100.2 right
    """

    def __init__(self, name: str) -> None:
        self.left, self.middle, self.right = (f"weft-{name}-{place}" for place in ("left", "middle", "right"))
        self.made: list[str] = []
        self.processes: list[Process] = []
        for namespace in (self.left, self.middle, self.right):
            run("ip", "netns", "add", namespace)
            self.made.append(namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        self.link(self.left, "192.0.2.2/24", "left", "192.0.2.1/24")
        self.link(self.right, "198.51.100.2/24", "right", "198.51.100.1/24")

    def link(self, host: str, host_address: str, port: str, middle_address: str) -> None:
        run("ip", "link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", port, "netns", self.middle)
        for namespace, device, address in ((host, "eth0", host_address), (self.middle, port, middle_address)):
            run("ip", "-n", namespace, "address", "add", address, "dev", device)
            run("ip", "-n", namespace, "link", "set", device, "up")

    def start(self, namespace: str, *command: str, environment: dict | None = None) -> Process:
        return self.keep(Process("ip", "netns", "exec", namespace, *command, environment=environment))

    def keep(self, process: Process) -> Process:
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.stop()
        for namespace in self.made:
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)
