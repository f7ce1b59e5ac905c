# SPDX-License-Identifier: BSD-3-Clause
"""The kernel world of weft-lab: agrees with the simulated one, drives a timeline, refuses, and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess

import jsonschema
import pytest

import laboratory
from lab import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root")


def test_quick_matrix_agrees_in_both_worlds(tmp_path) -> None:
    """In two slices, which are judged together."""
    done = laboratory.run("agree", "scenarios/agree-quick.json", "--cells", "1..4", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("agree-quick: 4 of 4 cells agree"), done.stdout
    done = laboratory.run("agree", "scenarios/agree-quick.json", "--cells", "5..6", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("agree-quick: 6 of 6 cells agree (6 deterministic, 0 probabilistic)"), last
    report = json.loads((tmp_path / "agreement.json").read_text())
    schema = json.loads((laboratory.ROOT / "docs/schema/agreement.schema.json").read_text())
    jsonschema.validate(report, schema)
    assert (tmp_path / "agreement.html").read_text().count("<tr>") == 7


@pytest.mark.parametrize("flags, sentence", [
    (["--cells", "6..7"], "the matrix has the cells 1 to 6"), (["--cells", "x"], "--cells x: write FROM..TO"),
    (["--cells", "1", "--times"], "of scenario agree-quick without --times")])
def test_slices_that_do_not_fit_are_refused(tmp_path, flags, sentence) -> None:
    (tmp_path / "agreement.json").write_text(json.dumps({
        "scenario": "agree-quick", "commit": "", "times_judged": False, "sim_s": 0, "kernel_s": 0, "cells": [], "wire_bytes": [], "differences": []}))
    done = laboratory.run("agree", "scenarios/agree-quick.json", "--out", str(tmp_path), *flags)
    assert done.returncode == 2 and sentence in done.stderr, done.stderr


def test_compares_systems(tmp_path) -> None:
    """Behind a gateway that maps independently of the endpoint and one that does not; all columns, from one command."""
    scenario = laboratory.write_scenario(tmp_path)
    done = laboratory.run("compare", scenario, "--systems", "weft,tinc,wireguard", "--jobs", "3", "--idle", "2", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "comparison.json").read_text())
    jsonschema.validate(report, json.loads((laboratory.ROOT / "docs/schema/comparison.schema.json").read_text()))
    cells = {cell["system"]: cell for cell in report["cells"]}
    assert all(cell["error"] is None for cell in cells.values()), cells
    weft = cells["weft"]
    assert weft["path"] == "direct" and weft["time_to_direct_ms"] < 2_000 and 20 <= weft["rtt_ms"] < 40
    assert 0 < weft["first_packet_ms"] < 2_000 and 0 <= weft["idle_bytes_per_s"] < 200
    assert cells["tinc"]["path"] in ("direct", "relay") and cells["tinc"]["idle_bytes_per_s"] >= 0
    assert cells["wireguard"]["path"] == "none"  # nothing opens the filters of both sides
    assert done.stdout == (tmp_path / "comparison.md").read_text()


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


def test_programs_send_through_the_tunnel(tmp_path) -> None:
    """The counterparts of ns-3's applications, and iperf3, over both families of the overlay."""
    lines = [{"kind": "ns3_bulk_send", "bytes": 1_000_000}, {"kind": "ns3_on_off", "bytes": 50_000, "packet_bytes": 1000, "ipv6": True},
             {"kind": "ns3_udp_echo", "count": 20, "interval_ms": 50, "packet_bytes": 100},
             {"kind": "iperf3_tcp", "start_s": 2, "stop_s": 4, "rate_mbps": 8, "ipv6": True},
             {"kind": "iperf3_udp", "start_s": 2, "stop_s": 4, "rate_mbps": 2, "packet_bytes": 1000}]
    ping = {"kind": "ping", "from": "a", "to": "b", "interval_ms": 100, "count": 30}
    scenario = laboratory.write_scenario(
        tmp_path, duration_s=4.5, traffic=[ping] + [{"from": "a", "to": "b", **line} for line in lines],
        expect=[{"kind": "path", "from": "a", "to": "b", "is": "direct"}])
    done = laboratory.run("run", scenario, "--world", "kernel", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads((laboratory.ROOT / "docs/schema/run.schema.json").read_text()))
    flows = {flow["kind"]: flow for flow in report["runs"][0]["flows"]}
    assert flows["ns3_bulk_send"]["received_bytes"] == 1_000_000
    assert (flows["ns3_on_off"]["received_bytes"], flows["ns3_on_off"]["deliveries"]) == (50_000, 50)
    assert 390 <= flows["ns3_on_off"]["took_ms"] < 600  # 50 datagrams of 8,000 bits at 1 Mbit/s
    assert (flows["ns3_udp_echo"]["received_bytes"], flows["ns3_udp_echo"]["deliveries"]) == (2_000, 20)
    assert 1_500_000 <= flows["iperf3_tcp"]["received_bytes"] <= 2_200_000  # 2 s at 8 Mbit/s, in blocks of 128 KiB
    assert 400_000 <= flows["iperf3_udp"]["received_bytes"] <= 550_000
    refused = laboratory.run("run", scenario)
    assert refused.returncode == 2 and "iperf3_tcp runs in the kernel world only" in refused.stderr


