# SPDX-License-Identifier: BSD-3-Clause
"""Hosts behind `weft-lab gateway`, and a server outside, in namespaces that go with the process.

    host 192.168.1.2 ── lan [gw 192.168.1.1] wan ── eth0 server 203.0.113.1, 203.0.113.3, 203.0.113.4/24
         fd00:1::2                203.0.113.2, 2001:db8::2         2001:db8::1
"""

import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile

WEFT_LAB = os.environ["WEFT_LAB_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTERNAL = "203.0.113.2"


def run(*command: str, check: bool = True, stdin: str | None = None, limit_s: float = 60) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit_s)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}")
    return done.stdout


class GatewayLab:
    """The namespaces, and the gateway once start() has been called."""

    def __init__(self, offloads: bool = True):
        self.prefix = f"wg{os.getpid()}"
        self.offloads = offloads
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-gateway-"))
        self.spaces: list[str] = []
        self.processes: list[subprocess.Popen] = []
        self.gateway: subprocess.Popen | None = None

    def __enter__(self) -> "GatewayLab":
        try:
            for name in ("host", "gw", "server"):
                run("ip", "netns", "add", self.space(name))
                self.spaces.append(self.space(name))
                self.inside(name, "ip", "link", "set", "lo", "up")
            self._wire("host", "eth0", "gw", "lan")
            self._wire("server", "eth0", "gw", "wan")
            self._address("host", "eth0", "192.168.1.2/24", "fd00:1::2/64")
            self._address("gw", "lan", "192.168.1.1/24", "fd00:1::1/64")
            self._address("server", "eth0", "203.0.113.1/24", "203.0.113.3/24", "203.0.113.4/24", "2001:db8::1/64")
            self.inside("host", "ip", "route", "add", "default", "via", "192.168.1.1")
            self.inside("host", "ip", "-6", "route", "add", "default", "via", "fd00:1::1")
            self.inside("gw", "ip", "-6", "route", "add", "blackhole", "default")  # else its kernel answers "no route" beside us
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        for process in self.processes:
            process.kill()
            process.wait()
        for space in self.spaces:
            run("ip", "netns", "del", space, check=False)

    def space(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def inside(self, name: str, *command: str, **options) -> str:
        return run("ip", "netns", "exec", self.space(name), *command, **options)

    def spawn(self, name: str, *command: str, **options) -> subprocess.Popen:
        process = subprocess.Popen(["ip", "netns", "exec", self.space(name), *command], text=True, **options)
        self.processes.append(process)
        return process

    def _wire(self, left: str, left_if: str, right: str, right_if: str) -> None:
        run("ip", "link", "add", left_if, "netns", self.space(left), "type", "veth",
            "peer", "name", right_if, "netns", self.space(right))
        for name, interface in ((left, left_if), (right, right_if)):
            self.inside(name, "sysctl", "-qw", f"net.ipv6.conf.{interface}.accept_dad=0")
            if not self.offloads:
                self.inside(name, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            self.inside(name, "ip", "link", "set", interface, "up")

    def _address(self, name: str, interface: str, *addresses: str) -> None:
        for address in addresses:
            self.inside(name, "ip", "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))

    def model(self, name: str) -> str:
        return str(ROOT / "nat-models" / f"{name}.json")

    def start(self, model: str, *arguments: str, external: tuple[str, ...] = (f"{EXTERNAL}/24",)) -> None:
        """Runs the gateway and waits until it says that it is ready."""
        self.socket = str(self.folder / "gateway.sock")
        command = ["ip", "netns", "exec", self.space("gw"), WEFT_LAB, "gateway", "--inside", "lan", "--outside", "wan",
                   "--model", model if "/" in model else self.model(model), "--socket", self.socket]
        for address in external:
            command += ["--external", address]
        self.gateway = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        readable, _, _ = select.select([self.gateway.stdout], [], [], 20)
        line = self.gateway.stdout.readline() if readable else ""
        if "ready" not in line:
            self.gateway.kill()
            raise AssertionError(f"the gateway did not start: {self.gateway.communicate()[1]}")

    def stop(self) -> int | None:
        """Ends the gateway in order; its exit code."""
        if self.gateway is None:
            return None
        gateway, self.gateway = self.gateway, None
        gateway.send_signal(signal.SIGTERM)
        try:
            return gateway.wait(10)
        finally:
            gateway.kill()
            gateway.stdout.close()
            gateway.stderr.close()

    def control(self, method: str, **params) -> dict:
        return json.loads(run(WEFT_LAB, "gateway-control", "--socket", self.socket, method, json.dumps(params)))
