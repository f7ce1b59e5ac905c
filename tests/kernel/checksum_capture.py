# SPDX-License-Identifier: BSD-3-Clause
"""Checks the checksums of every IP packet that arrives on a network interface, until the input ends; prints a JSON object.

  checksum_capture.py DEVICE SOURCE...

SOURCE: addresses whose packets count. A capture sees packets before the stack has finished or checked them, so the
kernel is asked about each (PACKET_AUXDATA): where it says that the transport checksum is still to be computed, as for a
super-packet that a tunnel handed over with offload, the field must hold the sum of the pseudo-header, from which the
rest is computed; otherwise it must be right as it is. That of the IPv4 header must be right always."""

import ipaddress
import json
import selectors
import socket
import struct
import sys

SOL_PACKET, PACKET_AUXDATA, PACKET_STATISTICS = 263, 8, 6
ETH_P_ALL, PACKET_OUTGOING, TP_STATUS_CSUMNOTREADY = 3, 4, 8
CHECKSUM_AT = {socket.IPPROTO_TCP: 16, socket.IPPROTO_UDP: 6}


def ones_sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words, by casting out 65,535."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF


class Packet:
    def __init__(self, data: bytes) -> None:
        self.v4 = data[0] >> 4 == 4
        if self.v4:
            size = (data[0] & 15) * 4
            self.length, self.protocol = struct.unpack_from("!H", data, 2)[0], data[9]
            self.fragment = struct.unpack_from("!H", data, 6)[0] & 0x3FFF != 0
            self.addresses = data[12:20]
        else:
            size, self.fragment = 40, False
            self.length, self.protocol = struct.unpack_from("!H", data, 4)[0] + 40, data[6]
            self.addresses = data[8:40]
        self.header, self.transport = data[:size], data[size:self.length]
        half = len(self.addresses) // 2
        self.source = ipaddress.ip_address(self.addresses[:half])

    def pseudo_header(self) -> bytes:
        return self.addresses + struct.pack("!II", len(self.transport), self.protocol)

    def problem(self, unfinished: bool) -> str | None:
        if self.v4 and ones_sum(self.header) != 0:
            return "IPv4 header"
        at = CHECKSUM_AT.get(self.protocol)
        if at is None or self.fragment:
            return None
        field = struct.unpack_from("!H", self.transport, at)[0]
        if unfinished:
            return None if field % 0xFFFF == ones_sum(self.pseudo_header()) else "pseudo-header"
        if self.protocol == socket.IPPROTO_UDP and field == 0:  # none: for IPv4 only
            return None if self.v4 else "no checksum"
        right = ones_sum(self.pseudo_header() + self.transport) == 0
        return None if right else "transport"


class Capture:
    def __init__(self, device: str, sources: list[str]) -> None:
        self.sources = {ipaddress.ip_address(source) for source in sources}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind((device, ETH_P_ALL))
        self.counts = dict.fromkeys(("packets", "unfinished", "super_packets", "tcp", "udp", "ipv6", "wrong"), 0)
        self.examples: list[str] = []

    def take(self) -> None:
        data, ancillary, _, address = self.socket.recvmsg(1 << 17, 256, socket.MSG_TRUNC)
        if address[2] == PACKET_OUTGOING or not data:
            return
        status = next((struct.unpack_from("=I", value)[0] for level, kind, value in ancillary
                       if (level, kind) == (SOL_PACKET, PACKET_AUXDATA)), 0)
        packet = Packet(data)
        if packet.source not in self.sources:
            return
        unfinished = bool(status & TP_STATUS_CSUMNOTREADY)
        self.count(packet, unfinished)
        if problem := packet.problem(unfinished):
            self.counts["wrong"] += 1
            self.examples.append(f"{problem}: {data[:60].hex()} of {len(data)} bytes")

    def count(self, packet: Packet, unfinished: bool) -> None:
        self.counts["packets"] += 1
        self.counts["unfinished"] += unfinished
        self.counts["super_packets"] += packet.length > 1500
        self.counts["ipv6"] += not packet.v4
        self.counts["tcp"] += packet.protocol == socket.IPPROTO_TCP
        self.counts["udp"] += packet.protocol == socket.IPPROTO_UDP

    def run(self) -> None:
        print("ready", flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ, self.take)
            selector.register(sys.stdin, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    key.data()

    def report(self) -> None:
        _, missed = struct.unpack("=II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        print(json.dumps(self.counts | {"missed": missed, "examples": self.examples[:5]}), flush=True)


if __name__ == "__main__":
    capture = Capture(sys.argv[1], sys.argv[2:])
    capture.run()
    capture.report()
