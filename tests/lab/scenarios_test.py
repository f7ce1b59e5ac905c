# SPDX-License-Identifier: BSD-3-Clause
"""Every scenario file with nodes holds what it expects, in all its seeds; one of a study, which runs each of them thrice, in the first."""

import json

import pytest

from weft_lab import ROOT, run

FILES = [path for path in sorted((ROOT / "scenarios").rglob("*.json")) if json.loads(path.read_text()).get("nodes")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_holds_what_it_expects(path) -> None:
    first_alone = ["--seed", "1"] if "study" in json.loads(path.read_text()) else []
    done = run("run", str(path), *first_alone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") > 1
