# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages on clean machines: installed, used, upgraded, purged, and nothing is left.

usage: package_test.py FOLDER-OF-PACKAGES [--debian SUITE MIRROR]

Without --debian the machines are copies (overlays) of the one that the test runs on, which has the libraries; with it, of a minimal
Debian made by mmdebstrap, which gets them by apt from the mirror (about 3 minutes, needs the network)."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

from machines import Machine, Room, eventually, in_own_mount_namespace, run

# What the package manager writes about itself.
OF_THE_PACKAGE_MANAGER = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log/apt", "var/log/dpkg.log", "var/log/alternatives.log",
                          "etc/ld.so.cache", "tmp")
LINES_BAR_S = 60.0


def base_root(folder: pathlib.Path, suite: str | None, mirror: str | None) -> pathlib.Path:
    if suite is None:
        return pathlib.Path("/")
    root = folder / "base"
    run("mmdebstrap", "--variant=minbase", suite, str(root), mirror, limit_s=550)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")  # as the installer of a machine would; it must stay as it is
    make_devices(root / "dev")
    run("chroot", str(root), "apt-get", "update", limit_s=200)
    return root


def make_devices(folder: pathlib.Path) -> None:
    """The devices that a container has, of its own: nothing of the test's machine can be reached through them."""
    run("mount", "-t", "tmpfs", "none", str(folder))
    for name, numbers in (("null", "1 3"), ("zero", "1 5"), ("full", "1 7"), ("random", "1 8"), ("urandom", "1 9"), ("net/tun", "10 200")):
        (folder / name).parent.mkdir(exist_ok=True)
        run("mknod", "-m", "666", str(folder / name), "c", *numbers.split())


def give_root(machine: Machine, base: pathlib.Path, packages: list[pathlib.Path]) -> None:
    """A root of its own over `base`; what changes is in `changes`."""
    space = machine.folder / "disk"
    space.mkdir()
    run("mount", "-t", "tmpfs", "none", str(space))
    for name in ("changes", "work", "root"):
        (space / name).mkdir()
    root, machine.changes = space / "root", space / "changes"
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={space}/changes,workdir={space}/work", str(root))
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    make_devices(root / "dev")
    run("mount", "-t", "tmpfs", "none", str(root / "tmp"))
    for package in packages:
        shutil.copy(package, root / "tmp" / package.name)
    machine.root = root


def changed_files(machine: Machine) -> list[str]:
    """Files and folders that differ from the clean root, without the package manager's own."""
    found = []
    for path in sorted(machine.changes.rglob("*")):
        name = path.relative_to(machine.changes).as_posix()
        mine = not any(name == own or name.startswith(own + "/") for own in OF_THE_PACKAGE_MANAGER)
        if mine and (not path.is_dir() or not (machine.base / name).exists()):
            found.append(name)
    return found


def apt(machine: Machine, action: str, *what: str, online: bool) -> None:
    """apt inside the root; with the network of the test's machine if libraries must be fetched."""
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "--no-install-recommends", *action.split(), *what]
    if online:
        run("chroot", str(machine.root), *command, limit_s=300)
    else:
        machine.run(*command, limit_s=300)


