# SPDX-License-Identifier: BSD-3-Clause
"""A small Internet of network namespaces: two sites behind gateways with kernel NATs, a routed core, a service host.

    host-a ── gw-a ──┐            ┌── gw-b ── host-b
  192.168.1.2        ├── core ────┤      192.168.2.2
             198.51.100.2    203.0.113.2
                     └── svc 192.0.2.2: coordinator, relay

Everything lives in namespaces named after this process and goes with it. Nothing outside them is touched.
"""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

WEFT = os.environ["WEFT_BIN"]
SERVICE = "192.0.2.2"
WAN = {"a": "198.51.100.2", "b": "203.0.113.2"}
CORE = {"a": "198.51.100.1", "b": "203.0.113.1"}
# A host behind an `open` gateway has a public address; behind a NAT a private one.
PUBLIC = {"a": ("198.51.100.66", "198.51.100.65"), "b": ("203.0.113.66", "203.0.113.65")}
PRIVATE = {"a": ("192.168.1.2", "192.168.1.1"), "b": ("192.168.2.2", "192.168.2.1")}

INPUT_DROPS = """
table inet guard {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "wan" ct state new drop
  }
}
"""
# The gateway takes packets to itself: what nobody asked for is refused by ICMP, and stays in conntrack.
INPUT_ACCEPTS = """
table inet guard {
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "wan" ct state new drop
  }
}
"""
MASQUERADE = 'table ip nat { chain post { type nat hook postrouting priority 100; oifname "wan" masquerade %s; }; }\n'
# Nothing is forwarded from inside; what gets out is the gateway's own, such as its proxy's.
NOTHING_OUT = """
table inet closed {
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "lan" meta l4proto tcp reject with tcp reset
    iifname "lan" drop
  }
}
"""
UDP_DROP = "table inet noudp { chain forward { type filter hook forward priority -10; meta l4proto udp drop; }; }\n"

# Rules of a gateway by the name of the class, as in scenarios/kernel-cases.json.
GATEWAYS = {
    "linux-masquerade": INPUT_DROPS + MASQUERADE % "",
    "linux-masquerade-open-input": INPUT_ACCEPTS + MASQUERADE % "",
    "linux-masquerade-random": INPUT_DROPS + MASQUERADE % "random",
    "linux-masquerade-random-open-input": INPUT_ACCEPTS + MASQUERADE % "random",
    "open": "",
    "connect-proxy": INPUT_DROPS + NOTHING_OUT,
    "udp-blocked": INPUT_DROPS + MASQUERADE % "" + UDP_DROP,
}


