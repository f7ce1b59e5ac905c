# SPDX-License-Identifier: BSD-3-Clause
"""What the machine is, and what it is busy with."""

import os
import pathlib
import platform
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
TICKS = os.sysconf("SC_CLK_TCK")
IDLE = 0.03  # share of the machine below which it counts as idle


def run(*command: object, timeout: float = 30, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def busy_seconds() -> float:
    """CPU time of all processes of the machine, without interrupts."""
    user, nice, system = map(int, pathlib.Path("/proc/stat").read_text().split(None, 4)[1:4])
    return (user + nice + system) / TICKS


def process_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def process_peak_mb(pid: int) -> float:
    """Most memory that was ever resident."""
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def wait_for_idle(limit: float) -> float:
    """The share of the machine that others use; below IDLE unless `limit` seconds went by."""
    end = time.monotonic() + limit
    while True:
        before = busy_seconds()
        time.sleep(3)
        share = (busy_seconds() - before) / 3 / os.cpu_count()
        if share < IDLE or time.monotonic() >= end:
            return share


def commit() -> str:
    git = ["git", "-C", str(ROOT), "-c", "safe.directory=*"]
    dirty = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "mesh"]).returncode != 0
    return run(*git, "rev-parse", "--short", "HEAD").strip() + (" (changed)" if dirty else "")


def description() -> dict:
    """What a report says about where and when it was made."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    return {"commit": commit(), "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "cpu": cpu,
            "cpus": os.cpu_count(), "kernel": platform.release()}
