# SPDX-License-Identifier: BSD-3-Clause
"""Machines on one Ethernet: a network namespace each, which ends with this process however it ends. No name is left behind."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

WEFT = os.path.abspath(os.environ.get("WEFT_BIN", "build/release/bin/weft"))


def pause(seconds: float = 0.02) -> None:
    """Yields the processor between two looks at a condition."""
    signal.sigtimedwait([], seconds)


def eventually(what: str, condition, limit_s: float = 30.0):
    """Asks `condition` until it returns something true, and returns that; fails by name at the limit."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        pause()


def run(*command: str, check: bool = True, stdin: str | None = None, limit_s: float = 120, **more) -> subprocess.CompletedProcess:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit_s, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


class Daemon:
    """One process of ours, with its log."""

    def __init__(self, command: list[str], log: pathlib.Path):
        self.command = command
        self.log = log
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> float:
        """Returns when it began (monotonic)."""
        with open(self.log, "ab") as file:
            begun = time.monotonic()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            start_new_session=True)
        return begun

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode


class Machine:
    """A network namespace held by a process that ends when its standard input does, and the files of one machine."""

    def __init__(self, name: str, folder: pathlib.Path):
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self.root: pathlib.Path | None = None  # of its own; None: that of this process
        self.holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.daemons: dict[str, Daemon] = {}
        eventually("a network namespace", lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *command: str) -> list[str]:
        inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--"]
        return [*inside, *(["chroot", str(self.root)] if self.root else []), *command]

    def run(self, *command: str, **options) -> subprocess.CompletedProcess:
        return run(*self.command(*command), **options)

    def shell(self, script: str, **options) -> str:
        """A script of one machine, as a user would paste it."""
        return self.run("sh", "-euc", script, **options).stdout

    def network(self, *command: str, **options) -> str:
        """A tool of the machine that the test runs on, in this network."""
        return run("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *command, **options).stdout

    def daemon(self, key: str, *command: str) -> Daemon:
        self.daemons[key] = Daemon(self.command(*command), self.folder / f"{key}.log")
        return self.daemons[key]

    # --- the shipped binary, with state and socket below the folder of the machine ---

    def weft(self, *arguments: str, socket: str = "agent", **options) -> subprocess.CompletedProcess:
        return self.run(WEFT, *arguments, "--socket", str(self.folder / f"{socket}.sock"), **options)

    def weft_daemon(self, what: str, *arguments: str) -> Daemon:
        return self.daemon(what, WEFT, what, "--state", str(self.folder / what), "--socket", str(self.folder / f"{what}.sock"), *arguments)

    def status(self) -> dict:
        text = self.weft("status", "--json", check=False, limit_s=20).stdout
        return json.loads(text) if text.strip() else {}

    def peer(self, name: str) -> dict:
        return next((peer for peer in self.status().get("peers", []) if peer["name"] == name), {})

    def addresses(self) -> list[str]:
        return self.status().get("self", {}).get("addresses", [])

    def logs(self) -> str:
        return "\n".join(f"--- {path}\n{path.read_text(errors='replace')[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    def traces(self) -> dict[str, str]:
        """What a VPN may change in a network: links, addresses, routes, rules, packet filters."""
        tools = {"links": "ip -o link", "addresses": "ip -o address", "routes": "ip -N route show table all",
                 "routes6": "ip -6 -N route show table all", "rules": "ip rule", "rules6": "ip -6 rule", "filters": "nft list ruleset"}
        return {what: "\n".join(sorted(self.network(*tool.split()).splitlines())) for what, tool in tools.items()}

    def is_settled(self) -> bool:
        text = self.network("ip", "-o", "-6", "address", "show", "dev", "eth0")
        return "fe80::" in text and "tentative" not in text

    def close(self) -> None:
        for daemon in self.daemons.values():
            daemon.end()
        self.holder.stdin.close()
        self.holder.wait()


class Room:
    """Machines by name on one bridge; 192.0.2.N and 2001:db8::N in the order of the names."""

    def __init__(self, *names: str, families: str = "46"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-deploy-"))
        self.machines: dict[str, Machine] = {}
        self.families = families
        self.overlay: dict[str, list[str]] = {}
        try:
            self.switch = Machine("switch", self.folder)
            self.switch.run("ip", "link", "add", "br0", "type", "bridge")
            self.switch.run("ip", "link", "set", "br0", "up")
            for number, name in enumerate(names, 1):
                self._add(name, number)
            for machine in self.machines.values():
                eventually("the link-local address is settled", machine.is_settled)
        except BaseException:
            self.close()
            raise

    def _add(self, name: str, number: int) -> None:
        machine = self.machines[name] = Machine(name, self.folder)
        machine.v4, machine.v6 = f"192.0.2.{number}", f"2001:db8::{number}"
        machine.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", f"port{number}", "netns", str(self.switch.holder.pid))
        self.switch.run("ip", "link", "set", f"port{number}", "master", "br0", "up")
        if "4" in self.families:
            machine.run("ip", "address", "add", f"{machine.v4}/24", "dev", "eth0")
        if "6" in self.families:
            machine.run("ip", "address", "add", f"{machine.v6}/64", "dev", "eth0", "nodad")
        machine.run("ip", "link", "set", "eth0", "up")
        if "4" in self.families:
            machine.run("ip", "route", "add", "default", "dev", "eth0")
        if "6" in self.families:
            machine.run("ip", "-6", "route", "add", "default", "dev", "eth0")

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, kind, *_) -> None:
        if kind is not None:
            print("\n".join(machine.logs() for machine in self.machines.values()), file=sys.stderr)
        self.close()

    def close(self) -> None:
        for machine in [*self.machines.values(), *([self.switch] if hasattr(self, "switch") else [])]:
            machine.close()
        # Never across a mount: what a test has mounted below ends with its mount namespace.
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.folder)], stderr=subprocess.DEVNULL)

    # --- a network of weft ---

    def start_services(self, name: str = "head", address: str | None = None) -> str:
        """Coordinator and relay on one machine; returns a reusable setup key."""
        head = self[name]
        at = address or head.v4
        at = f"[{at}]" if ":" in at else at
        head.weft_daemon("coordinator", "--listen", f"{at}:443")
        key = eventually("the coordinator makes a key", lambda: head.weft("key", "create", "--reusable", socket="coordinator", check=False).stdout.strip())
        head.weft_daemon("relay", "--listen", f"{at}:8443", "--key", key, "--name", "fra")
        self.key = key
        return key

    def start_agent(self, name: str, *flags: str) -> None:
        self[name].weft_daemon("agent", "--up", "--key", self.key, "--name", name, *flags)
        eventually(f"{name} has an address", self[name].addresses)

    def ping(self, source: str, target: str, count: int = 1, version: int = 4, check: bool = True) -> bool:
        if target not in self.overlay:  # an agent that is stopped cannot say
            self.overlay[target] = self[target].addresses()
        address = next(each for each in self.overlay[target] if (":" in each) == (version == 6))
        return run(*self[source].command("ping", "-n", "-c", str(count), "-W", "2", address), check=check).returncode == 0


def in_own_mount_namespace() -> bool:
    """Starts this program again with mounts of its own, which end with it. False without root."""
    if os.environ.get("WEFT_DEPLOY_MOUNTS"):
        return True
    if os.geteuid() != 0:
        return False
    os.environ["WEFT_DEPLOY_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
