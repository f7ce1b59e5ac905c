# SPDX-License-Identifier: GPL-2.0-only
"""Runs scenarios in this process. The GIL is released meanwhile; a second run at the same time raises BusyError, since the
event core of ns-3 is global to a process."""

from __future__ import annotations

import json
import pathlib
import typing

from . import _weft
from .results import Matrix, Progress, Runs
from .scenario import Scenario, load

OnProgress = typing.Callable[[Progress], typing.Any]


def _scenario(given: Scenario | str | pathlib.Path) -> Scenario:
    return given if isinstance(given, Scenario) else load(given)


def _seeds(scenario: Scenario, seeds: int | typing.Iterable[int] | None) -> list[int]:
    """1 to `seeds`, or those given, or the scenario's."""
    if seeds is None:
        first = scenario.first_seed or 1
        seeds = range(first, first + (scenario.seeds or 1))
    chosen = list(range(1, seeds + 1)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    if not chosen or min(chosen) < 1:
        raise ValueError(f"seeds={seeds!r}: seeds count from 1; give a number of seeds, or a range like range(1, 101)")
    return chosen


def run_each(scenario: Scenario | str | pathlib.Path, seeds: int | typing.Iterable[int] | None = None, *,
             fidelity: str = "fabric", tls: bool | None = None, strategy: str = "weft", explain: bool = False,
             path_changes: bool = True, trace: str | pathlib.Path | None = None, on_progress: OnProgress | None = None) -> typing.Iterator[Runs]:
    """Runs a scenario once for each seed, and yields each run (a Runs of one) when it has ended.

    seeds: how many, from 1; or which; None: as many as the scenario says. fidelity: fabric or stack. tls, None: the
    scenario's. strategy: weft, or a rival (docs/scenario.md). explain: adds to each pair in `report` what `weft explain` says.
    path_changes, False: that array stays empty, and the run takes a quarter less time.
    trace: file for the events of the run, one seed only (docs/trace.md). on_progress: called with a Progress 100 times in a
    run; what it raises ends the run and comes out here, as Ctrl-C does.

    Raises ScenarioError for what cannot be run, RunError for a run that failed, BusyError while another is running.
    """
    chosen_scenario = _scenario(scenario)
    chosen = _seeds(chosen_scenario, seeds)
    if trace is not None and len(chosen) != 1:
        raise ValueError(f"trace={str(trace)!r}: a trace holds one run; give one seed, as in seeds=[7]")
    text, duration = chosen_scenario.to_json(), chosen_scenario.duration_s or 60.0
    for done, seed in enumerate(chosen):
        def tell(over_s: float, done: int = done, seed: int = seed) -> None:
            if on_progress is not None:
                on_progress(Progress(done, len(chosen), seed, over_s, duration))

        report, latencies, changes = _weft.run(text, chosen_scenario.path, seed, fidelity, tls, strategy, explain,
                                               path_changes, str(trace or ""), tell)
        yield Runs([json.loads(report)], [latencies], [changes])


def run(scenario: Scenario | str | pathlib.Path, seeds: int | typing.Iterable[int] | None = None, **options: typing.Any) -> Runs:
    """All runs of run_each(), which has the options, as one Runs."""
    chosen_scenario = _scenario(scenario)
    return Runs.joined(run_each(chosen_scenario, seeds, **options))


def run_matrix(scenario: Scenario | str | pathlib.Path, seeds: int | range | None = None, *, jobs: int = 1,
               fidelity: str = "fabric", tls: bool | None = None, strategies: typing.Sequence[str] = ("weft",),
               explain: bool = False, on_progress: OnProgress | None = None) -> Matrix:
    """Runs all pairs of a scenario's NAT classes until they have settled, in `jobs` forked processes.

    seeds: how many, from 1; or a range without gaps; None: as many as the scenario says. The result does not depend on jobs.
    on_progress: called with a Progress after each cell. Other options and exceptions as run_each().
    """
    chosen_scenario = _scenario(scenario)
    chosen = _seeds(chosen_scenario, seeds)
    if chosen != list(range(chosen[0], chosen[-1] + 1)):
        raise ValueError(f"seeds={seeds!r}: the seeds of a matrix follow each other; give a number or a range like range(1, 6)")

    def tell(done: int, of: int) -> None:
        if on_progress is not None:
            on_progress(Progress(done, of))

    report, csv, failures = _weft.run_matrix(chosen_scenario.to_json(), chosen_scenario.path, chosen[0], chosen[-1], fidelity,
                                             tls, list(strategies), jobs, explain, tell)
    return Matrix(json.loads(report), csv, failures)
