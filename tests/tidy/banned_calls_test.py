# SPDX-License-Identifier: BSD-3-Clause
"""Calls that would break replay or layering: clocks, system randomness, sleeps, coroutines, questions about simulation."""

import re

import tree

# pattern, why, folders that may
RULES = [
    (r"\b(system|steady|high_resolution)_clock::now", "reads a clock; take `now` or use io::Clock",
     ("mesh/host", "mesh/bin", "sim/bin", "sim/kernel", "tests/bench")),
    (r"\b(clock_gettime|gettimeofday)\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)", "reads a clock; take `now` or use io::Clock",
     ("mesh/host", "mesh/bin", "sim/bin", "sim/kernel", "tests/bench")),
    (r"std::random_device|\bgetrandom\s*\(|\brandombytes|std::mt19937|\brand\s*\(\s*\)|RAND_bytes", "draws outside Random and Entropy",
     ("mesh/host", "tests/unit")),
    (r"\bco_(await|return|yield)\b", "coroutines are miscompiled by g++ 12", ()),
    (r"[iI]s_?[sS]imulated|WEFT_SIMULAT", "shared code never asks whether it is simulated", ()),
    (r"\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(", "waits for time instead of an event", ("mesh/host",)),
    (r"Simulator::Remove", "costs 50 µs at 20,000 events; re-arm lazily", ()),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "unfinished work belongs in an issue", ()),
    (r"crypto_box_seal|_keypair\s*\(\s*[a-z_]+\.data\(\),\s*[a-z_]+\.data\(\)\s*\)", "a libsodium function that draws by itself", ("mesh/crypto",)),
]


def main() -> None:
    problems = []
    files = tree.tracked("mesh/*.h", "mesh/*.cc", "sim/*.h", "sim/*.cc", "tests/*.cc", "tests/*.h")
    for path in files:
        relative = path.relative_to(tree.root()).as_posix()
        folder = "/".join(relative.split("/")[:2])
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0] if "TODO" not in line else line
            for pattern, why, folders in RULES:
                if folder not in folders and re.search(pattern, code):
                    problems.append(f"{relative}:{number}: {why}: {line.strip()}")
    tree.report("banned calls", len(files), problems)


main()
