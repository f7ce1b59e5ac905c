# SPDX-License-Identifier: BSD-3-Clause
"""The shipped binaries: two nodes behind netfilter that draws each port anew, and a third one that carries for them."""

import json
import os

import pytest

import laboratory

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root")

NODES = [{"name": "a", "region": "north", "nat": "random"}, {"name": "b", "region": "north", "nat": "random"},
         {"name": "c", "region": "north", "nat": "open"}]


def pair(tmp_path, offered: bool, **changes) -> dict:
    """What became of a and b, whose relay is far."""
    scenario = laboratory.write_scenario(
        tmp_path, topology={"regions": ["north", "south"], "delay_ms": [[5, 60], [60, 5]]},
        nat={"random": ["linux-masquerade-fully-random"], "open": []},
        services={"coordinator": {"region": "south"}, "relays": [{"name": "relay", "region": "south"}]},
        nodes=[*NODES[:2], {**NODES[2], "relay_for_peers": 5} if offered else NODES[2]],
        traffic=[{"kind": "ping", "from": "a", "to": "b", "interval_ms": 20, "count": 1150}], duration_s=24, **changes)
    done = laboratory.run("run", scenario, "--world", "kernel", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["runs"][0]["pairs"][0]


def test_a_peer_carries_and_goes_on_without_a_relay(tmp_path) -> None:
    found = pair(tmp_path, True, events=[{"at_s": 19, "kind": "relay_stop", "relay": "relay"}], expect=[
        {"kind": "path", "from": "a", "to": "b", "is": "relay", "via": "c", "at_s": 18},
        {"kind": "path", "from": "a", "to": "b", "is": "relay", "via": "c"},
        {"kind": "answered", "from": "a", "to": "b", "since_s": 17, "until_s": 23, "at_least": 0.98}])
    assert found["via"] == "c"
    assert found["rtt_ms"] < 100, "twice 2 × 5 ms and what the machine adds, against 240 ms by the relay"


def test_without_consent_the_relay_carries(tmp_path) -> None:
    found = pair(tmp_path, False, expect=[{"kind": "path", "from": "a", "to": "b", "is": "relay"}])
    assert "via" not in found
