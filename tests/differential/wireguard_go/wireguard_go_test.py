# SPDX-License-Identifier: BSD-3-Clause
"""Our WireGuard against Debian's wireguard-go, through a middle that loses, reorders, doubles and replays datagrams.

  weft debug wireguard -- forwarder.py -- wireguard-go          (laboratory.py draws the addresses)

Two cases at once: we begin and renew the session (every 20 s here, a setting of ours); wireguard-go begins it and
renews it after its 120 s. In both, messages of a handshake are lost, every other one comes twice, and the middle
changes its port on the way, which the other side must follow by the roaming rule: wireguard-go in the first case, we
in the second. No packet may come out of the tunnel twice.

Usage: wireguard_go_test.py WEFT_BINARY"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from laboratory import Laboratory, Ping, Process, run

HERE = pathlib.Path(__file__).parent
LEFT_TUNNEL, RIGHT_TUNNEL = ("10.9.0.1", "fd00:9::1"), ("10.9.0.2", "fd00:9::2")
MTU = 1400


def reasons_to_skip() -> list[str]:
    reasons = []
    if os.geteuid() != 0:
        reasons.append("it needs root, to make network namespaces")
    reasons += [f"{tool} is not installed (apt-get install {package})"
                for tool, package in (("wireguard-go", "wireguard-go"), ("wg", "wireguard-tools"), ("ip", "iproute2"),
                                      ("ping", "iputils-ping")) if shutil.which(tool) is None]
    if not os.path.exists("/dev/net/tun"):
        reasons.append("/dev/net/tun is missing")
    return reasons


class Keys:
    def __init__(self) -> None:
        self.left, self.right, self.preshared = (run("wg", kind).strip() for kind in ("genkey", "genkey", "genpsk"))
        self.left_public, self.right_public = (run("wg", "pubkey", text=key).strip() for key in (self.left, self.right))


class Case:
    def __init__(self, name: str, weft: str, directory: str) -> None:
        self.name, self.weft_binary = name, weft
        self.directory = pathlib.Path(directory)
        self.device = f"wf{os.getpid() % 10000}{name[0]}"  # wireguard-go's socket is named after it, for all namespaces
        self.keys = Keys()
        self.laboratory = Laboratory(f"{os.getpid()}-{name[0]}")

    # The three programs

    def start_middle(self, drop_from_left: str, drop_from_right: str) -> None:
        self.middle = self.laboratory.start(
            self.laboratory.middle, sys.executable, str(HERE / "forwarder.py"), "192.0.2.1:4500", "192.0.2.2:51820",
            "198.51.100.1:4500", "198.51.100.2:51820", drop_from_left, drop_from_right)
        self.middle.wait_for("the middle is ready", lambda lines: lines, 10)

    def start_weft(self, endpoint: str, *flags: str) -> None:
        config = self.directory / f"{self.name}.conf"
        config.write_text(f"""[Interface]
