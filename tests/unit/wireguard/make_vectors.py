#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints the constants of noise_vectors.h: one WireGuard handshake and its transport messages, computed from the paper's
section 5.4 by code that shares nothing with mesh/: Python's hashlib, and X25519 (RFC 7748) and ChaCha20-Poly1305
(RFC 8439) written out below. `make_vectors.py | clang-format-19 --assume-filename=x.h > noise_vectors.h` repeats it."""

import hashlib
import hmac
import struct

P = 2**255 - 19


def x25519(scalar: bytes, point: bytes) -> bytes:
    k = int.from_bytes(bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64]), "little")
    x1 = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(scalar: bytes) -> bytes:
    return x25519(scalar, b"\x09" + bytes(31))


def chacha_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = start[:]

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = s[x] + s[y] & 0xFFFFFFFF
            v = s[z] ^ s[x]
            s[z] = (v << n | v >> 32 - n) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def aead(key: bytes, counter: int, plain: bytes, extra: bytes) -> bytes:
    nonce = bytes(4) + struct.pack("<Q", counter)
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(plain) + 63) // 64))
    cipher = bytes(a ^ b for a, b in zip(plain, stream))

    def pad(run):
        return run + bytes(-len(run) % 16)

    one_time = chacha_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    accumulator = 0
    text = pad(extra) + pad(cipher) + struct.pack("<QQ", len(extra), len(cipher))
    for i in range(0, len(text), 16):
        accumulator = (accumulator + int.from_bytes(text[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    tag = (accumulator + int.from_bytes(one_time[16:32], "little")) % 2**128
    return cipher + tag.to_bytes(16, "little")


def hash_(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def kdf(key: bytes, data: bytes, count: int) -> list[bytes]:
    def mac(k, m):
        return hmac.new(k, m, hashlib.blake2s).digest()

    secret, out, last = mac(key, data), [], b""
    for i in range(count):
        last = mac(secret, last + bytes([i + 1]))
        out.append(last)
    return out


def mac16(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def handshake() -> dict[str, bytes]:
    # The four private keys are hashes of their names, so that nobody can have chosen them.
    si, sr, ei, er = (hash_(b"weft vector", name) for name in (b"Si", b"Sr", b"Ei", b"Er"))
    si, sr, ei, er = (bytes([k[0] & 248]) + k[1:31] + bytes([k[31] & 127 | 64]) for k in (si, sr, ei, er))
    psk = hash_(b"weft vector", b"Q")
    timestamp = bytes.fromhex("400000005f5e10f012345678")
    index_i, index_r = 0x11223344, 0xA1B2C3D4

    chaining = hash_(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    transcript = hash_(chaining, b"WireGuard v1 zx2c4 Jason@zx2c4.com")
    values = {"initial_chaining_key": chaining, "initial_hash": transcript}
    transcript = hash_(transcript, public(sr))

    # First message, 5.4.2
    chaining, = kdf(chaining, public(ei), 1)
    transcript = hash_(transcript, public(ei))
    chaining, key = kdf(chaining, x25519(ei, public(sr)), 2)
    static = aead(key, 0, public(si), transcript)
    transcript = hash_(transcript, static)
    chaining, key = kdf(chaining, x25519(si, public(sr)), 2)
    stamp = aead(key, 0, timestamp, transcript)
    transcript = hash_(transcript, stamp)
    first = struct.pack("<II", 1, index_i) + public(ei) + static + stamp
    first += mac16(hash_(b"mac1----", public(sr)), first)
    first += bytes(16)

    # Second message, 5.4.3
    chaining, = kdf(chaining, public(er), 1)
    transcript = hash_(transcript, public(er))
    chaining, = kdf(chaining, x25519(er, public(ei)), 1)
    chaining, = kdf(chaining, x25519(er, public(si)), 1)
    chaining, tau, key = kdf(chaining, psk, 3)
    transcript = hash_(transcript, tau)
    nothing = aead(key, 0, b"", transcript)
    second = struct.pack("<III", 2, index_r, index_i) + public(er) + nothing
    second += mac16(hash_(b"mac1----", public(si)), second)
    second += bytes(16)

    # Transport, 5.4.5 and 5.4.6
    to_responder, to_initiator = kdf(chaining, b"", 2)
    content = b"warp and weft..."
    data = struct.pack("<IIQ", 4, index_r, 7) + aead(to_responder, 7, content, b"")
    back = struct.pack("<IIQ", 4, index_i, 0) + aead(to_initiator, 0, b"", b"")
    return values | {
        "initiator_private": si, "responder_private": sr, "initiator_ephemeral": ei, "responder_ephemeral": er,
        "preshared_key": psk, "timestamp": timestamp, "initiation": first, "response": second,
        "key_to_responder": to_responder, "key_to_initiator": to_initiator, "data_counter_7": data, "keepalive_counter_0": back,
    }


def self_test() -> None:
    # RFC 7748 section 6.1
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    assert x25519(alice, bob).hex() == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    block = chacha_block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000"))  # RFC 8439 section 2.3.2
    assert block.hex().startswith("10f1e7e4d13b5915500fdd1fa32071c4")


def main() -> None:
    self_test()
    print("// SPDX-License-Identifier: BSD-3-Clause\n#pragma once\n\n#include <string_view>\n")
    print("/// One handshake and its first packets, written by make_vectors.py, which shares no code with mesh/.")
    print("namespace weft::wireguard::vector {\n")
    for name, value in handshake().items():
        print(f"inline constexpr std::string_view k{name.title().replace('_', '')} =")
        text = value.hex()
        lines = [f'    "{text[i:i + 96]}"' for i in range(0, len(text), 96)]
        print("\n".join(lines) + ";")
    print("\n}  // namespace weft::wireguard::vector")


main()
