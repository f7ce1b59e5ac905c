# SPDX-License-Identifier: GPL-2.0-only
"""Weft's laboratory in Python: load or build a scenario, run it here, get NumPy arrays (docs/python.md).

    import weft
    scenario = weft.load("scenarios/path/upgrade.json")
    runs = weft.run(scenario, seeds=3)
    runs.latencies["rtt_ms"]
"""

from ._weft import BusyError, RunError, ScenarioError, commit, version
from .results import Matrix, PATHS, Progress, Runs
from .running import run, run_each, run_matrix
from .scenario import (Coordinator, Event, Expectation, Generator, Link, MatrixSpec, Node, Overlay, Part, Relay, RoundTrip,
                       Scenario, Services, Study, StudyLoad, Topology, Traffic, Uplink, load)
from .sweeps import Axis, Sweep, SweepError, load_sweep, run_sweep

__version__ = version
__all__ = [
    "Axis", "BusyError", "Coordinator", "Event", "Expectation", "Generator", "Link", "Matrix", "MatrixSpec", "Node",
    "Overlay", "PATHS", "Part", "Progress", "Relay", "RoundTrip", "RunError", "Runs", "Scenario", "ScenarioError", "Services", "Study", "StudyLoad",
    "Sweep", "SweepError", "Topology", "Traffic", "Uplink", "commit", "load", "load_sweep", "run", "run_each", "run_matrix", "run_sweep", "version",
]
