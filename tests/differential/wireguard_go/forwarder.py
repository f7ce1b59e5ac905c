# SPDX-License-Identifier: BSD-3-Clause
"""The man in the middle: passes UDP datagrams between two hosts that know only it, and spoils them by count.

  forwarder.py LEFT_ADDRESS:PORT LEFT_PEER:PORT RIGHT_ADDRESS:PORT RIGHT_PEER:PORT DROP_FROM_LEFT DROP_FROM_RIGHT

The last two are comma lists: which handshake messages (WireGuard types 1 and 2, counted from 0 in their direction)
are lost; every other one is sent again behind the fifth datagram of data after it (not at once: wireguard-go of 2022
looks at two initiations on two threads, answers both copies, and forgets the keys of its first answer).

Of data, while "faults" holds, by the count in its direction: every tenth is lost, every tenth is held back behind the
next two, every tenth is sent twice, and every twentieth brings one of the past back.

Commands on standard input, one a line: faults, clean, rebind left, rebind right (the next port towards that peer, as
a NAT that restarted). Prints a JSON object of counters after each command and at the end of the input."""

import json
import selectors
import socket
import sys


def endpoint(text: str) -> tuple[str, int]:
    address, port = text.rsplit(":", 1)
    return address, int(port)


class Direction:
    """What arrives from one side and goes to the other."""

    def __init__(self, drop_handshakes: str, counters: dict) -> None:
        self.drop_handshakes = {int(n) for n in drop_handshakes.split(",") if n}
        self.counters = counters
        self.handshakes = 0
        self.data = 0
        self.held: list[bytes] = []
        self.past: list[bytes] = []
        self.copies: list[tuple[int, bytes]] = []  # of handshake messages, and at which count of data to send them

    def count(self, what: str) -> None:
        self.counters[what] += 1

    def pass_on(self, datagram: bytes, faults: bool) -> list[bytes]:
        if datagram[:1] in (b"\x01", b"\x02"):
            return self.pass_handshake(datagram)
        self.data += 1
        return (self.spoil(datagram) if faults else self.release() + [datagram]) + self.due_copies()

    def due_copies(self) -> list[bytes]:
        due = [copy for at, copy in self.copies if at <= self.data]
        self.copies = [(at, copy) for at, copy in self.copies if at > self.data]
        self.counters["handshakes_doubled"] += len(due)
        return due

    def release(self) -> list[bytes]:
        held, self.held = self.held, []
        return held

    def pass_handshake(self, datagram: bytes) -> list[bytes]:
        self.handshakes += 1
        if self.handshakes - 1 in self.drop_handshakes:
            self.count("handshakes_lost")
            return []
        self.copies.append((self.data + 5, datagram))
        return [datagram]

    def spoil(self, datagram: bytes) -> list[bytes]:
        self.past = (self.past + [datagram])[-40:]
        out = [datagram]
        if self.data % 10 == 3:
            self.count("lost")
            out = []
        elif self.data % 10 == 5:
            self.count("held")
            self.held = [datagram]
            out = []
        elif self.data % 10 == 7:
            out = [datagram] + self.release()
        elif self.data % 10 == 9:
            self.count("doubled")
            out = [datagram, datagram]
        if self.data % 20 == 11 and len(self.past) == 40:
            self.count("replayed")
            out.append(self.past[0])
        return out


class Forwarder:
    def __init__(self, arguments: list[str]) -> None:
        self.left_peer, self.right_peer = endpoint(arguments[1]), endpoint(arguments[3])
        self.addresses = {"left": endpoint(arguments[0]), "right": endpoint(arguments[2])}
        self.counters = dict.fromkeys(
            ("handshakes_lost", "handshakes_doubled", "lost", "held", "doubled", "replayed", "rebound"), 0)
        self.from_left = Direction(arguments[4], self.counters)
        self.from_right = Direction(arguments[5], self.counters)
        self.faults = False
        self.selector = selectors.DefaultSelector()
        self.sockets = {side: self.open(address) for side, address in self.addresses.items()}
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    def open(self, local: tuple[str, int]) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(local)
        self.selector.register(opened, selectors.EVENT_READ)
        return opened

    def run(self) -> None:
        self.report()
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    line = sys.stdin.readline()
                    if not line:
                        return self.report()
                    self.command(line.strip())
                elif key.fileobj is self.sockets["left"]:
                    self.move(key.fileobj, self.from_left, self.sockets["right"], self.right_peer)
                elif key.fileobj is self.sockets["right"]:
                    self.move(key.fileobj, self.from_right, self.sockets["left"], self.left_peer)

    def move(self, source, direction: Direction, sink, peer) -> None:
        try:
            datagram = source.recv(65536)
            for out in direction.pass_on(datagram, self.faults):
                sink.sendto(out, peer)
        except ConnectionRefusedError:
            pass  # the peer is not up yet; ICMP said so

    def command(self, word: str) -> None:
        if word in ("faults", "clean"):
            self.faults = word == "faults"
        elif word.startswith("rebind "):
            self.rebind(word.split()[1])
        self.report()

    def rebind(self, side: str) -> None:
        self.selector.unregister(self.sockets[side])
        self.sockets[side].close()
        address, port = self.addresses[side]
        self.addresses[side] = (address, port + 1)
        self.sockets[side] = self.open(self.addresses[side])
        self.counters["rebound"] += 1

    def report(self) -> None:
        print(json.dumps(self.counters), flush=True)


if __name__ == "__main__":
    Forwarder(sys.argv[1:]).run()
