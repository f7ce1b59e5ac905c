# SPDX-License-Identifier: BSD-3-Clause
"""The full matrix against the baseline in the repository: no pair may have become worse, and none may give a reason that is not the one the
models give."""

import json

from weft_lab import ROOT, run

FULL = "scenarios/nat-matrix-full.json"
BASELINE = "results/baseline/nat-matrix-full.json"


def test_no_pair_is_worse_than_the_baseline() -> None:
    done = run("check", FULL, "--baseline", BASELINE, "--out", "build/check-nat-matrix-full")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = json.loads((ROOT / "build/check-nat-matrix-full/matrix.json").read_text())["cells"]
    assert len(cells) == 990 * 5
