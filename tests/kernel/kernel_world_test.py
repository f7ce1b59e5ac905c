# SPDX-License-Identifier: BSD-3-Clause
"""The kernel world of weft-lab: agrees with the simulated one, drives a timeline, refuses, and leaves nothing behind."""

import json
import os
import signal
import subprocess

import jsonschema
import pytest

import laboratory
from lab import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root")


def test_quick_matrix_agrees_in_both_worlds(tmp_path) -> None:
    done = laboratory.run("agree", "scenarios/agree-quick.json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("agree-quick: 6 of 6 cells agree (6 deterministic, 0 probabilistic)"), last
    report = json.loads((tmp_path / "agreement.json").read_text())
    schema = json.loads((laboratory.ROOT / "docs/schema/agreement.schema.json").read_text())
    jsonschema.validate(report, schema)
    assert (tmp_path / "agreement.html").read_text().count("<tr>") == 7


def test_timeline_in_real_time(tmp_path) -> None:
    """A NAT that forgets, an address that changes, a plug that is pulled, an agent that is killed: it comes back."""
    scenario = laboratory.write_scenario(
        tmp_path, duration_s=24,
        traffic=[{"kind": "ping", "from": "a", "to": "b", "interval_ms": 100, "count": 230}],
        events=[{"at_s": 2, "kind": "nat_reboot", "node": "a"}, {"at_s": 6, "kind": "address_change", "node": "b"},
                {"at_s": 10, "kind": "link_down", "node": "a"}, {"at_s": 11, "kind": "link_up", "node": "a"},
                {"at_s": 15, "kind": "relay_stop", "relay": "relay"}, {"at_s": 16, "kind": "relay_start", "relay": "relay"},
                {"at_s": 18, "kind": "node_stop", "node": "b"}, {"at_s": 19, "kind": "node_start", "node": "b"}],
        expect=[{"kind": "answered", "from": "a", "to": "b", "since_s": 5, "until_s": 6, "at_least": 0.9},
                {"kind": "answered", "from": "a", "to": "b", "since_s": 14, "until_s": 15, "at_least": 0.9},
                {"kind": "answered", "from": "a", "to": "b", "since_s": 15, "until_s": 18, "at_least": 0.9},
                {"kind": "path", "from": "a", "to": "b", "is": "direct"}])
    done = laboratory.run("run", scenario, "--world", "kernel", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads((laboratory.ROOT / "docs/schema/run.schema.json").read_text()))
    run = report["runs"][0]
    assert run["world"] == "kernel" and run["trace_hash"] is None
    assert 20 <= run["pairs"][0]["rtt_ms"] < 40
    assert [each["since"] for each in run["wire_bytes"] if each["node"] == "a"] == ["start"] + [f"/events/{i}" for i in range(8)]


def test_link_shape_is_that_of_the_scenario(tmp_path) -> None:
    scenario = laboratory.write_scenario(
        tmp_path, access={"slow": {"delay_ms": 15}}, nat={"home": ["linux-masquerade"], "office": []},
        nodes=[{"name": "a", "region": "north", "nat": "home", "access": "slow"}, {"name": "b", "region": "south", "nat": "office"}])
    done = laboratory.run("run", scenario, "--world", "kernel", "--json")
    assert done.returncode == 0, done.stderr
    pair = json.loads(done.stdout)["runs"][0]["pairs"][0]
    assert pair["least_rtt_ms"] == 50 and 50 <= pair["rtt_ms"] < 60, pair


@pytest.mark.parametrize("changes, place", [
    ({"events": [{"at_s": 1, "kind": "clock", "node": "a", "step_s": 60}]}, "/events/0/kind"),
    ({"events": [{"at_s": 1, "kind": "node_stop", "node": "a", "unsynced": "torn"}]}, "/events/0/unsynced"),
])
def test_refuses_what_it_cannot_express(tmp_path, changes, place) -> None:
    done = laboratory.run("run", laboratory.write_scenario(tmp_path, **changes), "--world", "kernel")
    assert done.returncode == 2 and done.stdout == ""
    assert f"at {place}: the kernel world" in done.stderr.splitlines()[-1]


def test_netfilter_alone_refuses_models_it_cannot_express(tmp_path) -> None:
    done = laboratory.run("run", laboratory.write_scenario(tmp_path), "--world", "kernel", "--nat", "nftables")
    assert done.returncode == 2 and "at /nat/office/0: netfilter cannot express" in done.stderr


def test_says_that_it_needs_root(tmp_path) -> None:
    scenario = laboratory.write_scenario(tmp_path)
    tmp_path.chmod(0o755)
    os.chmod(tmp_path.parent, 0o755)
    os.chmod(tmp_path.parent.parent, 0o755)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", laboratory.LAB, "run",
                           "scenarios/agree-quick.json" if not os.access(scenario, os.R_OK) else scenario, "--world", "kernel"],
                          cwd=laboratory.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 11, done
    assert "needs root" in done.stderr.splitlines()[-1]


def _running(tmp_path, *flags: str):
    harness = laboratory.start("run", laboratory.write_scenario(tmp_path, duration_s=60), "--world", "kernel", *flags)
    eventually("both agents run", lambda: len(laboratory.descendants(harness.pid)) >= 6)
    return harness


@pytest.mark.parametrize("number, code", [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 1)])
def test_leaves_nothing_behind(tmp_path, number, code) -> None:
    harness = _running(tmp_path)
    processes = laboratory.descendants(harness.pid)
    spaces = laboratory.namespaces({harness.pid})
    assert len(spaces) >= 6
    harness.send_signal(number)
    harness.communicate(timeout=30)
    assert harness.returncode == code
    eventually("its processes are gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), 5)
    assert laboratory.held_anywhere(spaces) == set()
    if number == signal.SIGKILL:  # its folder goes with the next laboratory
        laboratory.run("run", laboratory.write_scenario(tmp_path, duration_s=1, expect=[]), "--world", "kernel")
    assert laboratory.folders(harness.pid) == []


def test_shell_enters_a_node_of_a_kept_laboratory(tmp_path) -> None:
    harness = laboratory.start("run", laboratory.write_scenario(tmp_path, duration_s=1, expect=[]), "--world", "kernel", "--keep")
    try:
        line = next(line for line in harness.stderr if "weft-lab shell" in line)
        name = line.split("laboratory ")[1].split()[0]
        done = laboratory.run("shell", "--lab", name, "a", "--", "ip", "-4", "-o", "address", "show", "eth0")
        assert "192.168.1.10/24" in done.stdout, done
    finally:
        harness.send_signal(signal.SIGINT)
        harness.communicate(timeout=30)
