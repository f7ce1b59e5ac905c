# SPDX-License-Identifier: BSD-3-Clause
"""What both ends of a pair tell about it follows the published schema, and is true."""

import json

import jsonschema
import pytest

from weft_lab import ROOT, run

SCENARIO = str(ROOT / "scenarios/outages.json")


def schema(name: str) -> dict:
    return json.loads((ROOT / f"docs/schema/{name}.schema.json").read_text())


@pytest.fixture(scope="module")
def pairs() -> dict[tuple[str, str], dict]:
    done = run("run", SCENARIO, "--seed", "1", "--json", "--explain")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, schema("run"))
    return {(pair["from"], pair["to"]): pair["explain"] for pair in report["runs"][0]["pairs"]}


def test_reports_follow_their_schema(pairs) -> None:
    explain, netcheck = schema("weft-explain"), schema("weft-netcheck")
    resolver = jsonschema.RefResolver("", explain, store={"weft-netcheck.schema.json": netcheck})
    for ends in pairs.values():
        for told in ends.values():
            jsonschema.Draft202012Validator(explain, resolver=resolver).validate(told)


def test_both_ends_tell_the_rung_that_connects_them(pairs) -> None:
    assert {told["path"]["rung"] for told in pairs["desk", "printer"].values()} == {"same_network"}
    assert {told["path"]["rung"] for told in pairs["desk", "laptop"].values()} == {"simultaneous_open"}
    hotel = pairs["hotel", "laptop"]
    assert all("tcp" in told["path"]["tried"] for told in hotel.values())
    assert hotel["from"]["self"]["ipv4"] == {"address": True, "udp": False, "reflexive": None, "translated": False}


def test_every_candidate_has_a_result(pairs) -> None:
    told = pairs["desk", "laptop"]["from"]
    results = {candidate["kind"]: candidate["result"] for candidate in told["peer"]["candidates"]}
    assert results["server_reflexive"] == "succeeded"
    assert results["host"] == "private_elsewhere"


def test_a_carriers_nat_is_a_second_layer(pairs) -> None:
    assert pairs["phone", "server"]["from"]["self"]["nat"]["layers"] == 2


def test_a_matrix_tells_it_too() -> None:
    done = run("matrix", str(ROOT / "scenarios/path/sequences.json"), "--seeds", "1", "--json", "--explain")
    report = json.loads(done.stdout)
    jsonschema.validate(report, schema("matrix"))
    for cell in report["cells"]:
        assert cell["explain"]["from"]["path"]["class"] == cell["path"]


def test_without_the_flag_nothing_is_told() -> None:
    done = run("run", SCENARIO, "--seed", "1", "--json")
    assert "explain" not in json.loads(done.stdout)["runs"][0]["pairs"][0]


@pytest.fixture(scope="module")
def mapped() -> dict[tuple[str, str], dict]:
    done = run("run", str(ROOT / "scenarios/path/port-mapping.json"), "--seed", "1", "--json", "--explain")
    assert done.returncode == 0, done.stderr
    return {(pair["from"], pair["to"]): pair["explain"] for pair in json.loads(done.stdout)["runs"][0]["pairs"]}


@pytest.mark.parametrize("pair", [("plain", "pcp"), ("nat-pmp", "plain"), ("plain", "upnp"), ("wrong", "plain")])
def test_both_ends_say_that_the_mapping_connects_them(mapped, pair) -> None:
    for told in mapped[pair].values():
        assert told["path"]["class"] == "direct"
        assert told["path"]["rung"] == "port_mapping"
        assert told["path"]["reason"] is None
        assert told["path"]["attempts"] >= 1


def test_a_mapping_that_lets_nothing_in_is_the_reason(mapped) -> None:
    for told in mapped["plain", "dead"].values():
        assert told["path"]["class"] == "relay"
        assert told["path"]["reason"] == "port_mapping_dead"
    gateway = mapped["plain", "dead"]["to"]["self"]["port_mapping"]
    assert gateway["state"] == "dead" and gateway["endpoint"] is None


def test_a_nat_above_the_gateway_is_told_apart(mapped) -> None:
    told = mapped["plain", "carrier"]["to"]
    assert told["self"]["port_mapping"]["state"] == "second_nat"
    assert told["self"]["nat"]["layers"] == 2
    assert told["path"]["reason"] == "both_symmetric_full_range"


def test_a_wrong_address_of_the_gateway_does_no_harm(mapped) -> None:
    gateway = mapped["wrong", "plain"]["from"]["self"]["port_mapping"]
    assert gateway["state"] == "verified"
    seen = gateway["relay_sees"]
    assert gateway["endpoint"].startswith(seen + ":")
    assert not gateway["gateway_says"].startswith(seen + ":")
