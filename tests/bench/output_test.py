# SPDX-License-Identifier: BSD-3-Clause
"""weft-bench prints valid JSON with the six keys, and the names that --list promises. No figure is judged."""

import json
import math
import re
import subprocess
import sys


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=100)


def main() -> None:
    measured = run("--json", "--quick")
    assert measured.returncode == 0, measured.stderr
    figures = json.loads(measured.stdout)
    assert figures, "no figures"
    for figure in figures:
        assert set(figure) == {"name", "value", "unit", "runs", "least", "most"}, figure
        assert math.isfinite(figure["value"]) and figure["runs"] == 1, figure
        assert figure["value"] >= 0 or figure["unit"] == "% added", figure
        assert figure["least"] == figure["value"] == figure["most"], figure
    assert [figure["name"] for figure in figures] == run("--quick", "--list").stdout.split()
    one = json.loads(run("--json", "--quick", "aead/seal/64B/batch16").stdout)
    assert [figure["name"] for figure in one] == ["aead/seal/64B/batch16"], one
    usage = run("--help")
    assert usage.returncode == 0 and not usage.stderr, usage
    unnamed = {figure["name"].split("/")[0] for figure in figures} - set(re.findall(r"[a-z]+", usage.stdout))
    assert not unnamed, f"--help does not name these areas: {unnamed}"
    assert run("no-such-figure", "--list").returncode == 2
    assert run("--no-such-option").returncode == 2


main()
