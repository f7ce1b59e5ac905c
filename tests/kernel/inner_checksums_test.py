# SPDX-License-Identifier: BSD-3-Clause
"""Our tunnel with wireguard-go at the other end, at full rate in both directions: TCP and UDP over both families come out
with right checksums, by a capture on the TUN device of each side and by the counters of each kernel.

  side 0: weft debug wireguard ---- side 1: wireguard-go

Usage: inner_checksums_test.py WEFT WEFT_LOAD"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "bench/tunnel"))

import engines  # noqa: E402
from checksum_capture import Packet, ones_sum  # noqa: E402
from namespaces import OVERLAY, OVERLAY6, Namespaces, wait_until  # noqa: E402
from traffic import start_iperf_server  # noqa: E402

ADDRESSES = [[f"{OVERLAY}.{side + 1}", f"{OVERLAY6}::{side + 1}"] for side in range(2)]
COUNTERS = ("TcpInCsumErrors", "UdpInCsumErrors", "Udp6InCsumErrors", "IpInHdrErrors", "Ip6InHdrErrors")
UDP_LENGTHS = (8, 63, 1372, 1392)  # the last is the longest that fits, over IPv4


def reasons_to_skip() -> list[str]:
    reasons = [] if os.geteuid() == 0 else ["it needs root, to make network namespaces"]
    reasons += [f"{tool} is not installed" for tool in ("wireguard-go", "wg", "ip", "iperf3", "nstat")
                if shutil.which(tool) is None]
    return reasons + ([] if os.path.exists("/dev/net/tun") else ["/dev/net/tun is missing"])


def check_the_check() -> None:
    """A packet with a right checksum passes; with any of its bytes changed it does not."""
    header = bytearray.fromhex("4500002300004000401100000a6200010a620002")
    header[10:12] = struct.pack("!H", 0xFFFF - ones_sum(bytes(header)))
    udp = bytearray(struct.pack("!HHHH", 1000, 2000, 15, 0) + b"payload")
    pseudo = Packet(bytes(header + udp)).pseudo_header()
    udp[6:8] = struct.pack("!H", 0xFFFF - ones_sum(pseudo + bytes(udp)))
    good = bytes(header + udp)
    assert Packet(good).problem(unfinished=False) is None
    assert Packet(good).problem(unfinished=True) is not None
    for at in (8, 10, 12, 20, 26, 30):
        assert Packet(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1:]).problem(False) is not None, at


class Captures:
    """One on each side, of what the other side sent."""

    def __init__(self, spaces: Namespaces) -> None:
        self.processes = []
        for side in range(2):
            process = subprocess.Popen(
                spaces.command(side, sys.executable, HERE / "checksum_capture.py", engines.device_name(side),
                               *ADDRESSES[1 - side]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.processes.append(process)
            spaces.processes.append(process)
            assert process.stdout.readline() == "ready\n"

    def finish(self) -> list[dict]:
        return [json.loads(process.communicate(timeout=60)[0]) for process in self.processes]


def tcp(spaces: Namespaces, address: str) -> list[int]:
    """Bytes received there and back."""
    received = []
    for direction in ([], ["--reverse"]):
        server = start_iperf_server(spaces, address)
        report = json.loads(spaces.run(0, "iperf3", "-c", address, "-t", 2, "-P", 2, "-J", *direction, timeout=60))
        received.append(report["end"]["sum_received"]["bytes"])
        server.wait(20)
    return received


def udp(spaces: Namespaces, load: str, sender: int, address: str, length: int, *options: str) -> int:
    """Datagrams received."""
    target = f"[{address}]:5300" if ":" in address else f"{address}:5300"
    receiver = spaces.start(1 - sender, load, "udp-receive", target, "--silence", 0.3, stdout=subprocess.PIPE)
    wait_until("udp-receive", lambda: ":5300" in spaces.run(1 - sender, "ss", "-Hlun"))
    spaces.run(sender, load, "udp-send", target, "--length", length, "--seconds", 0.2, *options)
    received = json.loads(receiver.communicate(timeout=60)[0])
    assert received["datagrams"] > 0 and received["bytes"] == received["datagrams"] * length, (length, options, received)
    return received["datagrams"]


def counters(spaces: Namespaces, side: int) -> dict:
    found = json.loads(spaces.run(side, "nstat", "-asz", "--json"))["kernel"]
    return {name: found[name] for name in COUNTERS if name in found}


def exercise(spaces: Namespaces, load: str) -> dict:
    moved = {}
    for family, address in zip(("IPv4", "IPv6"), ADDRESSES[1]):
        moved[f"TCP {family}, bytes there and back"] = tcp(spaces, address)
    datagrams = 0
    for sender in range(2):
        for address in ADDRESSES[1 - sender]:
            for length in UDP_LENGTHS:
                length = min(length, 1372) if ":" in address else length
                datagrams += udp(spaces, load, sender, address, length)
                datagrams += udp(spaces, load, sender, address, length, "--gso")
    return moved | {"UDP datagrams": datagrams}


def main() -> int:
    if reasons := reasons_to_skip():
        print("SKIPPED: the checksums inside a tunnel were NOT checked: " + "; ".join(reasons))
        return 77
    check_the_check()
    weft, load = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder, Namespaces() as spaces:
        engines.start("weft/wireguard-go", spaces, pathlib.Path(folder), pathlib.Path(weft))
        captures = Captures(spaces)
        print("moved:", exercise(spaces, load))
        found = captures.finish()
        refused = [counters(spaces, side) for side in range(2)]
    for side, name in enumerate(("into weft's TUN", "into wireguard-go's TUN")):
        print(f"{name}: {found[side]}\n  refused by the kernel: {refused[side]}")
    for side in range(2):
        assert found[side]["wrong"] == 0, found[side]["examples"]
        assert min(found[side][kind] for kind in ("tcp", "udp", "ipv6")) > 0, found[side]
        assert len(refused[side]) == len(COUNTERS) and not any(refused[side].values()), refused[side]
    assert found[1]["unfinished"] == 0, "wireguard-go's TUN has no offload: nothing may be unfinished there"
    return 0


sys.exit(main())
