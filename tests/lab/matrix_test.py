# SPDX-License-Identifier: BSD-3-Clause
"""The quick matrix against its bars: connectivity, direct where possible, and how soon."""

import json
import statistics

import jsonschema
import pytest

from weft_lab import QUICK, ROOT, matrix

SCENARIO = json.loads((ROOT / QUICK).read_text())


def one_way_ms(a: str, b: str) -> float:
    regions, delay = SCENARIO["topology"]["regions"], SCENARIO["topology"]["delay_ms"]
    return delay[regions.index(a)][regions.index(b)]


A, B = SCENARIO["matrix"]["regions"]
RELAY = SCENARIO["services"]["relays"][0]["region"]
DIRECT_MS = one_way_ms(A, B)
RELAY_MS = one_way_ms(A, RELAY) + one_way_ms(RELAY, B)


@pytest.fixture(scope="module", params=["off", "on"])
def report(request) -> dict:
    """The whole matrix, with TLS off and on; weft-lab itself checks `expect` (exit code 20)."""
    return matrix(QUICK, "--tls", request.param)


def test_covers_all_pairs_of_all_classes_with_three_seeds(report: dict) -> None:
    classes = SCENARIO["matrix"]["classes"]
    pairs = {(cell["a"], cell["b"], cell["seed"]) for cell in report["cells"]}
    assert len(classes) >= 8
    assert len(pairs) == len(report["cells"]) == len(classes) * (len(classes) + 1) // 2 * 3


def test_follows_its_schema(report: dict) -> None:
    jsonschema.validate(report, json.loads((ROOT / "docs/schema/matrix.schema.json").read_text()))


def test_every_pair_is_connected_and_says_why_if_not_direct(report: dict) -> None:
    for cell in report["cells"]:
        assert cell["connected"], cell
        assert (cell["path"] == "direct") == (cell["reason"] is None), cell


def test_pairs_with_a_blocked_side_are_direct_over_tcp_where_the_other_keeps_its_ports(report: dict) -> None:
    for cell in report["cells"]:
        if "udp-blocked" not in (cell["a"], cell["b"]):
            continue
        if {cell["a"], cell["b"]} & {"adm-eif", "adm-adf", "adm-apdf", "apdm-eif", "apdm-adf", "apdm-apdf"}:
            assert cell["path"] == "relay" and cell["reason"].startswith("udp_blocked"), cell
        else:
            assert cell["path"] == "direct", cell


def test_first_packet_takes_one_and_a_half_relay_round_trips(report: dict) -> None:
    worst = max(report["cells"], key=lambda cell: cell["first_packet_ms"])
    print(f"first packet: worst {worst['first_packet_ms']:.1f} ms, bar {3 * RELAY_MS + 10:.1f} ms")
    assert worst["first_packet_ms"] <= 1.5 * 2 * RELAY_MS + 10, worst


def test_endpoint_independent_pairs_are_direct_after_one_relayed_and_three_direct_ways(report: dict) -> None:
    times = [cell["time_to_direct_ms"] for cell in report["cells"]
             if cell["a"].startswith("eim-") and cell["b"].startswith("eim-")]
    assert len(times) == 18 and None not in times
    median = statistics.median(times)
    print(f"time to direct: median {median:.1f} ms, bar {RELAY_MS + 3 * DIRECT_MS + 10:.1f} ms")
    assert median <= RELAY_MS + 3 * DIRECT_MS + 10


def test_neighbours_of_a_matrix_take_ports() -> None:
    """The same cells, but for others on the NATs."""
    quiet, busy = (matrix(f"scenarios/path/{name}.json", "--seeds", "1..3") for name in ("sequences", "sequences-busy"))
    assert [cell["a"] for cell in quiet["cells"]] == [cell["a"] for cell in busy["cells"]]
    assert quiet["trace_hash"] != busy["trace_hash"]


def test_a_port_that_is_foretold_is_the_one_that_comes() -> None:
    """The burst of the check list takes a port of the sequence too, before the sample (it came between them)."""
    cells = matrix("scenarios/path/search-foretold.json", "--seeds", "1..3")["cells"]
    foretold = [cell["path"] for cell in cells if (cell["a"], cell["b"]) == ("counts", "random")]
    assert foretold == ["direct"] * 3
