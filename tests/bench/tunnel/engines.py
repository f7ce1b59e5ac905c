# SPDX-License-Identifier: BSD-3-Clause
"""The tunnels that are compared: each is started on both sides of two namespaces, with an MTU of 1420 inside.

Debian's programs run as their manuals set them up: nothing is tuned, on either side of a comparison."""

import json
import os
import pathlib
import subprocess

import others
from machine import run
from namespaces import OVERLAY, OVERLAY6, UNDERLAY, Namespaces, wait_until

PORT, MTU = 51820, 1420


class Keys:
    """Of one end of a WireGuard tunnel."""

    def __init__(self) -> None:
        self.private = run("wg", "genkey").strip()
        self.public = run("wg", "pubkey", input=self.private).strip()


class Tunnel:
    """A tunnel that runs: its processes, whose time and memory count, and the far address inside it."""

    def __init__(self, spaces: Namespaces, folder: pathlib.Path, weft: pathlib.Path, weft_flags: tuple = ()) -> None:
        self.spaces, self.folder, self.weft, self.weft_flags = spaces, folder, weft, weft_flags
        self.keys: list[Keys] = []
        self.processes: list[subprocess.Popen] = []
        self.target = f"{OVERLAY}.2"

    def start(self, side: int, name: str, *command: object) -> subprocess.Popen:
        """A process of the tunnel; what it says goes to a file."""
        with open(self.folder / f"{name}-{side}.log", "w") as log:
            process = self.spaces.start(side, *command, stdout=log, stderr=log, environment=self.environment())
        self.processes.append(process)
        return process

    @staticmethod
    def environment() -> dict:
        return {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}

    def has_address(self, side: int) -> bool:
        if any(process.poll() is not None for process in self.processes):
            raise RuntimeError("a tunnel ended at once:\n" + self.logs())
        return f" {OVERLAY}.{side + 1}/" in self.spaces.ip(side, "-4", "addr")

    def give_address(self, side: int, device: str, *more: str) -> None:
        self.spaces.ip(side, "addr", "add", f"{OVERLAY}.{side + 1}/24", "dev", device)
        for address in more:
            self.spaces.ip(side, "addr", "add", address, "dev", device, "nodad")
        self.spaces.ip(side, "link", "set", device, "mtu", MTU, "up")

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))


def device_name(side: int) -> str:
    return f"wb{os.getpid()}-{side}"[:15]


def wireguard_configuration(side: int, keys: list[Keys], interface: str) -> str:
    other = 1 - side
    return (f"[Interface]\nPrivateKey = {keys[side].private}\nListenPort = {PORT}\n{interface}"
            f"[Peer]\nPublicKey = {keys[other].public}\nAllowedIPs = {OVERLAY}.{other + 1}/32, {OVERLAY6}::{other + 1}/128\n"
            f"Endpoint = {UNDERLAY}.{other + 1}:{PORT}\n")


def start_weft(tunnel: Tunnel, side: int, keys: list[Keys], cipher: str) -> None:
    file = tunnel.folder / f"weft-{side}.conf"
    file.touch(mode=0o600)
    file.write_text(wireguard_configuration(side, keys, f"Address = {OVERLAY}.{side + 1}/24, {OVERLAY6}::{side + 1}/64\n"
                                                     f"MTU = {MTU}\n"))
    tunnel.start(side, "weft", tunnel.weft, "debug", "wireguard", file, "--tun", device_name(side), "--cipher", cipher,
                 *tunnel.weft_flags)
    wait_until("weft", lambda: tunnel.has_address(side), 30)


def start_wireguard_go(tunnel: Tunnel, side: int, keys: list[Keys]) -> None:
    file = tunnel.folder / f"wg-{side}.conf"
    file.touch(mode=0o600)
    file.write_text(wireguard_configuration(side, keys, ""))
    tunnel.start(side, "wireguard-go", "wireguard-go", "-f", device_name(side))
    wait_until("wireguard-go", pathlib.Path(f"/var/run/wireguard/{device_name(side)}.sock").exists)
    tunnel.spaces.run(side, "wg", "setconf", device_name(side), file)
    tunnel.give_address(side, device_name(side), f"{OVERLAY6}::{side + 1}/64")


