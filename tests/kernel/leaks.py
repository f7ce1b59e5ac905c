# SPDX-License-Identifier: BSD-3-Clause
"""Kills the harness of the kernel world at random moments and counts what it leaves (scripts/kernel-leaks)."""

import os
import pathlib
import random
import select
import signal
import sys
import tempfile

import laboratory

SEED = 1
LATEST_S = 6.0  # the agents know each other by then


def gone_within(pids: set[int], limit_s: float) -> set[int]:
    """Those of `pids` that still live after the limit."""
    for _ in range(int(limit_s / 0.05)):
        pids = {pid for pid in pids if os.path.exists(f"/proc/{pid}")}
        if not pids:
            break
        select.select([], [], [], 0.05)
    return pids


def main() -> int:
    runs = int(sys.argv[1])
    chance = random.Random(SEED)
    processes = spaces = 0
    moments = []
    with tempfile.TemporaryDirectory() as folder:
        scenario = laboratory.write_scenario(pathlib.Path(folder), duration_s=60)
        for _ in range(runs):
            harness = laboratory.start("run", scenario, "--world", "kernel")
            moment = chance.uniform(0.0, LATEST_S)
            moments.append(moment)
            select.select([], [], [], moment)
            children = laboratory.descendants(harness.pid)
            held = laboratory.namespaces(children | {harness.pid})
            harness.send_signal(signal.SIGKILL)
            harness.communicate()
            processes += len(gone_within(children, 5))
            spaces += len(laboratory.held_anywhere(held))
        # One more laboratory, which ends by itself, sweeps the folders.
        laboratory.run("run", laboratory.write_scenario(pathlib.Path(folder), duration_s=1, expect=[]), "--world", "kernel")
    left = os.listdir("/run/weft-lab")
    mine = [name for name in left if not os.path.exists(f"/proc/{name.split('-')[0]}")]
    print(f"{runs} runs, killed after {min(moments):.2f} to {max(moments):.2f} s (seed {SEED}): "
          f"{processes} processes, {spaces} network namespaces, {len(mine)} folders left")
    return 1 if processes or spaces or mine else 0


sys.exit(main())
