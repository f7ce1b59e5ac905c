# SPDX-License-Identifier: BSD-3-Clause
"""One TCP transfer: `receive ADDRESS` prints its port, `send ADDRESS PORT SIZE`; both print size and SHA-256."""

import hashlib
import random
import socket
import sys


def receive(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        server.settimeout(60)
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.settimeout(60)
        digest, size = hashlib.sha256(), 0
        while data := connection.recv(65536):
            digest.update(data)
            size += len(data)
    print(size, digest.hexdigest())


def send(address: str, port: int, size: int) -> None:
    data = random.Random(size).randbytes(size)
    with socket.create_connection((address, port), timeout=60) as connection:
        connection.sendall(data)
    print(size, hashlib.sha256(data).hexdigest())


if sys.argv[1] == "receive":
    receive(sys.argv[2])
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
