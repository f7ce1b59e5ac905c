# SPDX-License-Identifier: BSD-3-Clause
"""Bad input ends with the documented exit code and one sentence: what, where, remedy."""

import json

import pytest

from weft_lab import QUICK, ROOT, run


def refusal(*arguments: str) -> str:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("weft-lab: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def scenario(tmp_path):
    """Writes a changed copy of the quick scenario and returns its path."""
    def write(change) -> str:
        document = json.loads((ROOT / QUICK).read_text())
        document["nat_models"] = str(ROOT / "nat-models")
        change(document)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(document))
        return str(path)
    return write


def test_missing_file() -> None:
    assert "nowhere.json" in refusal("matrix", "nowhere.json")


def test_unknown_key(scenario) -> None:
    text = refusal("matrix", scenario(lambda d: d["matrix"].update(clases=[])))
    assert "changed.json: at /matrix: unknown key 'clases'" in text


def test_impossible_value(scenario) -> None:
    assert "/topology/hops" in refusal("matrix", scenario(lambda d: d["topology"].update(hops=-1)))


def test_missing_model_file(scenario) -> None:
    text = refusal("matrix", scenario(lambda d: d["nat"].update({"eim-eif": ["no-such-nat"]})))
    assert "/nat/eim-eif/0" in text and "no-such-nat.json" in text


def test_broken_json(tmp_path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"name": "x",\n}')
    assert "line 2" in refusal("matrix", str(path))


def test_run_without_nodes_and_matrix_without_a_matrix() -> None:
    assert "use weft-lab matrix" in refusal("run", QUICK)
    assert "use weft-lab run" in refusal("matrix", "scenarios/kernel-cases.json")


def test_bad_seeds_and_unknown_flags() -> None:
    assert "'5..2'" in refusal("matrix", QUICK, "--seeds", "5..2")
    assert "--sead" in refusal("matrix", QUICK, "--sead", "5")


@pytest.mark.parametrize("setting, sentence", [
    ("ns3::NoSuchThing::Colour=red", "ns-3 has no type 'ns3::NoSuchThing'"),
    ("ns3::TcpSocket::Colour=red", "ns3::TcpSocket has no attribute 'Colour'; it has SndBufSize"),
    ("ns3::TcpSocket::SegmentSize=red", "cannot be 'red'; it takes ns3::UintegerValue (uint32_t 0:4294967295)"),
    ("ns3::TcpL4Protocol::SocketType=ns3::TcpRed", "cannot be 'ns3::TcpRed'"),
    ("red", "is not NAME=VALUE"),
])
def test_attribute_that_ns3_does_not_know(setting: str, sentence: str) -> None:
    assert sentence in refusal("run", "scenarios/tunnel-tcp.json", "--ns3-set", setting)


def test_flow_without_an_end(scenario) -> None:
    def endless(document: dict) -> None:
        document["nodes"] = [{"name": name, "region": "north", "nat": "eim-eif"} for name in ("a", "b")]
        document["traffic"] = [{"kind": "ns3_bulk_send", "from": "a", "to": "b"}]
    assert "/traffic/0: never ends; give 'bytes' or 'stop_s'" in refusal("run", scenario(endless))


def test_failed_expectation_is_exit_20(scenario) -> None:
    def all_direct(document: dict) -> None:
        document["nat"]["random"] = ["apdm-apdf-random"]
        document["nodes"] = [{"name": name, "region": "north", "nat": "random"} for name in ("a", "b")]
        document["traffic"] = [{"kind": "ping", "from": "a", "to": "b"}]
        document["expect"] = [{"kind": "path", "from": "a", "to": "b", "is": "direct"}]
        document["seeds"] = 1
    done = run("run", scenario(all_direct))
    assert done.returncode == 20, done
    assert "expected direct, is relay" in done.stderr and "--seed 1" in done.stderr
