# SPDX-License-Identifier: BSD-3-Clause
"""The four cases of scenarios/kernel-cases.json on the real kernel, with the shipped binaries."""

import json
import os
import pathlib

import pytest

from lab import INPUT_DROPS, MASQUERADE, Lab, eventually

SCENARIO = json.loads((pathlib.Path(__file__).parents[2] / "scenarios" / "kernel-cases.json").read_text())


def expected(case: str, at_end: bool = True) -> str:
    """The path class that the scenario expects of the pair `case`, which ns-3 is held to as well."""
    lines = [line for line in SCENARIO["expect"] if line["kind"] == "path" and line["from"] == f"{case}-a"]
    return next(line["is"] for line in lines if ("at_s" not in line) == at_end)


def classes(case: str) -> list[str]:
    """The gateways of the pair: the scenario names a chain of one model for each node."""
    nodes = {node["name"]: SCENARIO["nat"][node["nat"]] for node in SCENARIO["nodes"]}
    return [nodes[f"{case}-{site}"][0] if nodes[f"{case}-{site}"] else "open" for site in ("a", "b")]


def wait_for_path(lab: Lab, path: str) -> None:
    """Traffic wants the peer; then both ends must say `path`."""
    try:
        lab.ping("a", "b")
        for site in ("a", "b"):
            eventually(f"host-{site} is {path}", lambda site=site: lab.path(site) == path)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{lab.status('a')}\n{lab.status('b')}\n{lab.logs()}") from None


@pytest.mark.parametrize("case", ["masquerade", "random"])
def test_pair_is_direct(case: str) -> None:
    with Lab(*classes(case)) as lab:
        wait_for_path(lab, expected(case))
        lab.send_through_tcp("a", "b", 1 << 20)
        assert lab.peer("a")["endpoint"]


def test_udp_blocked_pair_uses_the_relay_and_upgrades_when_the_rule_goes() -> None:
    with Lab(*classes("blocked")) as lab:
        wait_for_path(lab, expected("blocked", at_end=False))
        lab.send_through_tcp("a", "b", 1 << 20)
        assert lab.peer("a")["relay"] and lab.peer("a")["path"] == "relay"
        lab.set_rules("a", INPUT_DROPS + MASQUERADE % "")
        for site in ("a", "b"):
            eventually(f"host-{site} has become direct",
                       lambda site=site: lab.ping("a", "b", 1) and lab.path(site) == expected("blocked"), 60)
        lab.send_through_tcp("b", "a", 1 << 20)


def test_idle_agent_fits_into_12_mb() -> None:
    """Most of it is code, of which the kernel maps what it has in its cache, needed or not; an agent lets go of it 5 s after
    its start."""
    with Lab("open", "open") as lab:
        wait_for_path(lab, "direct")
        settled = eventually("the agent has settled", lambda: (kb := lab.resident_kb("a")) <= 12 * 1024 and kb)
        lab.ping("a", "b")
        assert lab.path("a") == "direct"
        resident = lab.resident_kb("a")
        print(f"resident: {settled} kB, {resident} kB after pings and a status")
        assert resident <= 12 * 1024


if os.geteuid() != 0:
    pytestmark = pytest.mark.skip(reason="needs root: network namespaces, veth, nftables and TUN")
