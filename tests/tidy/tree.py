# SPDX-License-Identifier: BSD-3-Clause
"""The tracked files of the project, and how a rule reports what breaks it."""

import pathlib
import subprocess
import sys


def root() -> pathlib.Path:
    return pathlib.Path(sys.argv[1])


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Files of the working tree that match git pathspecs, tracked or new, without ignored ones."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        cwd=root(), capture_output=True, text=True, check=True)
    return [root() / line for line in listed.stdout.splitlines() if (root() / line).is_file()]


def report(rule: str, checked: int, problems: list[str]) -> None:
    """Ends the process: 1 with the list of problems, or if the rule found nothing to check."""
    for problem in problems:
        print(problem)
    print(f"{rule}: {checked} files checked, {len(problems)} problems")
    sys.exit(1 if problems or checked == 0 else 0)
