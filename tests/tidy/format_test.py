# SPDX-License-Identifier: BSD-3-Clause
"""The C++ is as clang-format 19 leaves it: `clang-format-19 -i` on the files named mends it."""

import subprocess
import sys

import tree


def main() -> None:
    files = tree.tracked("*.h", "*.cc")
    run = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
    problems = sorted({line.split(":")[0] for line in run.stderr.splitlines() if "[-Wclang-format-violations]" in line})
    if run.returncode != 0 and not problems:
        sys.exit(run.stderr)
    tree.report("format", len(files), problems)


main()
