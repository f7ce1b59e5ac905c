# SPDX-License-Identifier: BSD-3-Clause
"""The systemd units: hardened as far as the bar asks, and without a mistake that systemd knows of. usage: units_test.py FOLDER"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BAR = {"weft-agent": 3.0, "weft-coordinator": 2.0, "weft-relay": 2.0}


def exposure(unit: pathlib.Path) -> float:
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, f"systemd-analyze says: {done.stdout[-500:]}{done.stderr[-500:]}"
    return float(found[1])


def complaints(unit: pathlib.Path, folder: pathlib.Path) -> str:
    """Of systemd-analyze verify, for the unit with a program that exists here."""
    copy = folder / unit.name
    copy.write_text(unit.read_text().replace("/usr/bin/weft", "/usr/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True)
    return "\n".join(line for line in done.stderr.splitlines() if unit.name in line)


def main() -> int:
    if shutil.which("systemd-analyze") is None:
        print("needs systemd-analyze; skipped", file=sys.stderr)
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, bar in BAR.items():
            unit = pathlib.Path(sys.argv[1]) / f"{name}.service"
            level = exposure(unit)
            problem = complaints(unit, pathlib.Path(folder))
            print(f"{name}: exposure {level:.1f}, bar {bar:.1f}{': ' + problem if problem else ''}")
            failed = failed or level > bar or bool(problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