def test_network_with_nothing_but_a_proxy(tmp_path) -> None:
    """The proxy of the model asks for a user; UDP and TCP past it are refused by netfilter, and by our gateway process, whose
    proxy is a host behind it."""
    scenario = laboratory.write_scenario(
        tmp_path, nat={"home": ["enterprise-connect-proxy-password"], "office": ["eim-apdf"]},
        expect=[{"kind": "path", "from": "a", "to": "b", "is": "relay", "reason": "udp_blocked_local"},
                {"kind": "answered", "from": "a", "to": "b", "at_least": 0.9}])
    for where in (["--world", "sim"], ["--world", "kernel"], ["--world", "kernel", "--nat", "gateway"]):
        done = laboratory.run("run", scenario, *where)
        assert done.returncode == 0, " ".join(where) + done.stdout + done.stderr


@pytest.mark.parametrize("world, nat", [("kernel", "auto"), ("kernel", "gateway"), ("emulation", "auto")])
def test_ipv6_beside_ipv4_and_alone(tmp_path, world, nat) -> None:
    """Two homes whose NATs are symmetric, one behind a carrier's, and a network without IPv4: all are direct over IPv6. The peer
    without IPv6 is reached over IPv4, by the network without IPv4 through its NAT64."""
    names = ["home", "carrier", "nat64", "old"]
    pairs = [("home", "carrier"), ("nat64", "home"), ("carrier", "nat64"), ("nat64", "old")]
    scenario = laboratory.write_scenario(
        tmp_path, duration_s=9,
        nat={"home": ["linux-masquerade-random"], "carrier": ["linux-masquerade-random", "linux-masquerade"], "nat64": ["nat64"], "old": ["eim-apdf"]},
        services={"coordinator": {"region": "north"}, "relays": [{"name": "relay", "region": "south"}], "ipv6": True},
        nodes=[{"name": name, "region": "north" if name == "home" else "south", "nat": name, **({"ipv6": True} if name in ("home", "carrier") else {})}
               for name in names],
        traffic=[{"kind": "ping", "from": a, "to": b, "start_s": 1, "interval_ms": 100, "count": 60} for a, b in pairs],
        events=[{"at_s": 7, "kind": "roam", "node": "home", "region": "north", "nat": "nat64"}],
        expect=[{"kind": "path", "from": a, "to": b, "is": "direct", "at_s": 6} for a, b in pairs])
    done = laboratory.run("run", scenario, "--world", world, *(["--nat", nat] if nat != "auto" else []))
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_uplinks(tmp_path) -> None:
    """The better one loses its carrier under traffic and gets it back: the tunnel goes on by the other, and returns."""
    scenario = laboratory.write_scenario(
        tmp_path, duration_s=14, access={"far": {"delay_ms": 40}}, nat={"home": ["linux-masquerade"], "office": ["eim-apdf"]},
        nodes=[{"name": "a", "region": "north", "nat": "home", "uplinks": [{"name": "lte", "nat": "home", "access": "far"}]},
               {"name": "b", "region": "south", "nat": "office"}],
        traffic=[{"kind": "ping", "from": "a", "to": "b", "interval_ms": 50, "count": 260}],
        events=[{"at_s": 4, "kind": "link_down", "node": "a"}, {"at_s": 8, "kind": "link_up", "node": "a"}],
        expect=[{"kind": "answered", "from": "a", "to": "b", "since_s": 5, "until_s": 8, "at_least": 0.95},
                {"kind": "answered", "from": "a", "to": "b", "since_s": 8, "until_s": 13, "at_least": 0.95},
                {"kind": "path", "from": "a", "to": "b", "is": "direct", "at_s": 7.5},
                {"kind": "path", "from": "a", "to": "b", "is": "direct"}])
    done = laboratory.run("run", scenario, "--world", "kernel", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_binaries_around_an_ns3_simulation_in_real_time(tmp_path) -> None:
    """Links with rates are ns-3's, the processes are real: the round trip is the model's, and ns-3 keeps up."""
    scenario = laboratory.write_scenario(
        tmp_path, duration_s=6, access={"slow": {"delay_ms": 15, "up_mbps": 4, "down_mbps": 8}},
        nat={"home": ["linux-masquerade"], "office": ["eim-apdf"]},
        nodes=[{"name": "a", "region": "north", "nat": "home", "access": "slow"}, {"name": "b", "region": "south", "nat": "office"}],
        traffic=[{"kind": "ping", "from": "a", "to": "b", "interval_ms": 100, "count": 25},
                 {"kind": "ns3_bulk_send", "from": "a", "to": "b", "start_s": 3, "bytes": 500_000}],
        events=[{"at_s": 2.7, "kind": "nat_reboot", "node": "a"}])
    done = laboratory.run("run", scenario, "--world", "emulation", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads((laboratory.ROOT / "docs/schema/run.schema.json").read_text()))
    run = report["runs"][0]
    pair, flow, emulation = run["pairs"][0], run["flows"][0], run["emulation"]
    assert run["world"] == "emulation"
    assert pair["least_rtt_ms"] == 50 and 50 <= pair["rtt_ms"] < 65, pair
    assert flow["received_bytes"] == 500_000 and 2 < flow["goodput_mbps"] < 4, flow
    assert emulation["packets"] > 400 and emulation["late_median_ms"] < 5, emulation


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
    done = subprocess.run(["setpriv", "--bounding-set=-sys_admin", laboratory.LAB, "run", laboratory.write_scenario(tmp_path), "--world", "kernel"],
                          cwd=laboratory.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 11, done
    assert "needs root" in done.stderr.splitlines()[-1]


def test_ordinary_user_has_namespaces_of_their_own(tmp_path) -> None:
    """With a TUN device that is open to all, as udev leaves it; the programs and the file are copied to where nobody may read."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, "unshare", "-Urn", "true"], capture_output=True).returncode != 0:
        pytest.skip("NOT RUN: this kernel gives users no namespaces of their own")
    scenario = laboratory.write_scenario(tmp_path, nat_models=str(tmp_path / "nat-models"))
    shutil.copytree(laboratory.ROOT / "nat-models", tmp_path / "nat-models")
    for program in (laboratory.LAB, os.environ["WEFT_BIN"]):
        shutil.copy(program, tmp_path)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o777)
    script = "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec \"$@\""
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *nobody, "env", f"TMPDIR={tmp_path}", f"WEFT_BIN={tmp_path}/weft",
                           str(tmp_path / "weft-lab"), "run", scenario, "--world", "kernel", "--json"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["pairs"][0]["path"] == "direct"
    assert list(tmp_path.glob("weft-lab-65534/*")) == []


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