def start_ends(tunnel: Tunnel, ends: list[str]) -> None:
    """WireGuard, from two implementations if need be."""
    tunnel.keys = [Keys(), Keys()]
    for side, end in enumerate(ends):
        if end == "wireguard-go":
            start_wireguard_go(tunnel, side, tunnel.keys)
        else:
            start_weft(tunnel, side, tunnel.keys, end.partition("-")[2] or "auto")


def start_agents(tunnel: Tunnel, _: list[str]) -> None:
    """What people deploy: a coordinator, a relay and two agents, which find the direct path by themselves."""
    folder, weft, spaces = tunnel.folder, tunnel.weft, tunnel.spaces
    helpers = []

    def daemon(side: int, name: str, *arguments: object) -> None:
        tunnel.start(side, name, weft, *arguments, "--state", folder / name, "--socket", folder / f"{name}.sock")
        if name in ("coordinator", "relay"):
            helpers.append(tunnel.processes.pop())

    def status(side: int) -> dict:
        done = subprocess.run([weft, "status", "--json", "--socket", folder / f"agent{side}.sock"], capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def direct(side: int) -> bool:
        peers = status(side).get("peers", [])
        if peers:
            spaces.reaches(side, peers[0]["addresses"][0])
        return any(peer["path"] == "direct" for peer in peers)

    daemon(0, "coordinator", "coordinator", "--listen", f"{UNDERLAY}.1:443")
    wait_until("the coordinator", (folder / "coordinator.sock").exists)
    token = run(weft, "key", "create", "--reusable", "--socket", folder / "coordinator.sock").strip()
    daemon(0, "relay", "relay", "--key", token, "--listen", f"{UNDERLAY}.1:8443", "--stun", f"{UNDERLAY}.1:3478")
    for side in range(2):
        daemon(side, f"agent{side}", "agent", "--up", "--key", token, "--name", f"node{side}", "--tun",
               device_name(side), "--mtu", MTU)
    for side in range(2):
        wait_until("the direct path between two agents", lambda: direct(side), 40)
    tunnel.target = next(address for address in status(1)["self"]["addresses"] if ":" not in address)


def start_raw(tunnel: Tunnel, _: list[str]) -> None:
    """The veth without a tunnel."""
    tunnel.target = f"{UNDERLAY}.2"


WIREGUARD = ("wireguard-go", "weft", "weft-avx512", "weft-avx2", "weft-openssl")
OTHERS = {"weft-agent": start_agents, "raw": start_raw, "nebula": others.start_nebula, "tinc": others.start_tinc,
          "openvpn": others.start_openvpn, "n2n": others.start_n2n}
NAMES = (*WIREGUARD, *OTHERS)


def check(engine: str) -> str | None:
    """Why an engine cannot be run, if so."""
    ends = engine.split("/")
    if len(ends) > 2 or any(end not in NAMES for end in ends):
        return f"there is no engine {engine}: {', '.join(NAMES)}, or two of the first {len(WIREGUARD)} with a slash"
    if len(ends) == 2 and not set(ends) <= set(WIREGUARD):
        return f"{engine}: only {', '.join(WIREGUARD)} can be the two ends of one tunnel"
    return None


def start(engine: str, spaces: Namespaces, folder: pathlib.Path, weft: pathlib.Path, weft_flags: tuple = ()) -> Tunnel:
    """`weft_flags`: more of them for weft debug wireguard."""
    tunnel = Tunnel(spaces, folder, weft, weft_flags)
    ends = (engine.split("/") * 2)[:2]
    OTHERS.get(engine, start_ends)(tunnel, ends)
    try:
        wait_until(f"{engine}: the far end", lambda: spaces.reaches(0, tunnel.target), 30)
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{tunnel.logs()}") from None
    return tunnel
