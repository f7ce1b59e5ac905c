# SPDX-License-Identifier: BSD-3-Clause
"""Debian's other tunnels, set up as their manuals do: Nebula, OpenVPN, tinc, n2n."""

import os

from machine import run
from namespaces import OVERLAY, UNDERLAY, wait_until

MTU = 1420


def start_nebula(tunnel, _) -> None:
    folder = tunnel.folder
    run("nebula-cert", "ca", "-name", "bench", cwd=folder)
    for side in range(2):
        run("nebula-cert", "sign", "-name", f"node{side}", "-ip", f"{OVERLAY}.{side + 1}/24", cwd=folder)
        other = 1 - side
        (folder / f"nebula{side}.yml").write_text(f"""pki: {{ca: {folder}/ca.crt, cert: {folder}/node{side}.crt, key: {folder}/node{side}.key}}
static_host_map: {{"{OVERLAY}.{other + 1}": ["{UNDERLAY}.{other + 1}:4242"]}}
lighthouse: {{am_lighthouse: false}}
listen: {{host: {UNDERLAY}.{side + 1}, port: 4242}}
tun: {{dev: nebula{side}, mtu: {MTU}}}
firewall:
  outbound: [{{port: any, proto: any, host: any}}]
  inbound: [{{port: any, proto: any, host: any}}]
""")
        tunnel.start(side, "nebula", "nebula", "-config", folder / f"nebula{side}.yml")
        wait_until("nebula", lambda: tunnel.has_address(side), 20)


def start_openvpn(tunnel, _) -> None:
    """Point to point with TLS; the two ends agree on AES-256-GCM by themselves."""
    folder = tunnel.folder
    prints = []
    for side in range(2):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            folder / f"vpn{side}.key", "-out", folder / f"vpn{side}.crt", "-subj", f"/CN=node{side}", "-days", 2)
        prints.append(run("openssl", "x509", "-in", folder / f"vpn{side}.crt", "-noout", "-fingerprint", "-sha256")
                      .strip().partition("=")[2])
    for side in range(2):
        other = 1 - side
        tunnel.start(side, "openvpn", "openvpn", "--dev", f"vpn{side}", "--dev-type", "tun", "--tun-mtu", MTU,
                     "--proto", "udp4", "--local", f"{UNDERLAY}.{side + 1}", "--remote", f"{UNDERLAY}.{other + 1}",
                     "--port", 1194, "--ifconfig", f"{OVERLAY}.{side + 1}", f"{OVERLAY}.{other + 1}",
                     *(("--tls-server", "--dh", "none") if side else ("--tls-client",)), "--cert",
                     folder / f"vpn{side}.crt", "--key", folder / f"vpn{side}.key", "--peer-fingerprint", prints[other])
    for side in range(2):
        wait_until("openvpn", lambda: f" {OVERLAY}.{side + 1} " in tunnel.spaces.ip(side, "-4", "addr"), 20)


def start_tinc(tunnel, _) -> None:
    for side in range(2):
        other, folder = 1 - side, tunnel.folder / f"tinc{side}"
        (folder / "hosts").mkdir(parents=True)
        (folder / "tinc.conf").write_text(
            f"Name = node{side}\nMode = router\nDeviceType = tun\nInterface = tinc{side}\nAddressFamily = ipv4\n"
            + (f"ConnectTo = node{other}\n" if side else ""))
        for host in range(2):
            (folder / "hosts" / f"node{host}").write_text(
                f"Address = {UNDERLAY}.{host + 1}\nSubnet = {OVERLAY}.{host + 1}/32\n")
        # tincd asks where to put the keys if its input is a terminal; otherwise it takes the places we want.
        run("tincd", "-c", folder, "-K", 2048, stdin=open(os.devnull))
    keys = [(tunnel.folder / f"tinc{side}/hosts/node{side}").read_text() for side in range(2)]
    for side in range(2):
        (tunnel.folder / f"tinc{side}/hosts/node{1 - side}").write_text(keys[1 - side])
        tunnel.start(side, "tinc", "tincd", "-c", tunnel.folder / f"tinc{side}", "-D", "--pidfile",
                     tunnel.folder / f"tinc{side}.pid")
        wait_until("tincd", lambda: f"tinc{side}:" in tunnel.spaces.ip(side, "link"), 20)
        tunnel.give_address(side, f"tinc{side}")


def start_n2n(tunnel, _) -> None:
    tunnel.spaces.start(0, "supernode", "-l", 7654)
    for side in range(2):
        tunnel.start(side, "n2n", "edge", "-d", f"n2n{side}", "-a", f"{OVERLAY}.{side + 1}", "-c", "bench", "-k",
                     "benchmark", "-l", f"{UNDERLAY}.1:7654", "-M", MTU)
        wait_until("edge", lambda: tunnel.has_address(side), 20)
