# SPDX-License-Identifier: BSD-3-Clause
"""The two fidelities of the simulator tell the same of one scenario: path classes, and delays within 1 %."""

import json

import jsonschema
import pytest

from weft_lab import ROOT, run

CASES = "scenarios/kernel-cases.json"


@pytest.fixture(scope="module")
def reports() -> dict[str, dict]:
    """One report per fidelity; weft-lab itself checks the scenario's expectations (exit code 20)."""
    reports = {}
    for fidelity in ("fabric", "stack"):
        done = run("run", CASES, "--fidelity", fidelity, "--json")
        assert done.returncode == 0, done.stderr
        reports[fidelity] = json.loads(done.stdout)
    return reports


def pairs(reports: dict[str, dict]) -> list[tuple[dict, dict]]:
    return list(zip(reports["fabric"]["runs"][0]["pairs"], reports["stack"]["runs"][0]["pairs"], strict=True))


def test_reports_follow_their_schema(reports: dict[str, dict]) -> None:
    schema = json.loads((ROOT / "docs/schema/run.schema.json").read_text())
    for report in reports.values():
        jsonschema.validate(report, schema)


def test_path_classes_agree(reports: dict[str, dict]) -> None:
    for fabric, stack in pairs(reports):
        assert (fabric["from"], fabric["path"]) == (stack["from"], stack["path"])


def test_round_trips_agree_within_one_percent(reports: dict[str, dict]) -> None:
    for fabric, stack in pairs(reports):
        print(f"{fabric['from']}: fabric {fabric['rtt_ms']:.3f} ms, stack {stack['rtt_ms']:.3f} ms")
        assert stack["rtt_ms"] == pytest.approx(fabric["rtt_ms"], rel=0.01)


def test_stack_is_deterministic(reports: dict[str, dict]) -> None:
    again = json.loads(run("run", CASES, "--fidelity", "stack", "--json").stdout)
    assert again["runs"] == reports["stack"]["runs"]
