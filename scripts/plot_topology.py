#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws the Internet of a scenario (`weft-lab describe FILE --json`): regions, how many nodes live there, relays, coordinator, and
delays. Cities lie where they are on the map; other regions as far apart as their delays let them on paper."""

import collections

import numpy as np
from matplotlib.text import Text

import plot_style as style
from plot_style import plt


def spread(delays: np.ndarray) -> np.ndarray:
    """Points (R, 2) in ms whose distances come close to the delays (classical scaling, Torgerson 1952)."""
    count = len(delays)
    distances = (delays + delays.T) / 2
    np.fill_diagonal(distances, 0)
    centre = np.eye(count) - np.ones((count, count)) / count
    values, vectors = np.linalg.eigh(-centre @ distances ** 2 @ centre / 2)
    points = vectors[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0))
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(count)])
    return points * np.where(points[np.abs(points).argmax(axis=0), range(2)] < 0, -1, 1)  # eigenvectors have no sign


def place_labels(axes: plt.Axes, points: np.ndarray, sizes: list[float], texts: list[str]) -> None:
    """Each label at the place around its point where it covers least, and nearest of those; a line leads to those that are
    farther away."""
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    taken, dots = [text.get_window_extent(renderer) for text in axes.texts], axes.transData.transform(points)
    page = axes.get_window_extent(renderer)
    for place in np.argsort(-np.array(sizes)):
        best = None
        for distance in (1, 14, 28, 42):
            for turn in range(8):
                x, y = np.cos(turn * np.pi / 4 + np.pi / 2), np.sin(turn * np.pi / 4 + np.pi / 2)
                reach = sizes[place] ** 0.5 / 2 + 2 + distance
                label = axes.annotate(texts[place], points[place], xytext=(x * reach, y * reach), textcoords="offset points", fontsize=8,
                                      ha="center" if abs(x) < 0.1 else "left" if x > 0 else "right",
                                      va="center" if abs(y) < 0.1 else "bottom" if y > 0 else "top", zorder=6,
                                      arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0} if distance > 1 else None)
                label.set_in_layout(False)
                label.update_positions(renderer)
                box = Text.get_window_extent(label, renderer).padded(1)
                covers = sum(box.overlaps(other) for other in taken) + sum(box.contains(*dot) for dot in dots)
                cost = 10 * covers + 20 * (not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))) + distance / 30
                label.remove()
                if best is None or cost < best[0]:
                    best = (cost, label, box)
        axes.add_artist(best[1])
        taken.append(best[2])


def main() -> None:
    options = style.parser(__doc__)
    options.add_argument("description", help="output of weft-lab describe --json")
    options.add_argument("--nearest", type=int, default=2, help="delays shown for each region; default %(default)s")
    given = options.parse_args()
    world = style.read(given.description, "regions", "delay_ms", "places", "nodes", "relays")
    regions, delays = world["regions"], np.array(world["delay_ms"], dtype=float)
    on_map = len(world["places"]) == len(regions)
    points = np.array([world["places"][name][::-1] for name in regions]) if on_map else spread(delays.copy())
    inhabitants = collections.Counter(node["region"] for node in world["nodes"])
    behind_nat = collections.Counter(node["region"] for node in world["nodes"] if node["nat"])
    relays = {relay["region"] for relay in world["relays"]}

    figure, axes = plt.subplots(figsize=(10, 5.4))
    lines = {tuple(sorted((place, int(other)))) for place in range(len(regions))
             for other in np.argsort(delays[place] + np.where(np.arange(len(regions)) == place, np.inf, 0))[:given.nearest]
             if other != place}
    for a, b in sorted(lines):
        axes.plot(*zip(points[a], points[b]), color="#999999", linewidth=0.9, zorder=1)
        axes.text(*(points[a] + points[b]) / 2, f"{delays[a, b]:.0f}", fontsize=7, ha="center", va="center", zorder=2,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    sizes = [30.0 + 22 * inhabitants[name] for name in regions]
    texts = [f"{name} {inhabitants[name]}/{behind_nat[name]}" if inhabitants[name] else name for name in regions]
    for place, name in enumerate(regions):
        axes.scatter(*points[place], s=sizes[place], facecolor="#9cc4e0", edgecolor="#17456f", linewidth=1.2, zorder=3)
        if name in relays:
            axes.scatter(*points[place], s=70, marker="s", facecolor="#d55e00", edgecolor="black", linewidth=0.8, zorder=4)
        if name == world.get("coordinator"):
            axes.scatter(*points[place], s=30, marker="*", facecolor="white", edgecolor="black", linewidth=0.6, zorder=5)
    axes.margins(0.1, 0.14)
    if on_map:
        axes.set_xlabel("longitude (°)")
        axes.set_ylabel("latitude (°)")
    else:
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel("distance in ms one way, as far as a plane allows")
    handle = lambda marker, face, label: plt.Line2D([], [], linestyle="", marker=marker, markerfacecolor=face,  # noqa: E731
                                                    markeredgecolor="black", markersize=8, label=label)
    axes.legend(handles=[handle("o", "#9cc4e0", "nodes/behind a NAT"), handle("s", "#d55e00", "relay"), handle("*", "white", "coordinator"),
                         plt.Line2D([], [], color="#999999", label=f"ms one way, to the {given.nearest} nearest")],
                loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    figure.suptitle(f"{world.get('scenario', '')}: {len(regions)} regions, {len(world['nodes'])} nodes", fontsize=9, x=0.99, ha="right")
    place_labels(axes, points, sizes, texts)
    style.save(figure, given.out)


if __name__ == "__main__":
    main()
