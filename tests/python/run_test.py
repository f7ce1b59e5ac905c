# SPDX-License-Identifier: BSD-3-Clause
"""Runs in this process: what weft-lab gives, as arrays; progress; the GIL; one at a time."""

import json
import os
import pathlib
import subprocess
import sys
import threading

import jsonschema
import numpy as np
import pytest
import weft

from scenario_test import ROOT, small

UPGRADE = ROOT / "scenarios/path/upgrade.json"


@pytest.fixture(scope="module")
def runs() -> weft.Runs:
    return weft.run(UPGRADE, seeds=2)


def test_a_run_here_is_the_run_of_weft_lab(runs: weft.Runs) -> None:
    done = subprocess.run([os.environ["WEFT_LAB"], "run", UPGRADE, "--seeds", "1..2", "--json"], capture_output=True, text=True)
    assert json.loads(done.stdout) == runs.report
    jsonschema.validate(runs.report, json.loads((ROOT / "docs/schema/run.schema.json").read_text()))


def test_pairs_are_a_row_for_each_pair_and_seed(runs: weft.Runs) -> None:
    assert runs.pairs["seed"].tolist() == [1, 2] and runs.pairs["path"].tolist() == ["direct"] * 2
    assert runs.pairs["rtt_ms"] == pytest.approx([88, 88], abs=1)


def test_latencies_are_a_row_for_each_ping(runs: weft.Runs) -> None:
    for row, pair in enumerate(runs.pairs):
        pings = runs.latencies[runs.latencies["pair"] == row]
        assert len(pings) == pair["pings_sent"] == 1000
        assert np.count_nonzero(~np.isnan(pings["rtt_ms"])) == pair["pings_answered"]
        assert np.all(np.diff(pings["sent_s"]) > 0) and np.all(pings["one_way_ms"] < pings["rtt_ms"])
        assert np.median(pings["rtt_ms"]) == pytest.approx(pair["rtt_ms"], abs=0.1)


def test_path_changes_tell_the_way_from_relay_to_direct(runs: weft.Runs) -> None:
    of_a = runs.path_changes[(runs.path_changes["seed"] == 1) & (runs.path_changes["node"] == "a") & (runs.path_changes["at_s"] > 0)]
    assert of_a["path"][-1] == "direct" and of_a["endpoint"][-1] != "" and set(of_a["peer"]) == {"b"}
    assert of_a["at_s"][-1] * 1000 == pytest.approx(runs.pairs["time_to_direct_ms"][0], abs=50)


def test_without_path_changes_the_run_is_the_same() -> None:
    without, with_them = (weft.run(small(), seeds=1, path_changes=wanted) for wanted in (False, True))
    assert len(without.path_changes) == 0 < len(with_them.path_changes) and without.report == with_them.report


def test_write_gives_what_weft_lab_writes_and_the_arrays(runs: weft.Runs, tmp_path: pathlib.Path) -> None:
    runs.write(tmp_path)
    subprocess.run([os.environ["WEFT_LAB"], "run", UPGRADE, "--seeds", "1..2", "--out", tmp_path / "lab"], check=True,
                   stdout=subprocess.DEVNULL)
    assert (tmp_path / "run.json").read_text() == (tmp_path / "lab/run.json").read_text()
    assert (np.load(tmp_path / "arrays.npz")["pairs"]["rtt_ms"] == runs.pairs["rtt_ms"]).all()
    assert (tmp_path / "pairs.csv").read_text().splitlines()[0].startswith("seed,strategy,from,to,")


def test_an_iterator_gives_each_run_when_it_has_ended() -> None:
    iterator = weft.run_each(small(), seeds=[3, 5])
    assert [next(iterator).pairs["seed"].tolist(), next(iterator).pairs["seed"].tolist()] == [[3], [5]]


def test_progress_is_told_in_virtual_time() -> None:
    told: list[weft.Progress] = []
    weft.run(small(), seeds=[4], on_progress=told.append)
    assert len(told) == 100 and told[0].seed == 4
    assert [each.over_s for each in told] == pytest.approx(np.linspace(0.05, 5, 100))


def test_what_a_callback_raises_ends_the_run_and_comes_out() -> None:
    class Enough(Exception):
        pass

    told = []

    def stop(progress: weft.Progress) -> None:
        told.append(progress)
        raise Enough

    with pytest.raises(Enough):
        weft.run(small(), seeds=1, on_progress=stop)
    assert len(told) == 1
    assert weft.run(small(), seeds=1).pairs["connected"].all()  # and the next run is a run


def test_other_threads_go_on_and_a_second_run_is_refused() -> None:
    started, refused, finish = threading.Event(), [], threading.Event()

    def wait_for_the_other(progress: weft.Progress) -> None:
        started.set()
        assert finish.wait(60)  # holds the run; waiting gives the GIL away, as the simulation itself does

    def first() -> None:
        weft.run(small(), seeds=1, on_progress=wait_for_the_other)

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(60)
    with pytest.raises(weft.BusyError, match="another simulation runs in this process"):
        weft.run(small(), seeds=1)
    finish.set()
    thread.join()


def test_the_simulation_does_not_hold_the_gil() -> None:
    scenario = weft.load(UPGRADE)
    scenario.traffic[0].count, scenario.duration_s = 10000, 110
    go, ran = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(), ran.append(True)))
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # now a thread keeps the GIL until it gives it away
    try:
        go.set()
        before = len(ran)
        next(weft.run_each(scenario, seeds=[1]))
        after = len(ran)
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    assert (before, after) == (0, 1)


def test_the_stack_fidelity_runs_here_too() -> None:
    runs = weft.run(small(), seeds=1, fidelity="stack")
    assert runs.pairs["path"].tolist() == ["direct"]


def test_a_trace_holds_one_run(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="give one seed"):
        weft.run(small(), seeds=2, trace=tmp_path / "trace.ndjson")
    weft.run(small(), seeds=[2], trace=tmp_path / "trace.ndjson")
    assert json.loads((tmp_path / "trace.ndjson").read_text().splitlines()[0])["id"] == 1


def test_seeds_count_from_one() -> None:
    with pytest.raises(ValueError, match="seeds count from 1"):
        weft.run(small(), seeds=[0])


def test_a_scenario_without_nodes_is_for_run_matrix() -> None:
    with pytest.raises(weft.ScenarioError, match="has no nodes; use weft.run_matrix"):
        weft.run(ROOT / "scenarios/nat-matrix-quick.json")