PrivateKey = {self.keys.left}
ListenPort = 51820
Address = {", ".join(LEFT_TUNNEL)}
MTU = {MTU}
[Peer]
PublicKey = {self.keys.right_public}
PresharedKey = {self.keys.preshared}
AllowedIPs = {RIGHT_TUNNEL[0]}/32, {RIGHT_TUNNEL[1]}/128
{endpoint}
""")
        self.weft = self.laboratory.start(self.laboratory.left, self.weft_binary, "debug", "wireguard", str(config),
                                          "--tun", "weft0", *flags)
        self.weft.wait_for("weft has started", lambda lines: self.events(lines, "started"), 10)

    def start_wireguard_go(self, *peer: str) -> None:
        environment = os.environ | {"WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"}
        self.theirs = self.laboratory.start(self.laboratory.right, "wireguard-go", "-f", self.device,
                                            environment=environment)
        poll("wireguard-go answers wg", lambda: self.ask_wg("public-key") is not None, 10)
        files = {}
        for name, key in (("private", self.keys.right), ("preshared", self.keys.preshared)):
            files[name] = self.directory / f"{self.name}.{name}"
            files[name].write_text(key)
        run("wg", "set", self.device, "private-key", str(files["private"]), "listen-port", "51820", "peer",
            self.keys.left_public, "preshared-key", str(files["preshared"]), "allowed-ips",
            f"{LEFT_TUNNEL[0]}/32,{LEFT_TUNNEL[1]}/128", *peer)
        right = self.laboratory.right
        run("ip", "-n", right, "address", "add", f"{RIGHT_TUNNEL[0]}/32", "dev", self.device)
        run("ip", "-n", right, "address", "add", f"{RIGHT_TUNNEL[1]}/128", "dev", self.device, "nodad")
        run("ip", "-n", right, "link", "set", self.device, "mtu", str(MTU), "up")
        for address in LEFT_TUNNEL:
            run("ip", "-n", right, "route", "add", address, "dev", self.device)

    # What they say

    def ask_wg(self, what: str) -> str | None:
        done = subprocess.run(["wg", "show", self.device, what], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    @staticmethod
    def events(lines: list[str], name: str) -> list[dict]:
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in parsed if event["event"] == name]

    def wait_for_handshakes(self, count: int, initiator: bool, seconds: float) -> None:
        self.weft.wait_for(
            f"{count} handshakes with initiator={initiator}",
            lambda lines: sum(e["initiator"] == initiator for e in self.events(lines, "handshake_completed")) >= count,
            seconds)

    def ping(self, namespace: str, address: str, size: int) -> Ping:
        return self.laboratory.keep(Ping(namespace, address, size))

    # The steps that both cases share

    def follow_a_new_port(self, side: str, pings: list[Ping]) -> None:
        """The middle changes its port towards the side that did not begin, while the other goes on sending."""
        self.middle.say(f"rebind {side}")
        for ping in pings:
            ping.wait_for_answers(10, 20)

    def finish(self, pings: list[Ping]) -> str:
        self.middle.say("clean")
        for ping in pings:
            ping.wait_for_run(20, 15)
        for ping in pings:
            lines = ping.stop(2)
            answered = Ping.answered(lines)
            twice = [line for line in lines if "DUP!" in line]
            assert not twice and len(answered) == len(set(answered)), f"packets came out twice: {twice[:3]}"
        counters = json.loads(self.middle.lines[-1])
        assert min(counters.values()) > 0, f"the middle has not done all it should: {counters}"
        ours = self.events(self.weft.stop(), "stopped")[0]
        assert self.weft.process.returncode == 0, f"weft ended with {self.weft.process.returncode}: {self.weft.lines[-15:]}"
        assert ours["replayed_packets"] > 0 and ours["replayed_handshakes"] > 0, ours
        assert ours["bad_tag"] == 0 and ours["bad_mac"] == 0 and ours["malformed"] == 0, ours
        return f"{self.name}: middle {counters}, weft {ours}"

    # The cases

    def we_initiate(self) -> str:
        self.start_middle("0", "0")  # the first initiation, and the first response
        self.start_wireguard_go()  # knows no endpoint: it learns ours
        self.start_weft("Endpoint = 192.0.2.1:4500", "--rekey-after", "20s")
        pings = [self.ping(self.laboratory.left, address, size) for address, size in zip(RIGHT_TUNNEL, (56, 1300))]
        self.wait_for_handshakes(1, True, 30)
        first = self.ask_wg("latest-handshakes")
        for ping in pings:
            ping.wait_for_answers(20, 20)
        self.middle.say("faults")
        self.wait_for_handshakes(4, True, 100)
        self.follow_a_new_port("right", pings)
        assert "198.51.100.1:4501" in self.ask_wg("endpoints"), self.ask_wg("endpoints")
        assert self.ask_wg("latest-handshakes") != first
        return self.finish(pings)

    def they_initiate(self) -> str:
        self.start_middle("", "1")  # their second initiation, which would renew
        self.start_weft("")  # knows no endpoint: it learns theirs
        self.start_wireguard_go("endpoint", "198.51.100.1:4500")
        pings = [self.ping(self.laboratory.right, address, size) for address, size in zip(LEFT_TUNNEL, (1300, 56))]
        self.wait_for_handshakes(1, False, 20)
        for ping in pings:
            ping.wait_for_answers(20, 20)
        self.middle.say("faults")
        self.follow_a_new_port("left", pings)
        self.wait_for_handshakes(2, False, 140)
        for ping in pings:
            ping.wait_for_answers(20, 10)
        assert not [e for e in self.events(self.weft.lines, "handshake_completed") if e["initiator"]]
        return self.finish(pings)


def poll(what: str, holds, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def run_case(name: str, weft: str, directory: str) -> str:
    case = Case(name, weft, directory)
    try:
        return getattr(case, name)()
    finally:
        case.laboratory.close()


def main() -> int:
    reasons = reasons_to_skip()
    if reasons:
        print("SKIPPED: the interoperability test with wireguard-go did NOT run: " + "; ".join(reasons))
        return 77
    began = time.monotonic()
    failed = False
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor() as pool:
        cases = {name: pool.submit(run_case, name, sys.argv[1], directory) for name in ("we_initiate", "they_initiate")}
        for name, future in cases.items():
            try:
                print(f"passed {future.result()}")
            except (AssertionError, RuntimeError) as error:
                failed = True
                print(f"FAILED {name}: {error}")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
