# SPDX-License-Identifier: BSD-3-Clause
"""Sends an ICMP echo request each 20 ms and writes one line for each answer: when it came (monotonic) and its round trip in seconds.
ping(8) would do, but writes to a pipe a block at a time. usage: pinger.py ADDRESS"""

import os
import select
import socket
import struct
import sys
import time

INTERVAL_S = 0.02


def request(identifier: int, sequence: int) -> bytes:
    content = struct.pack("!d", time.monotonic())
    words = struct.unpack("!8H", struct.pack("!BBHHH", 8, 0, 0, identifier, sequence) + content)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, identifier, sequence) + content


def main() -> None:
    target, identifier, sequence = sys.argv[1], os.getpid() & 0xFFFF, 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as link:
        due = time.monotonic()
        while True:
            if select.select([link], [], [], max(0.0, due - time.monotonic()))[0]:
                packet = link.recv(2048)
                message = packet[(packet[0] & 15) * 4:]
                if message[0] == 0 and struct.unpack("!H", message[4:6])[0] == identifier:
                    now = time.monotonic()
                    print(f"{now:.6f} {now - struct.unpack('!d', message[8:16])[0]:.6f}", flush=True)
                continue
            sequence = (sequence + 1) & 0xFFFF
            due += INTERVAL_S
            try:
                link.sendto(request(identifier, sequence), (target, 0))
            except OSError:
                pass  # no route at this moment


if __name__ == "__main__":
    main()
