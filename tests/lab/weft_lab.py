# SPDX-License-Identifier: BSD-3-Clause
"""Runs weft-lab from the root of the project."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
QUICK = "scenarios/nat-matrix-quick.json"


def run(*arguments: str, binary: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([binary or os.environ["WEFT_LAB"], *arguments], cwd=ROOT, capture_output=True, text=True, timeout=500)


def matrix(*arguments: str, binary: str | None = None) -> dict:
    done = run("matrix", *arguments, "--json", binary=binary)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
