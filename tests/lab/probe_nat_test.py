# SPDX-License-Identifier: BSD-3-Clause
"""weft-lab probe-nat: output, schema, exit codes, and the table of docs/models.md that is made of it."""

import json
import os
import subprocess

import jsonschema

import weft_lab

SCHEMA = json.loads((weft_lab.ROOT / "docs/schema/nat-probe.schema.json").read_text())


def probe(model: str, *arguments: str) -> dict:
    done = weft_lab.run("probe-nat", "--model", f"nat-models/{model}.json", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def test_names_each_axis_in_the_words_of_the_model():
    found = probe("mobile-cgn-port-block")
    assert found["mapping"] == found["filtering"] == "address_and_port_dependent"
    assert found["ports"]["allocation"] == "random"
    assert found["ports"]["block"]["size"] == 4096
    assert found["lifetimes_s"]["udp_unreplied"] == {"survived": 35.0, "died": 65.0}
    assert found["refresh"] == "outbound"


def test_quick_leaves_the_lifetimes_out():
    found = probe("eim-apdf", "--quick")
    assert found["lifetimes_s"] == {"udp_unreplied": None, "udp_replied": None}


def test_blocked_udp_is_said():
    assert probe("udp-blocked")["udp"] == "blocked"


def test_text_is_for_people():
    done = weft_lab.run("probe-nat", "--model", "nat-models/cgn.json")
    assert "allocation     random" in done.stdout


def test_check_fails_for_a_model_that_lies(tmp_path):
    # It gives answered flows their longer lifetime only after 10 s, which a probe of 3 s does not see.
    model = json.loads((weft_lab.ROOT / "nat-models/eim-eif.json").read_text())
    model["lifetimes_s"] = {"udp_unreplied": 30, "udp_replied": 120, "udp_replied_after": 10}
    path = tmp_path / "late.json"
    path.write_text(json.dumps(model))
    done = weft_lab.run("probe-nat", "--model", str(path), "--check")
    assert done.returncode == 20, done.stdout
    assert "udp_replied: expected 95..125, found 25..35" in done.stderr


def test_refuses_nonsense_in_one_sentence():
    for arguments in ([], ["--server", "nowhere"], ["--model", "nat-models/none.json"]):
        done = weft_lab.run("probe-nat", *arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1


def test_the_table_of_models_is_current():
    done = subprocess.run([weft_lab.ROOT / "scripts/model-table", "--check", "--weft-lab", os.environ["WEFT_LAB"]],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
