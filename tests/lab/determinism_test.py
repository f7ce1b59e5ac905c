# SPDX-License-Identifier: BSD-3-Clause
"""The same seed gives the same trace, in any build and with any number of workers; another seed gives another."""

import os
import pathlib

import pytest

from weft_lab import QUICK, matrix


@pytest.fixture(scope="module")
def first() -> dict:
    return matrix(QUICK, "--seed", "1", "--jobs", "2")


def test_same_seed_twice_gives_the_same_trace_with_one_worker_or_two(first: dict) -> None:
    again = matrix(QUICK, "--seed", "1", "--jobs", "1")
    assert again["trace_hash"] == first["trace_hash"]
    assert again["cells"] == first["cells"]


def test_another_seed_gives_another_trace_in_every_cell(first: dict) -> None:
    other = matrix(QUICK, "--seed", "2")
    assert other["trace_hash"] != first["trace_hash"]
    for one, two in zip(first["cells"], other["cells"]):
        assert one["trace_hash"] != two["trace_hash"], one


def test_tls_is_deterministic_too() -> None:
    assert matrix(QUICK, "--seed", "3", "--tls", "on")["trace_hash"] == matrix(QUICK, "--seed", "3", "--tls", "on")["trace_hash"]


def test_unoptimised_build_gives_the_same_trace(first: dict) -> None:
    binary = os.environ["WEFT_LAB_UNOPTIMISED"]
    if not pathlib.Path(binary).exists():
        pytest.skip("no -O0 build: scripts/build unoptimised weft-lab")
    assert matrix(QUICK, "--seed", "1", binary=binary)["trace_hash"] == first["trace_hash"]
