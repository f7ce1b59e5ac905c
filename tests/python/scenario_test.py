# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios as typed objects: the same files, the same keys, the same sentences."""

import dataclasses
import json
import pathlib
import subprocess
import os

import pytest
import weft
from weft import scenario as typed

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted(path for path in ROOT.glob("scenarios/**/*.json")
               if "topology" in json.loads(path.read_text()))
SCHEMA = json.loads((ROOT / "docs/schema/scenario.schema.json").read_text())

# Where each class's keys are in the schema.
PLACES = {
    weft.Scenario: (), weft.Topology: ("topology",), weft.Generator: ("topology", "generator"),
    weft.RoundTrip: ("topology", "rtt_ms", "[]"), weft.Link: ("access", "{}"), weft.Services: ("services",),
    weft.Coordinator: ("services", "coordinator"), weft.Relay: ("services", "relays", "[]"), weft.Node: ("nodes", "[]"),
    weft.Traffic: ("traffic", "[]"), weft.Event: ("events", "[]"), weft.MatrixSpec: ("matrix",),
    weft.Expectation: ("expect", "[]"), weft.Overlay: ("overlay",), weft.Uplink: ("nodes", "[]", "uplinks", "[]"),
    weft.Study: ("study",), weft.StudyLoad: ("study", "load"),
}


def keys_in_schema(place: tuple[str, ...]) -> set[str]:
    here = SCHEMA  # a part that is not in it yet has no keys
    for step in place:
        here = here.get("items", {}) if step == "[]" else here.get("additionalProperties", {}) if step == "{}" else here.get("properties", {}).get(step, {})
    return set(here.get("properties", {})) - {"$schema"}


def small() -> weft.Scenario:
    return weft.Scenario(
        name="small",
        topology=weft.Topology(regions=["eu", "us"], delay_ms=[[5, 40], [40, 5]]),
        nat={"home": ["eim-apdf"]},
        services=weft.Services(weft.Coordinator("eu"), [weft.Relay("relay-eu", "eu")]),
        nodes=[weft.Node("a", "eu", "home"), weft.Node("b", "us", "home")],
        traffic=[weft.Traffic("ping", "a", "b", interval_ms=100, count=20)],
        duration_s=5)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scenario_reads_and_writes_back_as_it_was(path: pathlib.Path) -> None:
    assert weft.load(path).to_dict() == json.loads(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_key_of_a_scenario_is_untyped(path: pathlib.Path) -> None:
    def untyped(part: object) -> set[str]:
        if isinstance(part, typed.Part):
            inner = [untyped(getattr(part, item.name)) for item in dataclasses.fields(part) if item.name != "extra"]
            return set(part.extra).union(*inner) - {"$schema"}
        items = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        return set().union(*map(untyped, items))

    assert not untyped(weft.load(path))


@pytest.mark.parametrize("part", PLACES, ids=lambda part: part.__name__)
def test_each_key_of_the_schema_has_a_member(part: type) -> None:
    missing = keys_in_schema(PLACES[part]) - set(typed._keys(part).values())
    assert not missing, f"add {missing} to class {part.__name__} of sim/python/weft/scenario.py"


def test_a_scenario_built_here_needs_no_file_to_find_its_models() -> None:
    small().check()


def test_a_saved_scenario_is_what_weft_lab_reads(tmp_path: pathlib.Path) -> None:
    scenario = small()
    scenario.nat_models = str(ROOT / "nat-models")
    scenario.save(tmp_path / "small.json")
    done = subprocess.run([os.environ["WEFT_LAB"], "describe", tmp_path / "small.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 nodes on 2 sites behind 2 gateways" in done.stdout


def test_an_error_has_the_sentence_of_weft_lab(tmp_path: pathlib.Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(small().to_dict() | {"speed": 3}))
    done = subprocess.run([os.environ["WEFT_LAB"], "describe", bad], capture_output=True, text=True)
    with pytest.raises(weft.ScenarioError) as raised:
        weft.load(bad)
    assert done.returncode == 2 and done.stderr == f"weft-lab: {raised.value}\n"
    assert isinstance(raised.value, ValueError)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(weft.ScenarioError, match="/no/such.json: No such file or directory; name a scenario file"):
        weft.load("/no/such.json")


def test_an_unknown_name_is_refused_with_its_place() -> None:
    scenario = small()
    scenario.nodes[1].nat = "office"
    with pytest.raises(weft.ScenarioError, match="/nodes/1/nat"):
        scenario.check()


def test_draw_shows_regions_delays_and_nodes() -> None:
    drawn = small().draw(1)
    assert drawn.regions == ["eu", "us"] and drawn.delay_ms.tolist() == [[5, 40], [40, 5]]
    assert drawn.nodes["name"].tolist() == ["a", "b"] and drawn.nodes["nat"].tolist() == ["eim-apdf"] * 2
    assert drawn.relays == {"relay-eu": "eu"}
