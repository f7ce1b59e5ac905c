# SPDX-License-Identifier: BSD-3-Clause
"""Runs weft-lab in the kernel world, and looks for what it may have left behind."""

import json
import os
import pathlib
import subprocess

LAB = os.environ["WEFT_LAB_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen([LAB, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments: str, limit_s: float = 200) -> subprocess.CompletedProcess:
    return subprocess.run([LAB, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=limit_s)


def parent_of(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def descendants(pid: int) -> set[int]:
    """All living children of a process, theirs and so on."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = parent_of(int(entry.name))
            except (OSError, IndexError):
                pass  # ended meanwhile
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def namespaces(pids: set[int]) -> set[str]:
    """Network namespaces in which a process of `pids` is, or that it holds open, without this process's own."""
    found = set()
    for pid in pids:
        for link in (f"/proc/{pid}/ns/net", *(f"/proc/{pid}/fd/{name}" for name in _names(f"/proc/{pid}/fd"))):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("net:"):
                found.add(target)
    return found - {os.readlink("/proc/self/ns/net")}


def held_anywhere(wanted: set[str]) -> set[str]:
    """Which of these namespaces some process still is in or holds."""
    everyone = {int(name) for name in _names("/proc") if name.isdigit()}
    return namespaces(everyone) & wanted


def folders(pid: int) -> list[str]:
    """Laboratory folders that a process made."""
    return [name for name in _names("/run/weft-lab") if name.startswith(f"{pid}-")]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def write_scenario(path: pathlib.Path, **changes) -> str:
    """Two nodes, one behind netfilter and one behind our gateway process, and a ping; with changes to its keys."""
    document = {
        "name": "two", "nat_models": str(ROOT / "nat-models"),
        "topology": {"regions": ["north", "south"], "delay_ms": [[2, 10], [10, 2]]},
        "nat": {"home": ["linux-masquerade"], "office": ["eim-apdf"]},
        "services": {"coordinator": {"region": "north"}, "relays": [{"name": "relay", "region": "north"}]},
        "nodes": [{"name": "a", "region": "north", "nat": "home"}, {"name": "b", "region": "south", "nat": "office"}],
        "traffic": [{"kind": "ping", "from": "a", "to": "b", "interval_ms": 100, "count": 30}],
        "expect": [{"kind": "path", "from": "a", "to": "b", "is": "direct"}],
        "duration_s": 4, **changes}
    file = path / "scenario.json"
    file.write_text(json.dumps(document))
    return str(file)
