# SPDX-License-Identifier: BSD-3-Clause
"""Medians over the rounds, ratios within them, as a table and as a picture."""

import math
import statistics

from traffic import FIGURES, LOWER_IS_BETTER

# Light and dark, plain and hatched: told apart in print as well.
STYLES = [("#d9d9d9", ""), ("#252525", ""), ("#969696", "///"), ("#f0f0f0", "..."), ("#636363", ""), ("#bdbdbd", "xx"),
          ("#525252", "\\\\\\"), ("#ffffff", "--"), ("#a6a6a6", "++"), ("#ffffff", "oo")]


def summary(rounds: list[dict], engines: list[str]) -> tuple[dict, dict]:
    """Medians over the rounds, and medians of the ratios to the first engine within each round."""
    names = [name for name in FIGURES if name in rounds[0][engines[0]]]
    medians = {engine: {name: statistics.median(each[engine][name] for each in rounds) for name in names}
               for engine in engines}
    ratios = {engine: {name: statistics.median(each[engine][name] / each[engines[0]][name] for each in rounds)
                       for name in names if all(each[engines[0]][name] for each in rounds)}
              for engine in engines[1:]}
    return medians, ratios


def markdown(report: dict) -> str:
    engines = list(report["medians"])
    header = ["figure", *engines, *(f"{engine} / {engines[0]}" for engine in engines[1:])]
    lines = ["# Tunnels compared", "",
             f"`{report['command']}`, commit {report['commit']}, {report['date']}, {report['cpus']} × {report['cpu']}, "
             f"Linux {report['kernel']}; medians of {len(report['rounds'])} rounds, ratios within each round. "
             f"What the figures mean: docs/benchmarks.md.",
             f"Share of the machine that others used before each turn: at most {report['busiest']:.0%}.", "",
             "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name in report["medians"][engines[0]]:
        cells = [FIGURES[name], *(f"{report['medians'][engine][name]:.4g}" for engine in engines)]
        cells += [f"{report['ratios'][engine][name]:.3g}" if name in report["ratios"][engine] else "–"
                  for engine in engines[1:]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw_figure(axes, report: dict, name: str) -> None:
    """A bar per engine: the median, with a line from the least to the most of the rounds."""
    engines = list(report["medians"])
    most = 0.0
    for row, engine in enumerate(engines):
        values = [each[engine][name] for each in report["rounds"]]
        median = report["medians"][engine][name]
        colour, hatch = STYLES[row % len(STYLES)]
        axes.barh(row, median, color=colour, hatch=hatch, edgecolor="black", linewidth=0.6)
        for colour, width in (("white", 2.6), ("black", 1)):  # seen on dark and on light
            axes.plot([min(values), max(values)], [row, row], color=colour, linewidth=width)
        axes.annotate(f"{median:.0f}" if median >= 100 else f"{median:.3g}", (max(values), row), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=8)
        most = max(most, *values)
    axes.set_xlim(0, most * 1.22 or 1)
    axes.set_yticks(range(len(engines)), engines, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=7)
    better = "less is better" if name in LOWER_IS_BETTER else "more is better"
    axes.set_title(f"{FIGURES[name]}\n({better})", fontsize=8, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(report: dict, file) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    engines, names = list(report["medians"]), list(report["medians"][list(report["medians"])[0]])
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure, grid = plt.subplots(rows, columns, figsize=(4.3 * columns, rows * (0.85 + 0.27 * len(engines))),
                                squeeze=False, layout="constrained")
    for axes, name in zip(grid.flat, names):
        draw_figure(axes, report, name)
    for axes in list(grid.flat)[len(names):]:
        axes.set_visible(False)
    figure.suptitle(f"Tunnels on {report['cpus']} shared cores, medians of {len(report['rounds'])} rounds "
                    f"(lines: least to most), commit {report['commit']}", fontsize=9)
    figure.savefig(file, dpi=110, metadata={"Software": None})
