# SPDX-License-Identifier: BSD-3-Clause
"""Each source file states its licence in its first two lines, and the one of its folder."""

import tree

GPL = ("sim/", "tests/sim/", "tests/unit/sim")


def main() -> None:
    problems = []
    files = tree.tracked("*.h", "*.cc", "*.py", "scripts/*")
    for path in files:
        relative = path.relative_to(tree.root()).as_posix()
        head = "\n".join(path.read_text().splitlines()[:3])
        licence = "GPL-2.0-only" if relative.startswith(GPL) else "BSD-3-Clause"
        links_ns3 = "SPDX-License-Identifier: GPL-2.0-only" in head and relative.startswith("tests/")
        if f"SPDX-License-Identifier: {licence}" not in head and not links_ns3:
            problems.append(f"{relative}: no line 'SPDX-License-Identifier: {licence}'")
    tree.report("spdx", len(files), problems)


main()
