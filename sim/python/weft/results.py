# SPDX-License-Identifier: GPL-2.0-only
"""What runs and matrices end with, as structured arrays of NumPy."""

from __future__ import annotations

import json
import pathlib
import typing
from dataclasses import dataclass

import numpy as np

from . import tables

PATHS = ("none", "relay", "one_way", "direct")
"""Path classes from worst to best; Matrix.worst() holds indices of this."""

NAN = float("nan")


def _ms(value: float | None) -> float:
    return NAN if value is None else float(value)


@dataclass(frozen=True)
class Progress:
    """How far a call is. Of run(): runs, each with its virtual time; of run_matrix(): cells."""

    done: int  # runs or cells that have ended
    all: int
    seed: int | None = None  # that runs now
    over_s: float = 0.0  # of its virtual time
    duration_s: float = 0.0


PAIR_COLUMNS: list[tuple[str, type]] = [
    ("seed", int), ("strategy", str), ("from", str), ("to", str), ("nat_from", str), ("nat_to", str), ("connected", bool),
    ("path", str), ("reason", str), ("first_packet_ms", float), ("time_to_direct_ms", float), ("rtt_ms", float),
    ("least_rtt_ms", float), ("pings_sent", int), ("pings_answered", int), ("pings_arrived", int), ("reordered", int),
    ("longest_gap_ms", float)]
FLOW_COLUMNS: list[tuple[str, type]] = [
    ("seed", int), ("from", str), ("to", str), ("kind", str), ("path", str), ("received_bytes", int), ("deliveries", int),
    ("took_ms", float), ("goodput_mbps", float)]
CELL_COLUMNS: list[tuple[str, type]] = [
    ("strategy", str), ("a", str), ("b", str), ("seed", int), ("connected", bool), ("path", str), ("reason", str),
    ("first_packet_ms", float), ("time_to_direct_ms", float), ("rtt_ms", float), ("trace_hash", str)]


def _row(source: dict[str, typing.Any], columns: list[tuple[str, type]]) -> tuple:
    return tuple("" if source[name] is None and kind is str else _ms(source[name]) if kind is float else source[name]
                 for name, kind in columns)


class Runs:
    """Runs of one scenario.

    report: as `weft-lab run --json` prints it (docs/schema/run.schema.json).
    pairs: structured (P,), a row for each pair with traffic and run: seed, strategy, from, to, nat_from, nat_to, connected,
      path (of PATHS), reason (why not direct), first_packet_ms, time_to_direct_ms, rtt_ms (median), least_rtt_ms (what links
      and regions take), pings_sent, _answered, _arrived, reordered, longest_gap_ms. nan: there is none.
    flows: structured (F,), of ns-3's applications: seed, from, to, kind, path, received_bytes, deliveries, took_ms,
      goodput_mbps.
    latencies: structured (L,), a row a ping in the order of sending: seed, pair (row of `pairs`), sent_s (since traffic
      began), one_way_ms (to the far TUN), rtt_ms; nan: it did not arrive, or was not answered.
    path_changes: structured (C,): seed, at_s (since traffic began; negative before), node, peer, path, endpoint (of the peer,
      if direct), reason. A row each time a node sends to a peer by another path than before.
    failures: expectations and invariants that did not hold, a sentence each.
    """

    def __init__(self, reports: list[dict[str, typing.Any]], latencies: list[np.ndarray], changes: list[np.ndarray]) -> None:
        self.report = {**reports[0], "runs": [run for report in reports for run in report["runs"]]} if reports else {"runs": []}
        self._parts = (reports, latencies, changes)
        runs = self.report["runs"]
        self.pairs = tables.records([_row({**pair, "seed": run["seed"], "strategy": run["strategy"]}, PAIR_COLUMNS)
                                     for run in runs for pair in run["pairs"]], PAIR_COLUMNS)
        self.flows = tables.records([_row({**flow, "seed": run["seed"]}, FLOW_COLUMNS)
                                     for run in runs for flow in run["flows"]], FLOW_COLUMNS)
        self.failures: list[str] = [f"seed {run['seed']}: {failure}" for run in runs for failure in run["failures"]]
        firsts = np.cumsum([0] + [len(run["pairs"]) for run in runs])
        self.latencies = _stack(latencies, [run["seed"] for run in runs], firsts)
        self.path_changes = _stack(changes, [run["seed"] for run in runs])

    @classmethod
    def joined(cls, runs: typing.Iterable[Runs]) -> Runs:
        """Several as one, in their order."""
        reports, latencies, changes = [], [], []
        for each in runs:
            for to, part in zip((reports, latencies, changes), each._parts):
                to.extend(part)
        return cls(reports, latencies, changes)

    def write(self, folder: str | pathlib.Path) -> None:
        """Writes run.json, pairs.csv and arrays.npz (pairs, flows, latencies, path_changes). Raises OSError."""
        place = pathlib.Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / "run.json").write_text(json.dumps(self.report, indent=1) + "\n", encoding="utf-8")
        (place / "pairs.csv").write_text(tables.csv_text(self.pairs), encoding="utf-8")
        tables.write_npz(place / "arrays.npz", pairs=self.pairs, flows=self.flows, latencies=self.latencies,
                         path_changes=self.path_changes)


