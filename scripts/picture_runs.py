#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the results that only pictures need (scripts/plot-all --runs), into the folder given."""

import json
import pathlib
import subprocess
import sys
import tempfile

import weft

ROOT = pathlib.Path(__file__).resolve().parents[1]
STRATEGIES = ("weft", "dcutr", "ice")


def lines(report: dict, rows: str) -> str:
    """JSON with a line for each row."""
    head = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in report.items() if key not in (rows, "wall_s"))
    return f"{{{head}, {json.dumps(rows)}: [\n" + ",\n".join(json.dumps(row) for row in report[rows]) + "\n]}\n"


def connect(folder: pathlib.Path) -> None:
    """How soon each strategy is direct, on the same hosts."""
    for strategy in STRATEGIES:
        report = weft.run_matrix(ROOT / "scenarios/nat-matrix-quick.json", jobs=2, strategies=[strategy]).report
        keys = ("a", "b", "seed", "path", "time_to_direct_ms", "strategy")
        report["cells"] = [{key: cell[key] for key in keys} for cell in report["cells"]]
        (folder / f"connect-{strategy}.json").write_text(lines(report, "cells"))


def nat_reboot(folder: pathlib.Path) -> None:
    """A pair whose gateways reboot: paths, pings and NAT tables."""
    with tempfile.TemporaryDirectory() as temporary:
        trace = pathlib.Path(temporary) / "trace.ndjson"
        weft.run(ROOT / "scenarios/timeline/nat-reboot.json", seeds=[1], trace=trace).write(folder)
        (folder / "pairs.csv").unlink()  # as in run.json
        subprocess.run(["/usr/bin/python3", ROOT / "scripts/plot_nat.py", trace, "--run", folder / "run.json", "--table",
                        folder / "nat-tables.json", "--out", pathlib.Path(temporary) / "nat.png"], check=True)


def world(folder: pathlib.Path) -> None:
    """Where the hosts of a company in twelve cities are."""
    lab = ROOT / "build/release/bin/weft-lab"
    done = subprocess.run([lab, "describe", ROOT / "scenarios/twelve-cities.json", "--json"], check=True, capture_output=True, text=True)
    (folder / "world.json").write_text(lines(json.loads(done.stdout), "nodes"))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    connect(folder)
    nat_reboot(folder / "nat-reboot")
    world(folder)


if __name__ == "__main__":
    main()
