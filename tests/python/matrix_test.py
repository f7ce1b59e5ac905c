# SPDX-License-Identifier: BSD-3-Clause
"""The matrix from Python, and the example of 20 lines that draws it."""

import json
import os
import pathlib
import runpy
import subprocess
import sys

import numpy as np
import pytest
import weft

from scenario_test import ROOT

QUICK = ROOT / "scenarios/nat-matrix-quick.json"
EXAMPLE = ROOT / "sim/python/examples/matrix_plot.py"


@pytest.fixture(scope="module")
def matrix() -> weft.Matrix:
    return weft.run_matrix(QUICK, jobs=2)


@pytest.fixture(scope="module")
def report() -> dict:
    done = subprocess.run([os.environ["WEFT_LAB"], "matrix", QUICK, "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_matrix_here_is_the_matrix_of_weft_lab(matrix: weft.Matrix, report: dict) -> None:
    assert matrix.report["cells"] == report["cells"] and matrix.report["trace_hash"] == report["trace_hash"]
    assert not matrix.failures and len(matrix.cells) == len(report["cells"])


def test_grids_are_over_the_classes(matrix: weft.Matrix, report: dict) -> None:
    worst, share, soon = matrix.worst(), matrix.share("direct"), matrix.median("time_to_direct_ms")
    assert worst.shape == share.shape == soon.shape == (len(matrix.classes),) * 2
    for cell in report["cells"]:
        a, b = matrix.classes.index(cell["a"]), matrix.classes.index(cell["b"])
        assert worst[a, b] == worst[b, a] <= weft.PATHS.index(cell["path"])
        assert (share[a, b] == 1) == (worst[a, b] == weft.PATHS.index("direct"))
        assert np.isnan(soon[a, b]) or soon[a, b] > 0


def test_the_result_does_not_depend_on_jobs_and_progress_is_told(matrix: weft.Matrix) -> None:
    told: list[weft.Progress] = []
    one = weft.run_matrix(QUICK, seeds=1, jobs=1, on_progress=told.append)
    assert [each.done for each in told] == list(range(1, 79)) and told[0].all == 78
    assert (one.cells["trace_hash"] == matrix.cells[matrix.cells["seed"] == 1]["trace_hash"]).all()


def test_write_gives_csv_json_and_arrays(matrix: weft.Matrix, tmp_path: pathlib.Path) -> None:
    matrix.write(tmp_path)
    assert json.loads((tmp_path / "matrix.json").read_text()) == matrix.report
    assert len((tmp_path / "matrix.csv").read_text().splitlines()) == 1 + len(matrix.cells)
    assert (np.load(tmp_path / "cells.npz")["cells"]["path"] == matrix.cells["path"]).all()


def test_an_example_of_twenty_lines_draws_the_matrix(report: dict, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "matrix.png"
    assert len(EXAMPLE.read_text().splitlines()) <= 20
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(QUICK), str(picture)])
    drawn = runpy.run_path(str(EXAMPLE))["squares"].get_array()
    assert picture.read_bytes().startswith(b"\x89PNG")
    classes = list(dict.fromkeys(cell[side] for cell in report["cells"] for side in ("a", "b")))
    for cell in report["cells"]:
        square = drawn[classes.index(cell["a"]), classes.index(cell["b"])]
        worst = min(weft.PATHS.index(other["path"]) for other in report["cells"] if (other["a"], other["b"]) == (cell["a"], cell["b"]))
        assert square == worst, cell