def _stack(parts: list[np.ndarray], seeds: list[int], firsts: np.ndarray | None = None) -> np.ndarray:
    """The runs' arrays below each other, with their seed in front; bytes become str, and pairs are numbered through."""
    names = parts[0].dtype.names if parts else ()
    kinds = [(name, f"U{kind.itemsize}" if kind.kind == "S" else kind)
             for name, kind in ((name, parts[0].dtype[name]) for name in names)] if parts else []
    stacked = np.zeros(sum(len(part) for part in parts), dtype=[("seed", "i8"), *kinds])
    start = 0
    for index, (part, seed) in enumerate(zip(parts, seeds)):
        rows = stacked[start:start + len(part)]
        rows["seed"] = seed
        for name in names:
            rows[name] = np.char.decode(part[name], "utf-8") if part.dtype[name].kind == "S" else part[name]
        if firsts is not None:
            rows["pair"] += firsts[index]
        start += len(part)
    return stacked


class Matrix:
    """All pairs of NAT classes under some seeds.

    report: as `weft-lab matrix --json` prints it (docs/schema/matrix.schema.json).
    classes: names, K of them, in the order of the scenario.
    cells: structured (K·(K+1)/2 · seeds · strategies,): strategy, a, b, seed, connected, path (of PATHS), reason,
      first_packet_ms, time_to_direct_ms, rtt_ms (nan: there is none), trace_hash.
    failures: expectations and invariants that did not hold, a sentence each.
    """

    def __init__(self, report: dict[str, typing.Any], csv: str, failures: list[str]) -> None:
        self.report = report
        self.failures = failures
        self.cells = tables.records([_row(cell, CELL_COLUMNS) for cell in report["cells"]], CELL_COLUMNS)
        self.classes = list(dict.fromkeys(cell[side] for cell in report["cells"] for side in ("a", "b")))
        self._csv = csv

    def worst(self, strategy: str = "weft") -> np.ndarray:
        """Array (K, K) of int, symmetric: the worst path class over the seeds, an index of PATHS; -1: not run."""
        grid = np.full((len(self.classes),) * 2, -1)
        for y, x, cells in self._squares(strategy):
            grid[y, x] = grid[x, y] = min(PATHS.index(path) for path in cells["path"])
        return grid

    def share(self, path: str = "direct", strategy: str = "weft") -> np.ndarray:
        """Array (K, K), symmetric: the share of seeds that ended in that path class, 0 to 1; nan: not run."""
        grid = np.full((len(self.classes),) * 2, NAN)
        for y, x, cells in self._squares(strategy):
            grid[y, x] = grid[x, y] = np.mean(cells["path"] == path)
        return grid

    def median(self, field: str, strategy: str = "weft") -> np.ndarray:
        """Array (K, K), symmetric: the median over the seeds of a field of cells that is a number, in its unit; nan: none."""
        grid = np.full((len(self.classes),) * 2, NAN)
        for y, x, cells in self._squares(strategy):
            values = cells[field][~np.isnan(cells[field])]
            grid[y, x] = grid[x, y] = np.median(values) if len(values) else NAN
        return grid

    def _squares(self, strategy: str) -> typing.Iterator[tuple[int, int, np.ndarray]]:
        place = {name: index for index, name in enumerate(self.classes)}
        ours = self.cells[self.cells["strategy"] == strategy]
        groups: dict[tuple[str, str], list[int]] = {}
        for index, (a, b) in enumerate(zip(ours["a"], ours["b"])):
            groups.setdefault((a, b), []).append(index)
        for (a, b), rows in groups.items():
            yield place[a], place[b], ours[rows]

    def write(self, folder: str | pathlib.Path) -> None:
        """Writes matrix.json and matrix.csv as `weft-lab matrix --out` does, and cells.npz. Raises OSError."""
        place = pathlib.Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / "matrix.json").write_text(json.dumps(self.report, indent=1) + "\n", encoding="utf-8")
        (place / "matrix.csv").write_text(self._csv, encoding="utf-8")
        tables.write_npz(place / "cells.npz", cells=self.cells)
