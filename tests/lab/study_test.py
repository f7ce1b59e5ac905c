# SPDX-License-Identifier: BSD-3-Clause
"""weft-lab study hub-vs-mesh: its latencies are those of arithmetic on shortest paths, its summary says what its JSON says, and
what it is given wrong it refuses."""

import json
import re

import jsonschema
import pytest

from weft_lab import ROOT, run

STUDY = ROOT / "scenarios/hub-vs-mesh.json"
SAMPLE = ROOT / "results/hub-vs-mesh"
TOPOLOGIES = ("mesh", "hub", "relay_only")

# The graph of scenarios/topologies/small-carrier.graphml, one way in milliseconds.
EDGES = {("core-north", "core-south"): 9.5, ("core-north", "harbour"): 2, ("core-north", "hills"): 4.25, ("core-south", "lowlands"): 3,
         ("hills", "lowlands"): 11}
LINK_MS = {"harbour": 3.0, "hills": 5.0, "lowlands": 8.0, "hub": 1.5}


def shortest() -> dict[tuple[str, str], float]:
    """Floyd and Warshall."""
    places = sorted({place for edge in EDGES for place in edge})
    way = {(a, b): 0.0 if a == b else EDGES.get((a, b), EDGES.get((b, a), float("inf"))) for a in places for b in places}
    for middle in places:
        for a in places:
            for b in places:
                way[a, b] = min(way[a, b], way[a, middle] + way[middle, b])
    return way


def expected_rtt(topology: str, a: str, b: str) -> float:
    """Hub and relay are in `hills`, the relay without a link of its own."""
    way = shortest()
    if topology == "mesh":
        return 2 * (LINK_MS[a] + way[a, b] + LINK_MS[b])
    middle = 4 * LINK_MS["hub"] if topology == "hub" else 0
    return 2 * (LINK_MS[a] + way[a, "hills"] + way["hills", b] + LINK_MS[b]) + middle


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_latencies_are_those_of_shortest_paths(topology: str, tmp_path) -> None:
    homes = ("harbour", "lowlands")
    document = {
        "name": "arithmetic", "topology": {"graphml": str(ROOT / "scenarios/topologies/small-carrier.graphml")},
        "access": {place: {"delay_ms": delay, "rate_mbps": 1000} for place, delay in LINK_MS.items()},
        "nat": {"public": [], "home": ["eim-apdf"]}, "nat_models": str(ROOT / "nat-models"),
        "services": {"coordinator": {"region": "hills"}, "relays": [{"name": "relay", "region": "hills"}]},
        "nodes": [{"name": "hub", "region": "hills", "nat": "public", "access": "hub"},
                  *({"name": place, "region": place, "nat": "home", "access": place} for place in homes)],
        "overlay": {"topology": topology, **({"hub": "hub"} if topology == "hub" else {})},
        "traffic": [{"kind": "ping", "from": homes[0], "to": homes[1], "start_s": 0, "interval_ms": 100, "count": 150}],
        "duration_s": 16}
    path = tmp_path / "arithmetic.json"
    path.write_text(json.dumps(document))
    for fidelity in ("fabric", "stack"):
        done = run("run", str(path), "--fidelity", fidelity, "--json")
        assert done.returncode == 0, done.stderr
        pair = json.loads(done.stdout)["runs"][0]["pairs"][0]
        print(f"{topology}, {fidelity}: {pair['rtt_ms']:.3f} ms, by arithmetic {expected_rtt(topology, *homes):.3f} ms")
        assert pair["rtt_ms"] == pytest.approx(expected_rtt(topology, *homes), rel=0.01)
        assert pair["reason"] == {"mesh": None, "hub": "by_hub", "relay_only": "relay_only"}[topology]


