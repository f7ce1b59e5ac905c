# SPDX-License-Identifier: BSD-3-Clause
"""What users of ns-3 find: FlowMonitor, NetAnim, pcap and ascii traces, attributes, and the NAT as a module of its own."""

import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from weft_lab import ROOT, run

FLOW_BYTES = 300_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """One run of two nodes behind NATs, with everything switched on."""
    folder = tmp_path_factory.mktemp("ns3")
    scenario = json.loads((ROOT / "scenarios/tunnel-tcp.json").read_text())
    scenario["nat_models"] = str(ROOT / "nat-models")
    scenario["nodes"] = [node for node in scenario["nodes"] if node["name"] in ("server", "nested")]
    scenario["traffic"] = [{"kind": "ping", "from": "nested", "to": "server", "count": 2},
                           {"kind": "ns3_bulk_send", "from": "nested", "to": "server", "start_s": 4, "bytes": FLOW_BYTES}]
    scenario["expect"] = []
    scenario["duration_s"] = 8
    (folder / "scenario.json").write_text(json.dumps(scenario))
    return folder


@pytest.fixture(scope="module")
def written(folder: pathlib.Path) -> pathlib.Path:
    done = run("run", str(folder / "scenario.json"), "--fidelity", "stack", "--flow-monitor", str(folder / "flows.xml"),
               "--netanim", str(folder / "animation.xml"), "--ns3-pcap", str(folder / "packets"),
               "--ns3-ascii", str(folder / "trace.tr"), "--json")
    assert done.returncode == 0, done.stderr
    (folder / "report.json").write_text(done.stdout)
    return folder


def test_flow_monitor_follows_flows_through_the_tunnel_and_the_nats(written: pathlib.Path) -> None:
    root = ElementTree.parse(written / "flows.xml").getroot()
    flows = {flow.get("flowId"): flow for flow in root.find("Ipv4FlowClassifier")}
    stats = {flow.get("flowId"): flow for flow in root.find("FlowStats")}
    inner = [number for number, flow in flows.items() if flow.get("destinationPort") == "20000"]
    assert len(inner) == 1
    assert int(stats[inner[0]].get("rxBytes")) > FLOW_BYTES
    assert stats[inner[0]].get("rxPackets") == stats[inner[0]].get("txPackets")
    outer = [stats[n] for n, flow in flows.items() if flow.get("protocol") == "17" and flow.get("sourceAddress") == "192.168.1.10"]
    sent, heard = (sum(int(flow.get(key)) for flow in outer) for key in ("txPackets", "rxPackets"))
    # Behind two NATs, which change the addresses that FlowMonitor looks at. Gateways without port mapping answer no request for it.
    assert heard > 0.9 * sent > 200


def test_netanim_has_every_node_and_its_packets(written: pathlib.Path) -> None:
    root = ElementTree.parse(written / "animation.xml").getroot()
    descriptions = {update.get("descr") for update in root.findall("nu") if update.get("descr")}
    assert {"Internet", "server", "nested", "coordinator", "relay"} <= descriptions
    assert len(root.findall("p")) > 500


def test_pcap_and_ascii_traces_show_the_overlay_and_the_wires(written: pathlib.Path) -> None:
    assert len(list(written.glob("packets-n*-i*.pcap"))) >= 8
    found = []
    for path in written.glob("packets-n*-i*.pcap"):
        lines = subprocess.run(["tcpdump", "-nr", str(path)], capture_output=True, text=True).stdout
        found += [name for name in ("100.64.0", "192.168.1.10", "203.0.113") if name in lines]
    assert {"100.64.0", "192.168.1.10", "203.0.113"} == set(found)
    ascii_trace = (written / "trace.tr").read_text()
    assert "$ns3::Ipv4L3Protocol/Tx(2)" in ascii_trace and "PointToPointNetDevice/MacRx" in ascii_trace


def test_looking_does_not_change_the_run(written: pathlib.Path) -> None:
    plain = json.loads(run("run", str(written / "scenario.json"), "--fidelity", "stack", "--json").stdout)
    assert plain["runs"] == json.loads((written / "report.json").read_text())["runs"]


@pytest.mark.parametrize("fidelity", ["fabric", "stack"])
def test_attributes_change_what_the_applications_do(folder: pathlib.Path, fidelity: str) -> None:
    goodput = {}
    for window in ("4096", "262144"):
        done = run("run", str(folder / "scenario.json"), "--fidelity", fidelity, "--json", "--ns3-set",
                   f"ns3::TcpSocket::RcvBufSize={window}")
        assert done.returncode == 0, done.stderr
        goodput[window] = json.loads(done.stdout)["runs"][0]["flows"][0]["goodput_mbps"]
    assert goodput["4096"] < goodput["262144"] / 3


def test_files_of_ns3_need_ns3_nodes_and_one_run(folder: pathlib.Path) -> None:
    done = run("run", str(folder / "scenario.json"), "--netanim", "/tmp/never-written.xml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "add --fidelity stack" in done.stderr
    done = run("run", str(folder / "scenario.json"), "--fidelity", "stack", "--seeds", "1..2", "--flow-monitor", "/tmp/no.xml")
    assert done.returncode == 2 and "choose one with --seed" in done.stderr


def example(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([os.environ["WEFT_NS3_NAT_EXAMPLE"], *arguments], capture_output=True, text=True, timeout=60)


def test_stock_applications_pass_two_nats() -> None:
    done = example()
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert lines[0] == "echo: 5 sent, 5 answered; the server sees 203.0.113.1"
    assert lines[1] == "bulk: 1000000 of 1000000 bytes arrived"
    assert lines[2].startswith("home NAT: 2 mappings made, ") and lines[3].startswith("carrier NAT: 2 mappings made, ")
    assert lines[4:] == ["dropped by carrier NAT: no_mapping: 3"]


def test_attributes_of_the_nat_are_set_as_any_others(tmp_path) -> None:
    short = example("--weft::NatRouter::UdpTimeout=500ms", "--weft::NatRouter::UdpUnrepliedTimeout=500ms")
    assert "home NAT: 6 mappings made" in short.stdout, short  # each echo finds its mapping gone, TCP keeps its own
    model = example(f"--weft::NatRouter::Model={ROOT}/nat-models/udp-blocked.json")
    assert "echo: 5 sent, 0 answered" in model.stdout and "dropped by home NAT: udp_blocked: 5" in model.stdout
    assert "weft::NatRouter::Mapping=[EndpointIndependent]" in example("--PrintAttributes=weft::NatRouter").stdout
