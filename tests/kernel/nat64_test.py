# SPDX-License-Identifier: BSD-3-Clause
"""An agent whose network is IPv6 alone, behind `weft-lab gateway` as a NAT64, and a peer behind netfilter.

    host-a 2001:db8:a::2 ── gw-a: NAT64 198.51.100.2 ── core ── gw-b: masquerade ── host-b

The hosts file of host-a stands for the DNS64; the kernel has none, and no NAT64.
"""

import json
import os
import pathlib
import select
import shutil
import subprocess

import pytest

from lab import CORE, WAN, WEFT, Lab, eventually, run

WEFT_LAB = os.environ["WEFT_LAB_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Nat64Lab(Lab):
    gateway: subprocess.Popen | None = None

    def _build(self) -> None:
        super()._build()
        self.set_rules("a", "")
        self.inside("gw-a", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        for space, interface in (("gw-a", "wan"), ("gw-a", "lan"), ("host-a", "eth0")):
            self.inside(space, "ip", "address", "flush", "dev", interface)
        for space, interface, address in (("gw-a", "lan", "2001:db8:a::1/64"), ("host-a", "eth0", "2001:db8:a::2/64")):
            self.inside(space, "ip", "address", "add", address, "dev", interface, "nodad")
        self.inside("gw-a", "ip", "-6", "route", "add", "blackhole", "default")
        self.inside("host-a", "ip", "-6", "route", "add", "default", "via", "2001:db8:a::1")
        self.etc = pathlib.Path("/etc/netns") / self.space("host-a")
        self.etc.mkdir(parents=True)
        (self.etc / "hosts").write_text("64:ff9b::192.0.0.170 ipv4only.arpa\n")
        self.gateway = subprocess.Popen(
            ["ip", "netns", "exec", self.space("gw-a"), WEFT_LAB, "gateway", "--inside", "lan", "--outside", "wan", "--model",
             str(ROOT / "nat-models/nat64.json"), "--external", f"{WAN['a']}/30", "--via", CORE["a"]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        readable, _, _ = select.select([self.gateway.stdout], [], [], 20)
        line = self.gateway.stdout.readline() if readable else ""
        assert "ready" in line, line

    def __exit__(self, *_) -> None:
        super().__exit__()
        if self.gateway is not None:
            self.gateway.terminate()
            self.gateway.communicate(timeout=10)
        shutil.rmtree(self.etc, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root (network namespaces, TUN)")
def test_a_host_without_ipv4_is_direct_through_a_nat64() -> None:
    with Nat64Lab("linux-masquerade", "linux-masquerade") as lab:
        lab.ping("a", "b")
        for site in ("a", "b"):
            eventually(f"host-{site} is direct", lambda site=site: lab.path(site) == "direct")
        seen = json.loads(run(WEFT, "netcheck", "--json", "--socket", lab.socket("agent-a")))
        assert seen["nat64"] == "64:ff9b::/96"
        assert seen["ipv4"]["udp"] and not seen["ipv4"]["address"]
        assert seen["ipv4"]["reflexive"].startswith(WAN["a"] + ":")
        assert lab.peer("b")["endpoint"].startswith(WAN["a"] + ":")
        lab.send_through_tcp("a", "b", 1 << 20)
        lab.send_through_tcp("b", "a", 1 << 20)
