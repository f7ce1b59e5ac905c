# SPDX-License-Identifier: BSD-3-Clause
"""weft-lab check: equal to itself, red exactly where the network was broken on purpose, and one sentence for bad files."""

import json
import xml.etree.ElementTree as xml

import jsonschema
import pytest

from weft_lab import QUICK, ROOT, run


@pytest.fixture(scope="module")
def baseline(tmp_path_factory) -> str:
    file = str(tmp_path_factory.mktemp("baseline") / "quick.json")
    done = run("check", QUICK, "--baseline", file, "--write", "--seeds", "1..2")
    assert done.returncode == 0, done.stderr
    return file


def pairs(baseline: str) -> list[dict]:
    recorded = json.loads(open(baseline).read())
    jsonschema.validate(recorded, json.loads((ROOT / "docs/schema/baseline.schema.json").read_text()))
    return recorded["pairs"]


def check(baseline: str, *arguments: str) -> tuple[int, dict]:
    done = run("check", QUICK, "--baseline", baseline, "--seeds", "1..2", "--json", *arguments)
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads((ROOT / "docs/schema/check.schema.json").read_text()))
    return done.returncode, report


def worse(report: dict) -> set[tuple[str, str]]:
    return {(change["a"], change["b"]) for change in report["changes"] if change["verdict"] == "worse"}


def test_a_matrix_equals_the_baseline_it_made(baseline: str) -> None:
    status, report = check(baseline)
    assert (status, report["changes"]) == (0, [])
    assert report["pairs"] == len(pairs(baseline)) == 78


def test_without_direct_probes_exactly_the_pairs_with_a_direct_way_turn_red(baseline: str, tmp_path) -> None:
    status, report = check(baseline, "--sabotage", "no-direct", "--out", str(tmp_path))
    assert status == 21
    assert worse(report) == {(pair["a"], pair["b"]) for pair in pairs(baseline)
                             if pair["paths"].keys() & {"direct", "one_way"} and "udp-blocked" not in (pair["a"], pair["b"])}
    suite = xml.parse(tmp_path / "junit.xml").getroot()
    assert (int(suite.get("tests")), int(suite.get("failures"))) == (78, len(worse(report)))
    assert len(suite.findall("testcase/failure")) == len(worse(report))
    markdown = (tmp_path / "check.md").read_text()
    assert f"78 pairs: {len(worse(report))} worse, 0 better, 0 new" in markdown
    assert "`weft-lab replay scenarios/nat-matrix-quick.json#" in markdown


def test_without_search_sockets_only_pairs_with_a_dependent_mapping_turn_red(baseline: str) -> None:
    status, report = check(baseline, "--sabotage", "no-search")
    assert status == 21
    red = worse(report)
    assert ("apdm-apdf", "cgn") in red and ("eim-apdf", "apdm-apdf") in red
    for pair in red:
        assert any(name.startswith(("adm-", "apdm-")) for name in pair), pair


@pytest.mark.parametrize("text, words", [
    (None, "cannot be read"),
    ("{", "line 1"),
    ('{"version": 1, "scenario": "s", "commit": "c", "pairs": [{}]}', "/pairs/0"),
])
def test_a_baseline_that_is_none_is_refused_with_one_sentence(tmp_path, text, words) -> None:
    file = tmp_path / "baseline.json"
    if text is not None:
        file.write_text(text)
    done = run("check", QUICK, "--baseline", str(file))
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_cell_is_replayed_until_a_moment_and_shows_agents_and_nat_tables() -> None:
    done = run("replay", QUICK + "#eim-apdf,cgn", "--seed", "2", "--until", "3s", "--node", "b")
    assert done.returncode == 0, done.stderr
    assert "b at 3.000000 s:" in done.stdout and '"udp_port"' in done.stdout
    gateways = [line for line in done.stdout.splitlines() if line.startswith("b behind ")]
    assert len(gateways) == 2 and all(int(line.split(", ")[1].split()[0]) > 0 for line in gateways), gateways
    flows = [line for line in done.stdout.splitlines() if line.startswith("  udp ")]
    assert flows and all("->" in flow and flow.endswith("s left") for flow in flows), flows


def test_the_report_says_what_searches_cost(baseline: str) -> None:
    done = run("matrix", QUICK, "--seeds", "1..1", "--json")
    report = json.loads(done.stdout)
    cells = [cell["search"] for cell in report["cells"] if "search" in cell]
    searches = report["searches"]
    assert searches["cells"] == len(cells) > 0
    assert searches["packets"] == sum(cell["packets"] for cell in cells) > 0
    assert 0 < searches["cpu_s"] <= searches["all_cpu_s"]
    assert "cells searched for ports:" in run("matrix", QUICK, "--seeds", "1..1").stdout
