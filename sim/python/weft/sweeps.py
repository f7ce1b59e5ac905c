# SPDX-License-Identifier: GPL-2.0-only
"""Sweeps: one scenario under every combination of values and seeds (docs/sweeps.md), in processes of this machine or on a
Dask cluster. The table depends on the sweep alone, not on who computed it or in which order."""

from __future__ import annotations

import asyncio
import concurrent.futures
import concurrent.futures.process
import contextlib
import copy
import ctypes
import dataclasses
import hashlib
import itertools
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import threading
import typing
import urllib.parse

import numpy as np

from . import _weft, tables
from .results import NAN, Progress
from .running import run, run_matrix
from .scenario import Scenario

ROWS_FILE = "rows.ndjson"
MEASURED: list[tuple[str, type]] = [
    ("kind", str), ("from", str), ("to", str), ("nat_from", str), ("nat_to", str), ("connected", bool), ("path", str),
    ("reason", str), ("first_packet_ms", float), ("time_to_direct_ms", float), ("rtt_ms", float), ("pings_sent", int),
    ("pings_answered", int), ("pings_arrived", int), ("reordered", int), ("longest_gap_ms", float), ("received_bytes", int),
    ("took_ms", float), ("goodput_mbps", float), ("failures", int), ("trace_hash", str)]
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_one_run_at_a_time = threading.Lock()


class SweepError(RuntimeError):
    """A sweep that cannot go on: a worker that died, a scheduler that does not answer, rows of another sweep."""


@dataclasses.dataclass
class Axis:
    """What varies: `values` are put at `pointer` (RFC 6901) of the scenario, or at several; `labels` are the words of the
    table for them, by default the values as JSON."""

    name: str
    pointer: str | list[str]
    values: list[typing.Any]
    labels: list[str] | None = None

    @property
    def words(self) -> list[str]:
        """One for each value."""
        return self.labels or [value if isinstance(value, str) else json.dumps(value) for value in self.values]


@dataclasses.dataclass
class Sweep:
    """A sweep file (docs/schema/sweep.schema.json). `scenario` is a path, relative to `file`."""

    name: str
    scenario: str
    axes: list[Axis]
    set: dict[str, typing.Any] = dataclasses.field(default_factory=dict)  # by pointer, in all combinations
    seeds: int | None = None
    fidelity: str = "fabric"
    strategies: list[str] = dataclasses.field(default_factory=lambda: ["weft"])
    file: pathlib.Path = pathlib.Path("sweep.json")

    def points(self) -> "list[Point]":
        """All combinations, the last axis changing first, each checked. Raises ScenarioError."""
        base_file = self.file.parent / self.scenario
        base = _read_json(base_file)
        for pointer, value in self.set.items():
            _put(base, pointer, value, f"{self.file}: at /set")
        points = []
        for choice in itertools.product(*(range(len(axis.values)) for axis in self.axes)):
            changed = copy.deepcopy(base)
            for number, (axis, index) in enumerate(zip(self.axes, choice)):
                for pointer in [axis.pointer] if isinstance(axis.pointer, str) else axis.pointer:
                    _put(changed, pointer, axis.values[index], f"{self.file}: at /axes/{number}/pointer")
            words = [axis.words[index] for axis, index in zip(self.axes, choice)]
            points.append(Point(words, changed, str(base_file)))
        for point in points:
            point.check(self)
        return points


@dataclasses.dataclass
class Point:
    """One combination: the words of its values, and the scenario it makes."""

    words: list[str]
    scenario: dict[str, typing.Any]
    file: str
    seeds: int = 1

    def check(self, sweep: Sweep) -> None:
        """Raises ScenarioError unless it could be run; else learns how many seeds it has."""
        try:
            drawn = Scenario.from_dict(self.scenario)
            drawn.file = pathlib.Path(self.file)
            facts = drawn.draw(1)
        except _weft.ScenarioError as error:
            where = ", ".join(f"{axis.name}={word}" for axis, word in zip(sweep.axes, self.words))
            raise _weft.ScenarioError(f"{sweep.file}: with {where or 'no changes'}: {error}") from None
        self.seeds = sweep.seeds or facts.seeds


@dataclasses.dataclass(frozen=True)
class Task:
    """What one worker does at a time: one point under one seed and strategy. Travels to workers by pickle."""

    number: int
    scenario: dict[str, typing.Any]
    file: str
    seed: int
    strategy: str
    fidelity: str
    commit: str


