# SPDX-License-Identifier: BSD-3-Clause
"""Traces: causes that lead from a drop to a program, packets that tshark and tcpdump open, nothing disturbed by looking."""

import json
import shutil
import struct
import subprocess

import jsonschema
import pytest

from weft_lab import ROOT, run

SCENARIO = "scenarios/kernel-cases.json"
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "docs/schema/trace-event.json").read_text()))


class Trace:
    def __init__(self, folder, fidelity: str) -> None:
        self.file, self.packets = folder / "run.ndjson", folder / "packets"
        arguments = ("run", SCENARIO, "--seed", "1", "--fidelity", fidelity, "--json")
        done = run(*arguments, "--trace", str(self.file), "--pcap", str(self.packets))
        assert done.returncode == 0, done.stderr
        self.report = json.loads(done.stdout)
        self.untraced = json.loads(run(*arguments).stdout)
        self.events = [json.loads(line) for line in self.file.read_text().splitlines()]

    def chain(self, event: dict) -> list[dict]:
        """From the first cause to `event`."""
        chain = [event]
        while chain[0]["cause"]:
            chain.insert(0, self.events[chain[0]["cause"] - 1])
        return chain


@pytest.fixture(scope="module", params=["fabric", "stack"])
def trace(request, tmp_path_factory) -> Trace:
    return Trace(tmp_path_factory.mktemp(request.param), request.param)


def test_looking_changes_nothing(trace: Trace) -> None:
    assert trace.report["runs"] == trace.untraced["runs"]


def test_events_follow_their_schema_and_causes_come_before(trace: Trace) -> None:
    assert len(trace.events) > 10_000
    for number, event in enumerate(trace.events, 1):
        assert event["id"] == number and event["cause"] < number
        SCHEMA.validate(event) if number % 50 == 0 else None
    assert {event["kind"] for event in trace.events} == {
        "inner_sent", "inner_received", "sent", "received", "translated", "dropped", "agent"}


def test_a_ping_leads_back_through_both_gateways_to_its_program(trace: Trace) -> None:
    arrived = [event for event in trace.events if event["kind"] == "inner_received" and event["node"] == "masquerade-b"
               and event["packet"]["content"] == "icmp_echo_request"][-1]
    chain = trace.chain(arrived)
    kinds = [(event["kind"], event["node"]) for event in chain]
    gates = [event for event in chain if event["kind"] == "translated"]
    assert kinds[0] == ("inner_sent", "masquerade-a")
    assert [event["node"] for event in gates] == ["site of masquerade-a/gateway0", "site of masquerade-b/gateway0"]
    assert all(event["mapping"] >= 1 for event in gates)


def test_a_drop_leads_back_to_who_sent_it(trace: Trace) -> None:
    drops = [event for event in trace.events if event["kind"] == "dropped" and event.get("reason") == "udp_blocked"]
    assert drops
    assert all(trace.chain(drop)[0]["id"] != drop["id"] for drop in drops)
    done = run("why", str(trace.file), "--packet", str(drops[-1]["id"]))
    assert done.returncode == 0 and "loses it: udp_blocked: udp 192.168.1.10" in done.stdout
    summary = run("why", str(trace.file))
    assert f"{len([d for d in drops if d['node'] == drops[0]['node']]):>8}" in summary.stdout


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        assert total % 4 == 0 and struct.unpack_from("<I", data, at + total - 4) == (total,)
        found.append((kind, data[at + 8:at + total - 4]))
        at += total
    return found


def test_pcapng_files_hold_what_the_trace_tells(trace: Trace) -> None:
    wanted = {}
    for event in trace.events:
        if event["kind"] in ("sent", "received", "inner_sent", "inner_received"):
            name = f"{event['node'].replace(' ', '_').replace('/', '_')}.{event['interface']}.pcapng"
            wanted.setdefault(name, []).append(event["packet"]["bytes"])
    assert sorted(wanted) == sorted(path.name for path in trace.packets.iterdir())
    for name, lengths in wanted.items():
        (section, _), (interface, description), *packets = blocks((trace.packets / name).read_bytes())
        assert (section, interface) == (0x0A0D0D0A, 1) and struct.unpack_from("<H", description) == (101,)
        assert [struct.unpack_from("<I", body, 16)[0] for kind, body in packets if kind == 6] == lengths


@pytest.mark.parametrize("tool", ["tshark", "tcpdump"])
def test_packets_are_opened_by_others(trace: Trace, tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed: run scripts/setup")
    file = str(trace.packets / "masquerade-a.weft0.pcapng")
    if tool == "tcpdump":
        lines = subprocess.run(["tcpdump", "-nr", file], capture_output=True, text=True).stdout.splitlines()
        assert any("ICMP echo request" in line for line in lines)
        return
    fields = ["frame.interface_name", "frame.comment", "icmp.type", "icmp.checksum.status", "ip.checksum.status"]
    options = ["-o", "ip.check_checksum:TRUE", "-T", "fields"] + [part for field in fields for part in ("-e", field)]
    done = subprocess.run(["tshark", "-r", file, *options], capture_output=True, text=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows and all(row[0] == "masquerade-a weft0" and row[1].startswith("event ") for row in rows), done
    assert {row[2] for row in rows if row[2]} == {"0", "8"}
    assert {(row[3], row[4]) for row in rows if row[2]} == {("1", "1")}  # 1: good
