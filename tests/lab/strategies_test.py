# SPDX-License-Identifier: BSD-3-Clause
"""Rivals beside the agents: one command, the same NATs, and the outcomes that theory gives."""

import json

import jsonschema
import pytest

from weft_lab import ROOT, matrix, run

FILE = "scenarios/path/strategies.json"
ALL = "weft,ice,disco,dcutr,birthday"


@pytest.fixture(scope="module")
def report() -> dict:
    return matrix(FILE, "--strategy", ALL, "--seeds", "1..1")


def paths(report: dict, strategy: str, a: str, b: str) -> set[str]:
    return {cell["path"] for cell in report["cells"] if (cell["strategy"], cell["a"], cell["b"]) == (strategy, a, b)}


def test_every_strategy_runs_every_cell_and_follows_the_schema(report: dict) -> None:
    jsonschema.validate(report, json.loads((ROOT / "docs/schema/matrix.schema.json").read_text()))
    pairs = {name: {(c["a"], c["b"], c["seed"]) for c in report["cells"] if c["strategy"] == name} for name in ALL.split(",")}
    assert len(set(map(frozenset, pairs.values()))) == 1
    assert len(pairs["weft"]) == 8 * 9 // 2


@pytest.mark.parametrize("strategy", ALL.split(","))
def test_known_ports_are_direct_under_all_and_blocked_udp_with_tcp_alone(report: dict, strategy: str) -> None:
    assert paths(report, strategy, "eim", "eim") == {"direct"}
    assert paths(report, strategy, "eim", "blocked") == {"direct" if strategy == "weft" else "relay"}  # by TCP


def test_a_random_port_is_found_by_search_only(report: dict) -> None:
    for strategy in ("ice", "disco", "dcutr"):
        assert paths(report, strategy, "eim", "random") == {"relay"}
    assert paths(report, "weft", "eim", "random") == {"direct"}
    assert paths(report, "weft", "sequential", "sequential") == {"direct"}
    assert paths(report, "birthday", "sequential", "sequential") == {"relay"}


def test_an_unknown_strategy_is_refused() -> None:
    done = run("matrix", FILE, "--strategy", "luck")
    assert done.returncode == 2 and "luck" in done.stderr, done


def test_the_table_compares() -> None:
    done = run("run", "scenarios/path/population-fixed.json", "--strategy", "dcutr", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert "dcutr " in done.stdout and "not direct, by pair of NATs" in done.stdout, done.stdout