def load_sweep(path: str | pathlib.Path) -> Sweep:
    """Reads a sweep file. Raises ScenarioError with file, place and remedy."""
    file = pathlib.Path(path)
    given = _read_json(file, _weft.check_sweep)
    axes = [Axis(axis["name"], axis["pointer"], axis["values"], axis.get("labels")) for axis in given["axes"]]
    for number, axis in enumerate(axes):
        if axis.labels is not None and len(axis.labels) != len(axis.values):
            raise _weft.ScenarioError(f"{file}: at /axes/{number}/labels: {len(axis.labels)} labels for {len(axis.values)} "
                                      "values; give one for each")
        taken = [name for name, _ in MEASURED] + ["seed", "strategy"] + [other.name for other in axes[:number]]
        if axis.name in taken:
            raise _weft.ScenarioError(f"{file}: at /axes/{number}/name: '{axis.name}' is another column of the table; choose "
                                      "another name")
    return Sweep(given["name"], given["scenario"], axes, given.get("set", {}), given.get("seeds"), given.get("fidelity", "fabric"),
                 given.get("strategies", ["weft"]), file)


def _read_json(file: pathlib.Path, check: typing.Callable[[str, str], None] | None = None) -> typing.Any:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise _weft.ScenarioError(f"{file}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError:
        raise _weft.ScenarioError(f"{file}: is not UTF-8; name a JSON file") from None
    (check or (lambda text, name: _weft.drawn(text, name, 1)))(text, str(file))
    return json.loads(text)


def _put(document: typing.Any, pointer: str, value: typing.Any, where: str) -> None:
    """Sets the member or item that an RFC 6901 pointer names; its parent must be there."""
    place = document
    try:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if isinstance(place, list):
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise KeyError(last)
    except (KeyError, IndexError, ValueError, TypeError):
        raise _weft.ScenarioError(f"{where}: the scenario has no place {pointer}; correct the pointer, or add what it leads "
                                  "through") from None


def run_task(task: Task) -> list[dict[str, typing.Any]]:
    """Runs one task in this process, and returns its rows. On a cluster this is what workers are sent."""
    if task.commit != _weft.commit:
        raise SweepError(f"a worker has Weft of commit {_weft.commit}, and the sweep is of {task.commit}; install the same "
                         "on all")
    scenario = Scenario.from_dict(task.scenario)
    scenario.file = pathlib.Path(task.file)
    with _one_run_at_a_time:  # a Dask worker may have several threads
        if scenario.matrix is not None and not scenario.nodes:
            matrix = run_matrix(scenario, range(task.seed, task.seed + 1), fidelity=task.fidelity, strategies=[task.strategy])
            return [_matrix_row(cell, len(matrix.failures)) for cell in matrix.report["cells"]]
        one = run(scenario, [task.seed], fidelity=task.fidelity, strategy=task.strategy, path_changes=False).report["runs"][0]
    common = {"failures": len(one["failures"]), "trace_hash": one["trace_hash"]}
    return ([{"kind": "ping", **pair, **common} for pair in one["pairs"]] + [{**flow, **common} for flow in one["flows"]])


def _matrix_row(cell: dict[str, typing.Any], failures: int) -> dict[str, typing.Any]:
    return {**cell, "kind": "cell", "from": cell["a"], "to": cell["b"], "nat_from": cell["a"], "nat_to": cell["b"],
            "failures": failures}


def run_sweep(sweep: Sweep | str | pathlib.Path, out: str | pathlib.Path, *, jobs: int = 1, scheduler: str | None = None,
              on_progress: typing.Callable[[Progress], typing.Any] | None = None) -> np.ndarray:
    """Runs a sweep, and writes table.csv and table.npz into the folder `out`; returns the table, a structured array (R,) with
    the axes' words, strategy, seed, and MEASURED in the units of the names (nan: there is none; -1: a count that does not
    apply).

    A row is a pair with traffic, a flow of an ns-3 application, or a cell of a matrix. Rows that are finished are kept in
    out/rows.ndjson, so the same call goes on after an interruption. jobs: local processes. scheduler: address of a Dask
    scheduler (tcp://…) whose workers have this package and the scenario's files at the same paths; jobs is ignored then.
    Raises ScenarioError for bad input, SweepError if it cannot go on, RunError if a run failed.
    """
    chosen = sweep if isinstance(sweep, Sweep) else load_sweep(sweep)
    points = chosen.points()
    tasks, labels = [], []
    for point in points:
        for strategy in chosen.strategies:
            for seed in range(1, point.seeds + 1):
                tasks.append(Task(len(tasks), point.scenario, str(pathlib.Path(point.file).resolve()), seed, strategy,
                                  chosen.fidelity, _weft.commit))
                labels.append((*point.words, strategy, seed))
    folder = pathlib.Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Rows(folder / ROWS_FILE, _digest(chosen, tasks)) as rows:
            left = [task for task in tasks if task.number not in rows.finished]
            tell = on_progress or (lambda progress: None)
            tell(Progress(len(rows.finished), len(tasks)))
            compute = on_cluster(scheduler, left) if scheduler else in_processes(jobs, left)
            with contextlib.closing(compute):
                for number, result in compute:
                    rows.add(number, result)
                    tell(Progress(len(rows.finished), len(tasks)))
            table = _table(chosen, labels, rows.finished)
        (folder / "table.csv").write_text(tables.csv_text(table), encoding="utf-8")
        tables.write_npz(folder / "table.npz", table=table)
    except OSError as error:
        raise SweepError(f"{error.filename or folder}: {error.strerror}; name a folder you may write to with --out") from None
    return table


def _digest(sweep: Sweep, tasks: list[Task]) -> str:
    """What makes the rows of two sweeps the same: all tasks, the files that their scenarios name, and the program."""
    told = [[task.scenario, task.seed, task.strategy, task.fidelity] for task in tasks]
    digest = hashlib.sha256(json.dumps([sweep.name, told, _weft.commit], sort_keys=True).encode())
    for folder in sorted({folder for task in tasks for folder in _named_folders(task)}):
        for path in sorted(folder.glob("*.json")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _named_folders(task: Task) -> list[pathlib.Path]:
    here = pathlib.Path(task.file).parent
    return [here / task.scenario.get("nat_models", "../nat-models"), here / task.scenario.get("populations", "populations")]


def _table(sweep: Sweep, labels: list[tuple], finished: dict[int, list[dict[str, typing.Any]]]) -> np.ndarray:
    columns = [(axis.name, str) for axis in sweep.axes] + [("strategy", str), ("seed", int), *MEASURED]
    return tables.records([(*labels[number], *(_value(row.get(name), kind) for name, kind in MEASURED))
                           for number in sorted(finished) for row in finished[number]], columns)


def _value(value: typing.Any, kind: type) -> typing.Any:
    if value is None:
        return {str: "", float: NAN, int: -1, bool: False}[kind]
    return kind(value)


class Rows:
    """The file of finished tasks: a first line that names the sweep, then a line a task in the order of their ends. A last
    line that is torn is dropped."""

    def __init__(self, path: pathlib.Path, digest: str) -> None:
        self.path = path
        self.finished: dict[int, list[dict[str, typing.Any]]] = {}
        whole = 0
        content = path.read_bytes() if path.exists() else b""
        for number, line in enumerate(content.splitlines(keepends=True)):
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            if not line.endswith(b"\n") or entry is None:
                if whole + len(line) < len(content):
                    raise SweepError(f"{path}: line {number + 1} is damaged; remove the file to begin anew")
                break
            if number == 0 and entry.get("sweep") != digest:
                raise SweepError(f"{path}: is of another sweep, scenario or build of Weft; remove it, or choose another --out")
            if number > 0:
                self.finished[entry["task"]] = entry["rows"]
            whole += len(line)
        self._file = open(path, "r+b" if content else "wb", buffering=0)
        self._file.truncate(whole)
        self._file.seek(whole)
        if whole == 0:
            self._write({"sweep": digest})

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, number: int, rows: list[dict[str, typing.Any]]) -> None:
        """Keeps what a task ended with."""
        self.finished[number] = rows
        self._write({"task": number, "rows": rows})

    def _write(self, entry: dict[str, typing.Any]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")


Computed = typing.Iterator[tuple[int, list[dict[str, typing.Any]]]]


def _die_with(parent: int) -> None:
    """A worker ends with Ctrl-C, and with the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def in_processes(jobs: int, tasks: list[Task]) -> Computed:
    """Computes tasks in `jobs` processes of this machine; yields number and rows as they end."""
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(max(1, min(jobs, len(tasks))), mp_context=context,
                                                  initializer=_die_with, initargs=(os.getpid(),))
    try:
        running = {pool.submit(run_task, task): task.number for task in tasks}
        for future in concurrent.futures.as_completed(running):
            yield running[future], future.result()
    except concurrent.futures.process.BrokenProcessPool:
        raise SweepError("a worker process died; the rows that are finished are kept, and the same command goes on with the "
                         "others") from None
    finally:
        pool.shutdown(cancel_futures=True)


def on_cluster(address: str, tasks: list[Task]) -> Computed:
    """Computes tasks on the workers of a Dask scheduler; yields number and rows as they end."""
    try:
        import distributed
    except ImportError:
        raise SweepError("a sweep on a cluster needs Dask; install Debian's python3-distributed, or leave out --scheduler") from None
    try:
        where = urllib.parse.urlsplit(address)
        if where.scheme not in ("tcp", "tls") or where.hostname is None or where.port is None:
            raise ValueError("an address is tcp://HOST:PORT or tls://HOST:PORT")
        socket.create_connection((where.hostname, where.port), timeout=10).close()  # distributed.Client prints a traceback
        client = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise SweepError(f"--scheduler {address}: no Dask scheduler answers there ({error}); start one with dask-scheduler, "
                         "or leave the option out") from None
    with client:
        running = {future: task.number for future, task in
                   zip(client.map(run_task, tasks, pure=False, retries=0, batch_size=1000), tasks)}
        try:
            for future in distributed.as_completed(list(running), loop=client.loop):
                yield running[future], future.result()
        except (distributed.KilledWorker, concurrent.futures.CancelledError, asyncio.CancelledError):
            raise SweepError("the cluster's worker or scheduler died; the rows that are finished are kept, and the same command goes on "
                             "with the others") from None
        finally:
            client.cancel(list(running))
