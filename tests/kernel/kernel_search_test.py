# SPDX-License-Identifier: BSD-3-Clause
"""The searches of scenarios/path/ on the real kernel, with the shipped binaries: a true symmetric NAT against one that
keeps ports, and two that keep ports, with gateways whose INPUT chain drops or accepts what nobody asked for.

WEFT_SEARCH_RUNS: how many times each pair starts anew (default 2; 100 for the figures of docs/status.md)."""

import os
import statistics

import pytest

from lab import Lab, eventually

RUNS = int(os.environ.get("WEFT_SEARCH_RUNS", "2"))


def search(lab: Lab) -> float | None:
    """Starts both agents anew, sends one ping, and gives the time to direct in ms; None if they settle on the relay."""
    lab.restart_agents()
    lab.ping("a", "b", 1)

    def settled():
        peers = [lab.peer(site) for site in ("a", "b")]
        return peers if all(peer.get("state") == "settled" for peer in peers) else None

    peers = eventually("both ends settle", settled, 20)
    if not all(peer["path"] == "direct" for peer in peers):
        print([(peer["path"], peer["reason"]) for peer in peers], flush=True)
        return None
    return peers[0]["time_to_direct_ms"]


def times(class_a: str, class_b: str) -> list[float]:
    with Lab(class_a, class_b) as lab:
        found = [search(lab) for _ in range(RUNS)]
    direct = sorted(time for time in found if time is not None)
    print(f"{class_a} x {class_b}: direct {len(direct)} of {RUNS}"
          + (f", median {statistics.median(direct):.0f} ms, worst {direct[-1]:.0f} ms" if direct else ""), flush=True)
    assert len(direct) >= RUNS * 99 // 100
    return direct


@pytest.mark.parametrize("random", ["linux-masquerade-random", "linux-masquerade-random-open-input"])
@pytest.mark.parametrize("keeping", ["linux-masquerade", "linux-masquerade-open-input"])
def test_symmetric_against_port_keeping_is_direct_by_search(random: str, keeping: str) -> None:
    times(random, keeping)


@pytest.mark.parametrize("a", ["linux-masquerade", "linux-masquerade-open-input"])
def test_port_keeping_pair_is_direct_whatever_the_gateways_accept(a: str) -> None:
    assert statistics.median(times(a, a)) <= 500


if os.geteuid() != 0:
    pytestmark = pytest.mark.skip(reason="needs root: network namespaces, veth, nftables and TUN")
