#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws a connectivity matrix that `weft-lab matrix --json` or `check --write` wrote: the worst path class of each pair over the
seeds; of a small one also the distributions of time to first packet and time to direct."""

import plot_style as style
from plot_style import plt

SMALL = 16  # classes, up to which there is room for more


def cells_of(report: dict) -> list[dict]:
    """Those of a matrix, or of a baseline, which keeps counts for each pair."""
    if "cells" in report:
        return [cell for cell in report["cells"] if cell.get("strategy", "weft") == "weft"]
    return [{"a": pair["a"], "b": pair["b"], "path": path, "seed": None} for pair in report["pairs"]
            for path, count in pair["paths"].items() for _ in range(count)]


def draw_classes(axes: plt.Axes, cells: list[dict]) -> None:
    """One square per pair: the worst class over the seeds; a number where seeds differ: how many were direct."""
    names = list(dict.fromkeys(cell[side] for cell in cells for side in ("a", "b")))
    order = list(style.PATHS)
    paths: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        for pair in {(cell["a"], cell["b"]), (cell["b"], cell["a"])}:
            paths.setdefault(pair, []).append(cell["path"])
    font = 8 if len(names) <= SMALL else 6
    for y, row in enumerate(names):
        for x, column in enumerate(names):
            seen = paths.get((row, column))
            if seen is None:
                continue
            worst = min(seen, key=order.index)
            look = style.PATHS[worst]
            axes.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=look["facecolor"], hatch=look["hatch"],
                                         edgecolor=style.HATCH_COLOUR, linewidth=0))
            if 0 < (direct := seen.count("direct")) < len(seen):
                axes.text(x, y, f"{direct}/{len(seen)}", ha="center", va="center", fontsize=font - 2,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(len(names)), names, rotation=60 if len(names) <= SMALL else 90,
                    ha="right" if len(names) <= SMALL else "center", fontsize=font)
    axes.set_yticks(range(len(names)), names, fontsize=font)
    for line in range(1, len(names)):
        axes.axhline(line - 0.5, color="white", linewidth=1)
        axes.axvline(line - 0.5, color="white", linewidth=1)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.legend(handles=[style.path_patch(path) for path in reversed(order) if any(cell["path"] == path for cell in cells)],
                loc="lower left", bbox_to_anchor=(0, 1), ncols=4, handlelength=2.5, handleheight=1.2)


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("matrix", help="JSON file of weft-lab matrix, or a baseline")
    given = options.parse_args()
    report = style.read(given.matrix, "scenario")
    cells = cells_of(report) if "cells" in report or "pairs" in report else []
    if not cells:
        style.refuse(f"{given.matrix}: holds no cells; run weft-lab matrix first")
    classes = len({cell[side] for cell in cells for side in ("a", "b")})
    times = {label: [cell[key] for cell in cells if cell.get(key) is not None]
             for key, label in (("first_packet_ms", "first packet"), ("time_to_direct_ms", "direct path"))}
    if classes <= SMALL and any(times.values()):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.3), width_ratios=[1.15, 1])
        for number, (label, values) in enumerate(times.items()):
            style.cdf(right, values, f"{label} ({len(values)} of {len(cells)} cells)", number, len(cells))
        style.log_ms(right.xaxis, [value for values in times.values() for value in values])
        right.set_xlabel("virtual time since the first packet entered the TUN (ms)")
        right.set_ylabel("share of cells")
        right.set_ylim(0, 1.02)
        right.legend(loc="lower right")
    else:
        figure, left = plt.subplots(figsize=(8.6, 8.6) if classes > SMALL else (6, 5.6))
    draw_classes(left, cells)
    figure.suptitle(f"{report['scenario']}: {classes} classes, {len(cells)} cells, commit {report.get('commit', 'unknown')}", fontsize=9)
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
