# SPDX-License-Identifier: GPL-2.0-only
"""The simulator behind the package; use weft instead. Raises what weft.errors says."""

from collections.abc import Callable
from typing import Any

import numpy as np

version: str
commit: str

class ScenarioError(ValueError): ...
class RunError(RuntimeError): ...
class BusyError(RuntimeError): ...

def run(text: str, file: str, seed: int, fidelity: str, tls: bool | None, strategy: str, explain: bool,
        path_changes: bool, trace: str, on_progress: Callable[[float], Any] | None) -> tuple[str, np.ndarray, np.ndarray]:
    """One run: JSON (docs/schema/run.schema.json), latencies and path changes. on_progress gets virtual seconds."""

def run_matrix(text: str, file: str, first_seed: int, last_seed: int, fidelity: str, tls: bool | None, strategies: list[str],
               jobs: int, explain: bool, on_progress: Callable[[int, int], Any] | None) -> tuple[str, str, list[str]]:
    """A matrix in forked workers: JSON (docs/schema/matrix.schema.json), CSV, failures. on_progress: cells done, of all."""

def drawn(text: str, file: str, seed: int) -> str:
    """JSON of what the seed draws: regions, delay_ms, nodes, relays ..."""

def check_sweep(text: str, file: str) -> None:
    """Raises ScenarioError if text does not follow docs/schema/sweep.schema.json."""
