#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws the life of a pair from a folder that Python's `weft.Runs.write` made (run.json, arrays.npz): which path each end sends on
and when that changes, every ping's round trip, the pings without an answer, and the events of the scenario."""

import pathlib

import numpy as np

import plot_style as style
from plot_style import plt


def spans(changes: np.ndarray, node: str, peer: str, end: float) -> list[tuple[float, float, str, str]]:
    """Begin, end, path class and endpoint, since traffic began."""
    rows = changes[(changes["node"] == node) & (changes["peer"] == peer)]
    ends = [*rows["at_s"][1:], end]
    return [(max(0.0, row["at_s"]), until, str(row["path"]), str(row["endpoint"])) for row, until in zip(rows, ends) if until > 0]


def words(event: dict) -> str:
    """An event in short."""
    told = [event["kind"].replace("_", " ")] + [str(event[key]) for key in ("node", "relay", "site", "region") if key in event]
    if "between" in event:
        told.append("–".join(event["between"]))
    return " ".join(told) + (" (new address)" if event.get("address") == "new" else "")


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("folder", type=pathlib.Path, help="with run.json and arrays.npz")
    options.add_argument("--pair", required=True, metavar="A,B", help="two nodes; pings of A to B are shown")
    options.add_argument("--seed", type=int, help="default: the first")
    options.add_argument("--scenario", type=pathlib.Path, help="the scenario's file, for its events")
    given = options.parse_args()
    a, comma, b = given.pair.partition(",")
    if not comma:
        style.refuse(f"--pair {given.pair}: name two nodes with a comma between")
    report = style.read(given.folder / "run.json", "runs", "scenario")
    arrays = np.load(given.folder / "arrays.npz")
    seed = given.seed or report["runs"][0]["seed"]
    pings, changes, pairs = (arrays[name][arrays[name]["seed"] == seed] for name in ("latencies", "path_changes", "pairs"))
    rows = [row for row, pair in enumerate(arrays["pairs"]) if (pair["seed"], pair["from"], pair["to"]) == (seed, a, b)]
    if not rows:
        style.refuse(f"--pair {given.pair}: seed {seed} has no pings from {a} to {b}; there are "
                     + ", ".join(f"{pair['from']},{pair['to']}" for pair in pairs))
    pings = pings[pings["pair"] == rows[0]]
    end = float(pings["sent_s"].max()) + 1
    figure, (bars, trips) = plt.subplots(2, 1, figsize=(10, 4.6), sharex=True, height_ratios=[1, 2.2])

    seen = []
    for y, (node, peer) in enumerate(((a, b), (b, a))):
        for begin, until, path, endpoint in spans(changes, node, peer, end):
            look = style.PATHS[path]
            bars.barh(y, until - begin, left=begin, height=0.7, facecolor=look["facecolor"], hatch=look["hatch"],
                      edgecolor=style.HATCH_COLOUR, linewidth=0.6)
            seen.append(path)
            if endpoint and until - begin > end / 12:
                bars.text((begin + until) / 2, y, endpoint, ha="center", va="center", fontsize=7, color="white")
    bars.set_yticks([0, 1], [f"{a} → {b}", f"{b} → {a}"])
    bars.set_ylim(1.5, -0.5)
    bars.grid(False, axis="y")
    bars.legend(handles=[style.path_patch(path) for path in style.PATHS if path in seen], loc="lower right",
                bbox_to_anchor=(1, 1), ncols=4)

    answered = pings[~np.isnan(pings["rtt_ms"])]
    lost = pings[np.isnan(pings["rtt_ms"])]
    trips.plot(answered["sent_s"], answered["rtt_ms"], ".", markersize=3, color="#0072b2", label=f"answered ({len(answered)})")
    top = float(np.percentile(answered["rtt_ms"], 99)) * 1.6 if len(answered) else 1
    trips.set_ylim(0, top)
    if len(lost):
        trips.plot(lost["sent_s"], [top * 0.04] * len(lost), "x", markersize=4, color="#000000", label=f"no answer ({len(lost)})")
    trips.set_ylabel("round trip (ms)")
    trips.set_xlabel("virtual time since traffic began (s)")
    trips.set_xlim(0, end)
    trips.legend(loc="upper right", ncols=2)
    if given.scenario is not None:
        for event in style.read(given.scenario, "events")["events"]:
            for axes in (bars, trips):
                axes.axvline(event["at_s"], color="#000000", linewidth=1, linestyle=(0, (1, 2)))
            trips.text(event["at_s"], top * 0.86, " " + words(event), fontsize=8, va="top")
    bars.set_title(f"{report['scenario']}, seed {seed}: {a} and {b}; commit {report['commit']}", loc="left")
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