def next_version(package: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The same package as of a later version."""
    tree = folder / "later"
    run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN/control"
    lines = [line + "+later" if line.startswith("Version:") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    later = folder / "weft-later.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(tree), str(later))
    return later


def ping_works(source: Machine, address: str) -> bool:
    return subprocess.run(["nsenter", f"--net=/proc/{source.holder.pid}/ns/net", "ping", "-n", "-c", "1", "-W", "1", address],
                          capture_output=True).returncode == 0


def use(room: Room) -> str:
    """The lines of docs/operations.md, each machine's own. Returns the address that answers to a ping."""
    head, a, b = room["head"], room["a"], room["b"]
    head.daemon("coordinator", "weft", "coordinator")
    key = eventually("a setup key", lambda: head.run("weft", "key", "create", "--reusable", check=False).stdout.strip())
    head.daemon("relay", "weft", "relay", "--key", key, "--listen", f"{head.v4}:8443")
    for machine in (a, b):
        machine.daemon("agent", "weft", "agent")  # the service manager's part
        eventually("the agent listens", lambda machine=machine: machine.run("weft", "status", check=False).returncode == 0)
        machine.shell(f"weft up --key {key} --name {machine.name}")
    a.shell("weft up --wait=peer:b --timeout 30s")
    address = json.loads(b.shell("weft status --json"))["self"]["addresses"][0]
    eventually("a ping is answered", lambda: ping_works(a, address))
    return address


def restart_agent(machine: Machine) -> None:
    machine.daemons["agent"].end()
    machine.daemons["agent"].start()


def installed_files(machine: Machine) -> None:
    """What the package brings, beside the binary."""
    listed = machine.shell("dpkg -L weft")
    for name in ("/usr/bin/weft", "/lib/systemd/system/weft-agent.service", "/usr/share/man/man1/weft.1.gz", "/etc/weft/weft.json",
                 "/usr/share/bash-completion/completions/weft", "/usr/share/zsh/vendor-completions/_weft"):
        assert name in listed.split(), f"{name} is not in the package"
    assert machine.shell("stat -c %a /etc/weft/relay.env").strip() == "600"
    enabled = machine.changes / "etc/systemd/system/multi-user.target.wants"
    assert [link.name for link in enabled.iterdir()] == ["weft-agent.service"], "only the agent is enabled"


def check(packages: pathlib.Path, suite: str | None, mirror: str | None) -> None:
    vpn = next(packages.glob("weft_*.deb"))
    online = suite is not None
    with Room("head", "a", "b") as room:
        base = base_root(room.folder, suite, mirror)
        later = next_version(vpn, room.folder)
        clean = {}
        for machine in room.machines.values():
            machine.base = base
            give_root(machine, base, [vpn, later])
            clean[machine.name] = machine.traces()

        begun = time.monotonic()
        for machine in room.machines.values():
            apt(machine, "install", f"/tmp/{vpn.name}", online=online)
        address = use(room)
        took = time.monotonic() - begun
        print(f"three machines installed, coordinator, relay, two `weft up`, a ping: {took:.1f} s")
        assert took <= LINES_BAR_S, f"{took:.1f} s are more than {LINES_BAR_S:g}"
        installed_files(room["a"])

        apt(room["b"], "install", f"/tmp/{later.name}", online=online)
        assert "+later" in room["b"].shell("dpkg-query -W weft")
        restart_agent(room["b"])
        eventually("a ping after the upgrade, without a key", lambda: ping_works(room["a"], address))
        apt(room["b"], "install --allow-downgrades", f"/tmp/{vpn.name}", online=online)
        restart_agent(room["b"])
        eventually("a ping after the way back", lambda: ping_works(room["a"], address))

        room["a"].daemons["agent"].kill()
        for machine in room.machines.values():
            for daemon in machine.daemons.values():
                daemon.end()
        kept = changed_files(room["b"])
        assert any(name.startswith("var/lib/weft/") for name in kept)
        apt(room["b"], "remove", "weft", online=online)
        assert (room["b"].root / "var/lib/weft/identity").exists(), "removal keeps the state"
        for machine in room.machines.values():
            apt(machine, "purge --auto-remove" if online else "purge", "weft", online=online)
            assert changed_files(machine) == [], f"{machine.name}: purge leaves {changed_files(machine)}"
            left = machine.traces()
            for what, before in clean[machine.name].items():
                assert left[what] == before, f"{machine.name}: {what} before:\n{before}\nafter purge:\n{left[what]}"
        for machine in room.machines.values():
            run("umount", "-R", str(machine.folder / "disk"))
        print("purged: no file, link, address, route, rule or packet filter is left on three machines")


def main() -> int:
    if not in_own_mount_namespace():
        print("needs root: network namespaces, mounts and apt; skipped", file=sys.stderr)
        return 77
    arguments = sys.argv[2:]
    suite, mirror = arguments[1:3] if arguments[:1] == ["--debian"] else (None, None)
    check(pathlib.Path(sys.argv[1]), suite, mirror)
    return 0


if __name__ == "__main__":
    sys.exit(main())
