#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws a comparison of `weft-lab compare`: how the pairs end with each system, and how soon."""

import plot_style as style
from plot_style import plt


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("comparison", help="comparison.json of weft-lab compare --out")
    given = options.parse_args()
    report = style.read(given.comparison, "scenario", "cells")
    systems = list(dict.fromkeys(cell["system"] for cell in report["cells"]))
    cells = {system: [cell for cell in report["cells"] if cell["system"] == system] for system in systems}
    figure, (paths, times) = plt.subplots(1, 2, figsize=(10, 3.6))
    below = [0] * len(systems)
    for path in ("direct", "one_way", "relay", "none"):
        heights = [sum(cell["path"] == path for cell in cells[system]) for system in systems]
        if any(heights):
            look = style.PATHS[path] | ({"label": "not connected"} if path == "none" else {})
            paths.bar(systems, heights, bottom=below, edgecolor=style.HATCH_COLOUR, linewidth=0.5, **look)
        below = [low + height for low, height in zip(below, heights)]
    paths.set_ylabel("pairs")
    paths.grid(False, axis="x")
    paths.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    for offset, key, marker, label in ((-0.1, "first_packet_ms", "o", "first packet"), (0.1, "time_to_direct_ms", "x", "direct")):
        for column, system in enumerate(systems):
            values = [cell[key] for cell in cells[system] if cell[key] is not None]
            times.plot([column + offset] * len(values), values, marker, color="#333333", fillstyle="none",
                       label=label if column == 0 else None)
    everything = [cell[key] for cell in report["cells"] for key in ("first_packet_ms", "time_to_direct_ms") if cell[key] is not None]
    if everything:
        style.log_ms(times.yaxis, everything)
    times.set_xticks(range(len(systems)), systems)
    times.set_ylabel("ms after the first ping")
    times.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    figure.suptitle(f"{report['scenario']}, commit {report['commit']}", fontsize=9)
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
