#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws what `weft-lab study hub-vs-mesh --out FOLDER` wrote, into the same folder: distributions.png (latency, jitter, loss, goodput),
map.png (what each city gains), break-even.png (sites, traffic between sites) and outage.png. Lines differ in style, points in
shape, so that grey prints and colour-blind readers lose nothing."""

import argparse
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Name in the file: label, colour, line, marker. The colours differ in lightness too (Okabe and Ito).
STYLES = {"mesh": ("mesh", "#0072b2", "-", "o"),
          "hub": ("hub and spoke", "#d55e00", "--", "s"),
          "relay_only": ("relays only", "#6b6b6b", ":", "^")}


def finish(figure, path: pathlib.Path, study: dict, title: str) -> None:
    figure.suptitle(f"{title} ({study['scenario']}, commit {study['commit']})", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plain_axis(axis) -> None:
    axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def cdf(axes, curves: dict, label: str, floor: float | None = None, rare: bool = False) -> None:
    """The 101 quantiles of each topology; with `floor` on a logarithmic axis that begins there; `rare`: only the upper end differs."""
    for topology, (name, colour, line, marker) in STYLES.items():
        values = curves.get(topology)
        if not values:
            continue
        shown = values if floor is None else [max(value, floor) for value in values]
        axes.plot(shown, [percent / (len(values) - 1) for percent in range(len(values))], line, color=colour, marker=marker,
                  markevery=20, markersize=4, label=name)
    if floor is not None:
        axes.set_xscale("log")
        plain_axis(axes.xaxis)
    axes.set_xlabel(label)
    axes.set_ylim(0.8 if rare else 0, 1.004 if rare else 1.02)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def draw_distributions(study: dict, path: pathlib.Path) -> None:
    figure, grid = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    curves = study["curves"]
    most = study["parameters"]["sites"][-1]
    cdf(grid[0][0], curves["rtt_ms"], "round trip of a pair of spokes, median (ms; fabric)", 0.1)
    cdf(grid[0][1], curves["jitter_ms"], "jitter of a pair, mean change between pings (ms; fabric)", 0.01)
    cdf(grid[1][0], curves["loss_pct"], "pings of a pair lost (%; fabric)", rare=True)
    cdf(grid[1][1], curves[f"load.sites.{most}.goodput_mbps"], f"goodput of a TCP flow, {most} sites (Mb/s; stack)")
    for axes in grid[:, 0]:
        axes.set_ylabel("share of pairs")
    grid[0][1].set_ylabel("share of pairs")
    grid[1][1].set_ylabel("share of flows")
    finish(figure, path, study, f"{study['parameters']['hosts']} hosts, {study['parameters']['seeds']} seeds")


def place_labels(axes, cities: list[dict]) -> None:
    """Beside its city each, where no other label or city is yet, with a line to it if that is not close."""
    axes.set_xlim(-180, 180)
    axes.set_ylim(-60, 85)
    width, height = 34, 9.5  # of a label in degrees of the map
    taken = [(city["longitude"] - 4, city["latitude"] - 4, city["longitude"] + 4, city["latitude"] + 4) for city in cities]
    offsets = [(0, 10), (0, -13), (22, 0), (-22, 0)] + [(x, y) for y in (16, -20, 26, -30) for x in (-26, 26, 0, -52, 52)]
    for city in sorted(cities, key=lambda each: each["latitude"]):
        for dx, dy in offsets:
            x, y = city["longitude"] + dx, city["latitude"] + dy
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                break
        taken.append(box)
        axes.annotate(f"{city['name']}\n{city['rtt_ms']['hub']:.0f} → {city['rtt_ms']['mesh']:.0f} ms", (city["longitude"], city["latitude"]),
                      xytext=(x, y), textcoords="data", ha="center", va="center", fontsize=7, zorder=4,
                      arrowprops={"arrowstyle": "-", "color": "0.4", "linewidth": 0.6} if abs(dx) > 22 or abs(dy) > 13 else None)


def draw_map(study: dict, path: pathlib.Path) -> None:
    """Cities by latitude and longitude; grey: the share of the hub's round trip that the mesh saves."""
    cities = [city for city in study["cities"] if {"mesh", "hub"} <= city["rtt_ms"].keys()]
    figure, axes = plt.subplots(figsize=(11, 5.6), layout="constrained")
    hub = next(city for city in study["cities"] if city["name"] == study["parameters"]["hub_city"])
    gains = [100 * (1 - city["rtt_ms"]["mesh"] / city["rtt_ms"]["hub"]) for city in cities]
    for city in cities:
        axes.plot([hub["longitude"], city["longitude"]], [hub["latitude"], city["latitude"]], color="0.8", linewidth=0.7, zorder=1)
    dots = axes.scatter([city["longitude"] for city in cities], [city["latitude"] for city in cities],
                        s=[30 + 12 * city["hosts"] for city in cities], c=gains, cmap="cividis_r", edgecolors="black", zorder=2)
    place_labels(axes, cities)
    axes.scatter(hub["longitude"], hub["latitude"], marker="*", s=160, color="white", edgecolors="black", zorder=3, label="hub")
    places = {city["name"]: city for city in study["cities"]}
    relays = [places[name] for name in study["parameters"]["relay_cities"] if name in places]
    axes.scatter([place["longitude"] for place in relays], [place["latitude"] for place in relays], marker="D", s=22, color="white",
                 edgecolors="black", zorder=3, label="relay")
    axes.set_xlabel("longitude (°)")
    axes.set_ylabel("latitude (°)")
    axes.grid(alpha=0.2)
    axes.legend(loc="lower left", fontsize=8)
    figure.colorbar(dots, label="median round trip saved by the mesh (%)")
    finish(figure, path, study, "Median round trip of a city's hosts, hub → mesh; area: number of hosts")