def run(*command: str, stdin: str | None = None, check: bool = True) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def eventually(what: str, condition, limit_s: float = 30.0):
    """Asks `condition` until it returns something true, and returns that; fails by name at the limit."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        select_pause()


def select_pause() -> None:
    """Yields the processor for 50 ms between two looks at a condition."""
    signal.sigtimedwait([], 0.05)


class Lab:
    """Builds the namespaces, starts the shipped binaries in them, and removes all of it at the end."""

    def __init__(self, class_a: str, class_b: str, proxy: str = ""):
        """`proxy`: what the agent of site a has in HTTPS_PROXY."""
        self.classes = {"a": class_a, "b": class_b}
        self.proxy = proxy
        self.prefix = f"wk{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-kernel-"))
        self.daemons: list[subprocess.Popen] = []
        self.proxy_process: subprocess.Popen | None = None
        self.spaces: list[str] = []

    def __enter__(self) -> "Lab":
        try:
            self._build()
            if self.classes["a"] == "connect-proxy":
                self._start_proxy()
            self._start_services()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.proxy_process is not None:
            self.proxy_process.terminate()
            self.proxy_process.wait()
        for daemon in self.daemons:
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for space in self.spaces:
            run("ip", "netns", "del", space, check=False)

    # --- network ---

    def space(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def inside(self, name: str, *command: str, check: bool = True, stdin: str | None = None) -> str:
        return run("ip", "netns", "exec", self.space(name), *command, check=check, stdin=stdin)

    def _add_space(self, name: str) -> None:
        run("ip", "netns", "add", self.space(name))
        self.spaces.append(self.space(name))
        self.inside(name, "ip", "link", "set", "lo", "up")

    def _wire(self, left: str, left_if: str, left_ip: str, right: str, right_if: str, right_ip: str) -> None:
        run("ip", "link", "add", left_if, "netns", self.space(left), "type", "veth",
            "peer", "name", right_if, "netns", self.space(right))
        for name, interface, address in ((left, left_if, left_ip), (right, right_if, right_ip)):
            self.inside(name, "ip", "address", "add", address, "dev", interface)
            self.inside(name, "ip", "link", "set", interface, "up")

    def _build(self) -> None:
        for name in ("core", "svc", "gw-a", "gw-b", "host-a", "host-b"):
            self._add_space(name)
        self._wire("core", "svc", "192.0.2.1/30", "svc", "eth0", f"{SERVICE}/30")
        self.inside("svc", "ip", "route", "add", "default", "via", "192.0.2.1")
        for name in ("core", "gw-a", "gw-b"):
            self.inside(name, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for site in ("a", "b"):
            host, gateway = (PUBLIC if self.classes[site] == "open" else PRIVATE)[site]
            self._wire("core", f"to-{site}", f"{CORE[site]}/30", f"gw-{site}", "wan", f"{WAN[site]}/30")
            self._wire(f"gw-{site}", "lan", f"{gateway}/26", f"host-{site}", "eth0", f"{host}/26")
            self.inside(f"gw-{site}", "ip", "route", "add", "default", "via", CORE[site])
            self.inside(f"host-{site}", "ip", "route", "add", "default", "via", gateway)
            if self.classes[site] == "open":
                self.inside("core", "ip", "route", "add", f"{host}/32", "via", WAN[site])
            self.set_rules(site, GATEWAYS[self.classes[site]])

    def set_rules(self, site: str, rules: str) -> None:
        """Replaces the whole rule set of a gateway; connections that are tracked stay."""
        self.inside(f"gw-{site}", "nft", "-f", "-", stdin="flush ruleset\n" + rules)

    # --- the shipped binaries ---

    def start_daemon(self, name: str, log: str, *arguments: str, **environment: str) -> None:
        with open(self.folder / f"{log}.log", "wb") as file:
            self.daemons.append(subprocess.Popen(["ip", "netns", "exec", self.space(name), WEFT, *arguments],
                                                 stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environment}))

    def _start_proxy(self) -> None:
        """Debian's tinyproxy on the gateway of site a; it asks for agent and secret, and connects to our services' ports."""
        config = self.folder / "tinyproxy.conf"
        config.write_text("Port 3128\nListen 192.168.1.1\nTimeout 600\nMaxClients 50\nAllow 192.168.1.0/26\n"
                          "BasicAuth agent secret\nConnectPort 443\nConnectPort 8443\n")
        with open(self.folder / "tinyproxy.log", "wb") as file:
            self.proxy_process = subprocess.Popen(["ip", "netns", "exec", self.space("gw-a"), "tinyproxy", "-d", "-c", str(config)],
                                                  stdout=file, stderr=subprocess.STDOUT)

    def _start_services(self) -> None:
        self.start_daemon("svc", "coordinator", "coordinator", "--state", str(self.folder / "coordinator"),
                     "--listen", f"{SERVICE}:443", "--socket", self.socket("coordinator"))
        self.token = eventually("the coordinator makes a key", lambda: run(
            WEFT, "key", "create", "--reusable", "--socket", self.socket("coordinator"), check=False).strip())
        self.start_daemon("svc", "relay", "relay", "--key", self.token, "--state", str(self.folder / "relay"),
                     "--listen", f"{SERVICE}:8443", "--stun", f"{SERVICE}:3478", "--stun", f"{SERVICE}:3479")
        self._start_agents()

    def restart_agents(self) -> None:
        """Both agents anew, with their identities, other ports and no word of the searches before; ready when each knows its NAT."""
        for agent in self.daemons[2:]:
            agent.terminate()
            agent.wait(10)
        del self.daemons[2:]
        for site in ("a", "b"):
            (self.folder / f"agent-{site}" / "searches").unlink(missing_ok=True)
        self._start_agents()
        for site in ("a", "b"):
            eventually(f"host-{site} knows its NAT",
                       lambda site=site: self.status(site).get("self", {}).get("nat", {}).get("allocation", "unknown") != "unknown")

    def _start_agents(self) -> None:
        for site in ("a", "b"):
            self.start_daemon(f"host-{site}", f"agent-{site}", "agent", "--up", "--key", self.token, "--name", f"host-{site}",
                         "--state", str(self.folder / f"agent-{site}"), "--socket", self.socket(f"agent-{site}"),
                         **({"HTTPS_PROXY": self.proxy} if site == "a" and self.proxy else {}))
        for site in ("a", "b"):
            eventually(f"host-{site} sees its peer through a relay", lambda site=site: self._ready(site))

    def socket(self, name: str) -> str:
        return str(self.folder / f"{name}.sock")

    def status(self, site: str) -> dict:
        text = run(WEFT, "status", "--json", "--socket", self.socket(f"agent-{site}"), check=False)
        return json.loads(text) if text.strip() else {}

    def peer(self, site: str) -> dict:
        peers = self.status(site).get("peers", [])
        return peers[0] if peers else {}

    def _ready(self, site: str) -> bool:
        return bool(self.status(site).get("self", {}).get("addresses")) and bool(self.peer(site).get("relay"))

    def address(self, site: str, ipv6: bool = False) -> str:
        """The overlay address of a host."""
        return next(a for a in self.status(site)["self"]["addresses"] if (":" in a) == ipv6)

    def resident_kb(self, site: str) -> int:
        """Resident memory of a host's agent."""
        index = {"a": 2, "b": 3}[site]
        text = pathlib.Path(f"/proc/{self.daemons[index].pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")))

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    # --- traffic ---

    def ping(self, source: str, target: str, count: int = 3) -> str:
        return self.inside(f"host-{source}", "ping", "-n", "-i", "0.2", "-W", "5", "-c", str(count), self.address(target))

    def send_through_tcp(self, source: str, target: str, size: int, ipv6: bool = False) -> None:
        """Sends `size` bytes to the other host's overlay address and checks that it got the same bytes."""
        address = self.address(target, ipv6)
        script = pathlib.Path(__file__).with_name("tcp_transfer.py")
        server = subprocess.Popen(["ip", "netns", "exec", self.space(f"host-{target}"), "/usr/bin/python3", str(script),
                                   "receive", address], stdout=subprocess.PIPE, text=True)
        try:
            port = server.stdout.readline().strip()
            sent = self.inside(f"host-{source}", "/usr/bin/python3", str(script), "send", address, port, str(size))
            received, _ = server.communicate(timeout=60)
        finally:
            server.kill()
            server.wait()
        assert received.split() == sent.split() and sent.split()[0] == str(size)

    def path(self, site: str) -> str:
        return self.peer(site).get("path", "")
