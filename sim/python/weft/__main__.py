# SPDX-License-Identifier: GPL-2.0-only
"""`python3 -m weft sweep`: what `weft-lab sweep` starts. Options and exit codes: docs/cli.md."""

import argparse
import os
import shutil
import sys
import time

import numpy as np

import weft

EXPECTATION_FAILED = 20
INTERRUPTED = 130


class Bar:
    """A progress bar on a terminal; elsewhere a line each tenth."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._first = -1
        self._tenth = -1

    def __call__(self, progress: weft.Progress) -> None:
        if self._first < 0:
            self._first = progress.done
        spent = time.monotonic() - self._began
        fresh = progress.done - self._first
        left = f", {spent / fresh * (progress.all - progress.done):.0f} s left" if fresh else ""
        text = f"{progress.done} of {progress.all} runs{left if progress.done < progress.all else ''}"
        if self._terminal:
            width = max(10, shutil.get_terminal_size().columns - len(text) - 4)
            filled = width * progress.done // max(1, progress.all)
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (width - filled)}] {text}\x1b[K")
            if progress.done == progress.all:
                sys.stderr.write("\n")
            sys.stderr.flush()
        elif 10 * progress.done // max(1, progress.all) > self._tenth:
            self._tenth = 10 * progress.done // max(1, progress.all)
            print(f"weft-lab: {text}", file=sys.stderr, flush=True)


def summary(table: np.ndarray, axes: list[str]) -> str:
    """For a terminal: a line for each combination, with the shares of path classes and medians in ms."""
    keys = [*axes, "strategy"]
    lines = [[*keys, "rows", "connected", "direct", "relay", "direct_ms", "rtt_ms"]]
    for combination in dict.fromkeys(tuple(row[key] for key in keys) for row in table):
        rows = table[np.logical_and.reduce([table[key] == value for key, value in zip(keys, combination)])]
        shares = [rows["connected"], rows["path"] == "direct", rows["path"] == "relay"]
        times = [rows[name][~np.isnan(rows[name])] for name in ("time_to_direct_ms", "rtt_ms")]
        lines.append([*combination, str(len(rows)), *(f"{np.mean(share):.3f}" for share in shares),
                      *(f"{np.median(values):.1f}" if len(values) else "-" for values in times)])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths)) for line in lines)


def fail(sentence: str, code: int) -> int:
    print(f"weft-lab: {sentence}", file=sys.stderr)
    return code


def sweep(options: argparse.Namespace) -> int:
    if options.jobs < 1:
        return fail(f"--jobs {options.jobs}: a sweep needs at least one process; give a number from 1", 2)
    try:
        plan = weft.load_sweep(options.file)
        out = options.out or f"{plan.name}-sweep"
        table = weft.run_sweep(plan, out, jobs=options.jobs, scheduler=options.scheduler, on_progress=Bar())
    except weft.ScenarioError as error:
        return fail(str(error), 2)
    except weft.SweepError as error:
        return fail(str(error), 2 if "--" in str(error) else 1)
    except weft.RunError as error:
        return fail(f"{error}; the rows that are finished are kept", 1)
    except KeyboardInterrupt:
        return fail("interrupted; the rows that are finished are kept, and the same command goes on with the others", INTERRUPTED)
    print(summary(table, [axis.name for axis in plan.axes]))
    print(f"{len(table)} rows in {out}/table.csv and {out}/table.npz")
    failed = table[table["failures"] > 0]
    if len(failed):
        worst = failed[0]
        where = ", ".join(f"{axis.name}={worst[axis.name]}" for axis in plan.axes)
        return fail(f"{len(failed)} rows are of runs in which an expectation or invariant did not hold, the first with {where}, "
                    f"seed {worst['seed']}", EXPECTATION_FAILED)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="weft-lab", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("sweep", help="Run a scenario under every combination of values and seeds")
    command.add_argument("file", help="Sweep file (docs/schema/sweep.schema.json)")
    command.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="Local worker processes")
    command.add_argument("--scheduler", help="Address of a Dask scheduler, as tcp://HOST:8786, instead of local processes")
    command.add_argument("--out", help="Folder for rows and tables; default NAME-sweep")
    return sweep(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
