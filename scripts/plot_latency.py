#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws distributions of round trips, as of hub, mesh and relay: a curve for each LABEL=FILE. A run.json gives the median round
trip of each pair and seed; an arrays.npz (Python, Runs.write) each ping. The JSON of `weft-lab study` alone has a curve for each
topology; --curve names another of its quantities."""

import pathlib

import numpy as np

import plot_style as style
from plot_style import plt


def round_trips(path: pathlib.Path) -> tuple[list[float], str, dict]:
    """In ms; what each is of; the report."""
    if path.suffix == ".npz":
        try:
            values = np.load(path)["latencies"]["rtt_ms"]
        except (OSError, KeyError, ValueError):
            style.refuse(f"{path}: has no array 'latencies'; name the arrays.npz of weft.Runs.write")
        return values[~np.isnan(values)].tolist(), "pings", {}
    report = style.read(path, "runs")
    values = [pair["rtt_ms"] for run in report["runs"] for pair in run["pairs"] if pair["rtt_ms"] is not None]
    return values, "pairs", report


def draw_study(axes: plt.Axes, report: dict, curve: str, path: pathlib.Path) -> list[float]:
    """A line through the quantiles 0 to 100 % of each topology; returns all values."""
    if curve not in report["curves"]:
        style.refuse(f"{path}: has no curve '{curve}'; it has {', '.join(report['curves'])}")
    everything = []
    for number, (topology, quantiles) in enumerate(report["curves"][curve].items()):
        look = style.LINES[number % len(style.LINES)]
        label = f"{topology.replace('_', ' ')} (median {quantiles[len(quantiles) // 2]:.0f})"
        axes.plot(quantiles, np.linspace(0, 1, len(quantiles)), label=label, markevery=(number * 3, 15), markerfacecolor="white", **look)
        everything += quantiles
    return [value for value in everything if value > 0]


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("--curve", default="rtt_ms", help="of a study; default %(default)s")
    options.add_argument("results", nargs="+", help="LABEL=FILE, one for each curve")
    options.add_argument("--title", default="round trips through the overlay")
    given = options.parse_args()
    figure, axes = plt.subplots(figsize=(7, 4.2))
    reports, everything, kinds = [], [], []
    _, only = style.labelled(given.results[0])
    if len(given.results) == 1 and only.suffix == ".json" and "curves" in (study := style.read(only)):
        everything, reports, kinds = draw_study(axes, study, given.curve, only), [study], ["pairs"]
        given.results = []
    for number, (label, path) in enumerate(map(style.labelled, given.results)):
        values, kind, report = round_trips(path)
        if not values:
            style.refuse(f"{path}: no ping was answered; name a result with round trips")
        style.cdf(axes, values, f"{label} (median {np.median(values):.0f} ms, {len(values)} {kind})", number)
        reports.append(report)
        kinds.append(kind)
        everything += values
    style.log_ms(axes.xaxis, everything)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("round trip (ms)")
    axes.set_ylabel(f"share of {' and '.join(dict.fromkeys(kinds))}")
    axes.legend(loc="best")
    axes.set_title(given.title + (f"; commit {style.commits(reports)}" if style.commits(reports) else ""))
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