def test_a_star_is_the_same_in_both_fidelities() -> None:
    """Its expectations (weft-lab checks them): all by the hub, nothing while it is off. tests/deploy has the same on Linux."""
    for fidelity in ("fabric", "stack"):
        done = run("run", "scenarios/star.json", "--fidelity", fidelity)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The study of the project with fewer hosts, no jitter and no losses; runs it with any flags into a folder of its own."""
    document = json.loads(STUDY.read_text())
    document["nat_models"], document["populations"] = str(ROOT / "nat-models"), str(ROOT / "scenarios/populations")
    document["topology"]["loss_ratio"] = 0
    for link in document["access"].values():
        for key in ("jitter_ms", "loss_ratio", "loss_burst"):
            link.pop(key, None)
    for name, count in (("office", 20), ("home", 8), ("phone", 3)):
        node = next(node for node in document["nodes"] if node["name"] == name)
        node["count"] = count
    next(node for node in document["nodes"] if node["name"] == "home")["access"] = "office-line"
    document["study"]["load"] |= {"sites": [2, 4], "share_sites": 2, "peer_shares": [0, 1], "flow_s": 1, "seeds": 1}
    path = tmp_path_factory.mktemp("study") / "small.json"
    path.write_text(json.dumps(document))

    def study(*flags: str):
        folder = tmp_path_factory.mktemp("out")
        done = run("study", "hub-vs-mesh", str(path), "--seeds", "1..2", "--out", str(folder), *flags)
        assert done.returncode == 0, done.stderr
        assert done.stdout == (folder / "summary.md").read_text()
        return json.loads((folder / "study.json").read_text()), done.stdout
    return study


@pytest.fixture(scope="module")
def result(small):
    return small()


def test_a_study_at_scale_agrees_with_the_arithmetic(result) -> None:
    for topology in TOPOLOGIES:
        deviation = result[0]["figures"][f"{topology}.plan_deviation_pct.p50"]
        print(f"{topology}: median deviation {deviation['mean']} %")
        assert max(deviation["values"]) <= 1


def test_workers_change_nothing(small, result) -> None:
    again, text = small("--jobs", "1")
    first = dict(result[0])
    for report in (again, first):
        report.pop("wall_s")
    assert (again, text) == (first, result[1])


def numbers_of(study: dict) -> set[float]:
    """Those that a summary may use: means and intervals, parameters and break-even; not the samples, among which any number is found."""
    found: set[float] = set()

    def collect(value) -> None:
        if isinstance(value, bool) or value is None:
            return
        if isinstance(value, (int, float)):
            found.add(float(value))
        elif isinstance(value, dict):
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)
    for figure in study["figures"].values():
        collect([figure["mean"], figure["low"], figure["high"]])
    collect([study["parameters"], study["break_even"], study["confidence_pct"]])
    return found


def check_summary(study: dict, text: str) -> int:
    words = text
    for name in (study["command"], study["commit"], study["scenario"], study["file"]):
        words = words.replace(name, "")
    known = numbers_of(study)
    tokens = re.findall(r"(?<![\w-])-?\d+(?:\.\d+)?", re.sub(r"ns-3", "", words))
    strange = [token for token in tokens if float(token) not in known]
    assert not strange, f"not in the JSON: {strange}"
    return len(tokens)


def test_every_number_of_the_summary_is_in_the_json(result) -> None:
    assert check_summary(*result) > 100


def test_the_sample_in_the_project_is_whole() -> None:
    study, text = json.loads((SAMPLE / "study.json").read_text()), (SAMPLE / "summary.md").read_text()
    jsonschema.validate(study, json.loads((ROOT / "docs/schema/study.schema.json").read_text()))
    assert check_summary(study, text) > 200
    assert (study["parameters"]["hosts"], study["parameters"]["cities"], study["parameters"]["seeds"]) == (200, 12, 20)
    assert study["failures"] == []
    for picture in ("distributions", "map", "break-even", "outage"):
        assert (SAMPLE / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_the_json_follows_its_schema(result) -> None:
    jsonschema.validate(result[0], json.loads((ROOT / "docs/schema/study.schema.json").read_text()))


def test_every_figure_says_its_fidelity_and_its_interval_is_of_its_values(result) -> None:
    for name, figure in result[0]["figures"].items():
        assert figure["fidelity"] == ("stack" if name.startswith("load.") else "fabric")
        assert figure["low"] <= figure["mean"] <= figure["high"]
        assert min(figure["values"]) - 0.5 <= figure["mean"] <= max(figure["values"]) + 0.5


@pytest.mark.parametrize("change, says", [
    (lambda d: d["study"].update(hub="nobody"), "/study/hub"),
    (lambda d: d["study"].update(hub_dies_s=1), "/study/hub_dies_s: is not after steady_from_s"),
    (lambda d: d["study"].update(hub_back_s=100), "/study/hub_back_s"),
    (lambda d: d["study"]["load"].update(access="rope"), "/study/load/access"),
    (lambda d: d["study"].update(hubs=1), "unknown key 'hubs'"),
    (lambda d: d.pop("study"), "the scenario has no study"),
    (lambda d: d.update(overlay={"topology": "hub"}), "/overlay: lacks the key 'hub'"),
    (lambda d: d.update(overlay={"topology": "mesh", "hub": "hub"}), "/overlay/hub: is about the topology hub"),
    (lambda d: d.update(overlay={"topology": "ring"}), "/overlay/topology"),
    (lambda d: d["traffic"][0].update(to="hub"), "/traffic/0/partners"),
    (lambda d: d["nodes"][1].pop("teams"), "the group 'office' has none"),
])
def test_refusals(change, says: str, tmp_path) -> None:
    document = json.loads(STUDY.read_text())
    document["nat_models"], document["populations"] = str(ROOT / "nat-models"), str(ROOT / "scenarios/populations")
    change(document)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document))
    done = run("study", "hub-vs-mesh", str(path))
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done.stderr
