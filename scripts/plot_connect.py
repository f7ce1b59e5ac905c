#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws how soon pairs are direct: a distribution for each result of `weft-lab run` or `matrix` (run.json, matrix.json). A curve
ends at the share of pairs that become direct at all."""

import plot_style as style
from plot_style import plt


def times_of(report: dict, path: object) -> tuple[list[float], int]:
    """Times to direct in ms, and how many pairs there are."""
    pairs = report["cells"] if "cells" in report else [pair for run in report.get("runs", []) for pair in run["pairs"]]
    if not pairs:
        style.refuse(f"{path}: holds neither cells nor pairs; name a run.json or matrix.json")
    return [pair["time_to_direct_ms"] for pair in pairs if pair["time_to_direct_ms"] is not None and pair["path"] == "direct"], len(pairs)


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("results", nargs="+", help="LABEL=FILE, one for each curve")
    options.add_argument("--title", default="time to a direct path")
    given = options.parse_args()
    figure, axes = plt.subplots(figsize=(7, 4.2))
    reports, everything = [], []
    for number, (label, path) in enumerate(map(style.labelled, given.results)):
        report = style.read(path)
        values, total = times_of(report, path)
        style.cdf(axes, values, f"{label} ({len(values)} of {total} direct)", number, total)
        reports.append(report)
        everything += values
    if everything:
        style.log_ms(axes.xaxis, everything)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("virtual time since the first packet entered the TUN (ms)")
    axes.set_ylabel("share of pairs")
    axes.legend(loc="lower right")
    axes.set_title(f"{given.title}; commit {style.commits(reports)}")
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
