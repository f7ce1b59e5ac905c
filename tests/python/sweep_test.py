# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps: one table whoever computes it, resumed after interruptions, and refusals."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import typing

import distributed
import jsonschema
import numpy as np
import pytest
import weft

from scenario_test import ROOT, small

SCHEMA = json.loads((ROOT / "docs/schema/sweep.schema.json").read_text())
PLAN = {
    "name": "loss",
    "scenario": "small.json",
    "set": {"/duration_s": 4},
    "axes": [{"name": "loss", "pointer": "/topology/loss_ratio", "values": [0, 0.2]},
             {"name": "nat", "pointer": "/nat/home", "values": [["eim-apdf"], ["apdm-apdf-random"]], "labels": ["eim", "random"]}],
    "seeds": 2,
    "strategies": ["weft", "dcutr"],
}


@pytest.fixture
def plan(tmp_path: pathlib.Path) -> pathlib.Path:
    scenario = small()
    scenario.nat_models = str(ROOT / "nat-models")
    scenario.save(tmp_path / "small.json")
    return write(tmp_path, PLAN)


def write(folder: pathlib.Path, plan: dict) -> pathlib.Path:
    (folder / "sweep.json").write_text(json.dumps(plan))
    return folder / "sweep.json"


def sweep(plan: pathlib.Path, out: str, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([os.environ["WEFT_LAB"], "sweep", plan, "--out", plan.parent / out, *options], capture_output=True,
                          text=True, timeout=250)


def tables(plan: pathlib.Path, out: str) -> tuple[bytes, bytes]:
    return (plan.parent / out / "table.csv").read_bytes(), (plan.parent / out / "table.npz").read_bytes()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> typing.Iterator[distributed.Client]:
    """A Dask scheduler and two workers, each a process of its own, on loopback."""
    folder = tmp_path_factory.mktemp("dask")
    common = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True, "cwd": folder}
    scheduler = subprocess.Popen(["dask-scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"], **common)
    said = ""
    while not (found := re.search(r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)", said)):
        line = scheduler.stderr.readline()
        assert line, said
        said += line
    address = found.group(1)
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": folder}
    scheduler_says = subprocess.Popen(["cat"], stdin=scheduler.stderr, stdout=subprocess.DEVNULL)
    workers = [subprocess.Popen(["dask-worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                                 "--local-directory", folder / name], **quiet) for name in ("one", "two")]
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
    for process in [*workers, scheduler]:
        process.terminate()
        process.wait(30)
    scheduler_says.wait(30)


def test_one_process_two_and_two_dask_workers_write_the_same_bytes(plan: pathlib.Path, cluster: distributed.Client) -> None:
    for out, options in (("one", ["--jobs", "1"]), ("two", ["--jobs", "2"]), ("dask", ["--scheduler", cluster.scheduler.address])):
        done = sweep(plan, out, *options)
        assert done.returncode == 0, done.stderr
    assert tables(plan, "one") == tables(plan, "two") == tables(plan, "dask")
    ran = cluster.run(lambda dask_worker: sum("run_task" in str(entry) for entry in dask_worker.state.log))
    assert len(ran) == 2 and all(ran.values()), ran


def test_the_table_has_a_row_for_each_combination_and_seed(plan: pathlib.Path) -> None:
    jsonschema.validate(PLAN, SCHEMA)
    table = weft.run_sweep(plan, plan.parent / "out", jobs=2)
    combinations = list(zip(table["loss"], table["nat"], table["strategy"], table["seed"]))
    assert combinations == [(loss, nat, strategy, seed) for loss in ("0", "0.2") for nat in ("eim", "random")
                            for strategy in ("weft", "dcutr") for seed in (1, 2)]
    assert set(table["path"][(table["nat"] == "eim") & (table["loss"] == "0")]) == {"direct"}
    lost = table[(table["loss"] == "0.2") & (table["strategy"] == "weft")]
    assert (lost["pings_answered"] < lost["pings_sent"]).all()
    with np.load(plan.parent / "out/table.npz") as saved:
        assert saved["table"].tolist() == pytest.approx(table.tolist(), nan_ok=True) or repr(saved["table"]) == repr(table)


def test_the_sweep_that_comes_with_weft_follows_its_schema_and_can_be_run() -> None:
    for file in (ROOT / "scenarios/sweeps").glob("*.json"):
        jsonschema.validate(json.loads(file.read_text()), SCHEMA)
        assert weft.load_sweep(file).points()


def test_a_matrix_is_a_row_a_cell(plan: pathlib.Path) -> None:
    matrix = json.loads((ROOT / "scenarios/nat-matrix-quick.json").read_text())
    matrix |= {"nat_models": str(ROOT / "nat-models"), "expect": []}
    matrix["matrix"]["classes"] = matrix["matrix"]["classes"][:3]
    (plan.parent / "matrix.json").write_text(json.dumps(matrix))
    write(plan.parent, {"name": "m", "scenario": "matrix.json", "axes": [], "seeds": 2})
    table = weft.run_sweep(plan, plan.parent / "out")
    assert len(table) == 2 * 6 and set(table["kind"]) == {"cell"} and table["connected"].all()


def test_interrupted_it_goes_on_where_it_was_and_a_torn_line_is_dropped(plan: pathlib.Path) -> None:
    assert sweep(plan, "whole", "--jobs", "2").returncode == 0
    whole = (plan.parent / "whole/rows.ndjson").read_bytes().splitlines(keepends=True)
    (plan.parent / "torn").mkdir()
    (plan.parent / "torn/rows.ndjson").write_bytes(b"".join(whole[:5]) + whole[5][:40])
    done = sweep(plan, "torn", "--jobs", "1")
    assert done.returncode == 0 and "4 of 16 runs" in done.stderr, done.stderr
    assert tables(plan, "torn") == tables(plan, "whole")
    again = (plan.parent / "torn/rows.ndjson").read_bytes().splitlines(keepends=True)
    assert again[:5] == whole[:5] and len(again) == len(whole)


def test_killed_in_the_middle_it_keeps_what_was_finished(plan: pathlib.Path) -> None:
    write(plan.parent, PLAN | {"seeds": 50})
    out = plan.parent / "killed"
    running = subprocess.Popen([os.environ["WEFT_LAB"], "sweep", plan, "--out", out, "--jobs", "2"], stderr=subprocess.PIPE, text=True)
    while "40 of" not in (line := running.stderr.readline()):
        assert line, "the sweep ended before it was killed"
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    kept = len((out / "rows.ndjson").read_bytes().splitlines()) - 1
    assert 40 <= kept < 400
    done = sweep(plan, "killed", "--jobs", "2")
    assert done.returncode == 0
    assert int(re.search(r"(\d+) of 400 runs", done.stderr).group(1)) in (kept - 1, kept)
    assert len((out / "table.csv").read_text().splitlines()) == 1 + 400


def test_rows_of_another_sweep_are_refused(plan: pathlib.Path) -> None:
    assert sweep(plan, "out", "--jobs", "2").returncode == 0
    write(plan.parent, PLAN | {"seeds": 1})
    done = sweep(plan, "out")
    assert done.returncode == 2 and "is of another sweep, scenario or build of Weft; remove it, or choose another --out" in done.stderr


def test_a_broken_expectation_is_exit_code_20(plan: pathlib.Path) -> None:
    write(plan.parent, PLAN | {"strategies": ["weft"], "set": {"/expect": [{"kind": "path", "from": "a", "to": "b", "is": "none"}]}})
    done = sweep(plan, "out")
    assert done.returncode == 20 and "the first with loss=0, nat=eim, seed 1" in done.stderr


@pytest.mark.parametrize("change, sentence", [
    ({"sedes": 3}, "at /: unknown key 'sedes'"),
    ({"scenario": "none.json"}, "none.json: No such file or directory"),
    ({"axes": [{"name": "x", "pointer": "/no/such", "values": [1]}]}, "at /axes/0/pointer: the scenario has no place /no/such"),
    ({"axes": [{"name": "loss", "pointer": "/topology/loss_ratio", "values": [0, 7]}]}, "with loss=7: "),
    ({"axes": [{"name": "path", "pointer": "/seeds", "values": [1]}]}, "at /axes/0/name: 'path' is another column"),
    ({"axes": [{"name": "x", "pointer": "/seeds", "values": [1, 2], "labels": ["a"]}]}, "at /axes/0/labels: 1 labels for 2 values"),
    ({"set": {"nat": []}}, "at /set"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(plan: pathlib.Path, change: dict, sentence: str) -> None:
    done = sweep(write(plan.parent, PLAN | change), "out")
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "tcp://127.0.0.1:x"])
def test_a_scheduler_that_does_not_answer_is_one_sentence(plan: pathlib.Path, address: str) -> None:
    done = sweep(plan, "out", "--scheduler", address)
    assert done.returncode == 2 and "no Dask scheduler answers there" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(plan: pathlib.Path) -> None:
    done = sweep(plan, "sweep.json/out")
    assert done.returncode == 2 and "name a folder you may write to with --out" in done.stderr and "Traceback" not in done.stderr