def draw_series(axes, study: dict, prefixes: list[tuple[float, str]], quantity: str) -> None:
    for topology, (name, colour, line, marker) in STYLES.items():
        points = [(x, study["figures"][f"{prefix}.{topology}.{quantity}"]) for x, prefix in prefixes
                  if f"{prefix}.{topology}.{quantity}" in study["figures"]]
        if not points:
            continue
        means = [figure["mean"] for _, figure in points]
        spread = [[mean - figure["low"] for mean, (_, figure) in zip(means, points)], [figure["high"] - mean for mean, (_, figure) in zip(means, points)]]
        axes.errorbar([x for x, _ in points], means, yerr=spread, fmt=marker + line, color=colour, capsize=3, markersize=5, label=name)
    axes.grid(alpha=0.3)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, loc="lower right")


def draw_break_even(study: dict, path: pathlib.Path) -> None:
    figure, grid = plt.subplots(2, 2, figsize=(11, 8), layout="constrained", sharex="col")
    sites = [(count, f"load.sites.{count}") for count in study["parameters"]["sites"]]
    shares = [(share, f"load.peer_share.{share:.0f}") for share in study["parameters"]["peer_shares_pct"]]
    for column, (prefixes, label, even) in enumerate((
            (sites, "sites, each sending to the next", study["break_even"]["sites"]),
            (shares, f"of {study['parameters']['share_sites']} sites, share that sends to another site (%)",
             study["break_even"]["peer_share_pct"]))):
        draw_series(grid[0][column], study, prefixes, "goodput_mbps")
        draw_series(grid[1][column], study, prefixes, "rtt_ms.loaded")
        grid[1][column].set_xlabel(label)
        for row in (0, 1):
            if even is not None:
                grid[row][column].axvline(even, color="0.6", linewidth=1, zorder=0)
                grid[row][column].annotate("mesh carries more from here", (even, 0.02), xycoords=("data", "axes fraction"), rotation=90,
                                           ha="right", va="bottom", fontsize=7, color="0.3")
    grid[0][0].set_ylabel("goodput of a flow, mean (Mb/s)")
    grid[1][0].set_ylabel("round trip under load, median (ms)")
    hub, site = study["parameters"]["hub_mbps"], study["parameters"]["site_mbps"]
    finish(figure, path, study, f"TCP in the stack fidelity; sites {site:g} Mb/s, hub and relays {hub:g} Mb/s; bars: 95 %")


def draw_outage(study: dict, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for topology, (name, colour, line, marker) in STYLES.items():
        shares = study["answered_by_second"].get(topology, [])
        axes.plot(range(len(shares)), [100 * share for share in shares], line, color=colour, marker=marker, markersize=4, label=name)
    axes.set_xlabel("time of sending (s)")
    axes.set_ylabel("pings between spokes answered (%)")
    axes.set_ylim(-2, 102)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    finish(figure, path, study, f"The hub's data centre dark for {study['parameters']['outage_s']:g} s, fabric")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="folder with study.json; the PNG files go there")
    folder = parser.parse_args().folder
    try:
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"{folder / 'study.json'}: {error.strerror}; run weft-lab study hub-vs-mesh --out {folder} first")
    draw_distributions(study, folder / "distributions.png")
    draw_map(study, folder / "map.png")
    draw_break_even(study, folder / "break-even.png")
    draw_outage(study, folder / "outage.png")


if __name__ == "__main__":
    main()
