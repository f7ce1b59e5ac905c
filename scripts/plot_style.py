# SPDX-License-Identifier: BSD-3-Clause
"""What all pictures share: colours that stay apart in grey and for colour-blind people, always with a hatch or a line style
beside them; files that are the same bytes each time."""

import argparse
import io
import json
import pathlib
import sys
import typing

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axis import Axis  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullLocator  # noqa: E402
from PIL import Image  # noqa: E402

# Path classes from worst to best: the darker the better, so a grey print reads the same; a hatch each, so does a bad one.
PATHS = {
    "none": {"facecolor": "#ffffff", "hatch": "xxxx", "label": "none"},
    "relay": {"facecolor": "#f2c879", "hatch": "....", "label": "relay"},
    "one_way": {"facecolor": "#56a0c8", "hatch": "////", "label": "one way"},
    "direct": {"facecolor": "#17456f", "hatch": "", "label": "direct"},
}
HATCH_COLOUR = "#555555"
# Lines: Okabe and Ito's colours in an order of falling luminance differences, each with its own dashes and marker.
LINES = [
    {"color": "#0072b2", "linestyle": "-", "marker": "o"},
    {"color": "#d55e00", "linestyle": "--", "marker": "s"},
    {"color": "#009e73", "linestyle": "-.", "marker": "^"},
    {"color": "#000000", "linestyle": ":", "marker": "D"},
    {"color": "#cc79a7", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#56b4e9", "linestyle": (0, (8, 3)), "marker": "P"},
]
DPI = 100
COLOURS = 64  # of a PNG's palette: a third of the size, and no eye sees it

plt.rcParams.update({
    "figure.constrained_layout.use": True, "font.size": 9, "axes.titlesize": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "hatch.linewidth": 0.6, "legend.frameon": False,
    "legend.fontsize": 8, "lines.linewidth": 1.6, "lines.markersize": 5, "svg.hashsalt": "weft",
})


def refuse(sentence: str) -> typing.NoReturn:
    """Ends the script as bad input does everywhere in Weft: one sentence, exit code 2."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(2)


def parser(description: str) -> argparse.ArgumentParser:
    """With the option that all scripts have."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--out", required=True, type=pathlib.Path, help="PNG or SVG file to write")
    return made


def read(path: pathlib.Path, *needed: str) -> dict:
    """A JSON object with those keys."""
    try:
        report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        refuse(f"{path}: {error.strerror}; name a result that can be read")
    except ValueError:
        refuse(f"{path}: is not JSON; name a result of weft-lab --json or --out")
    missing = [key for key in needed if not isinstance(report, dict) or key not in report]
    if missing:
        refuse(f"{path}: has no '{missing[0]}'; it is the result of another command")
    return report


def labelled(text: str) -> tuple[str, pathlib.Path]:
    """LABEL=FILE, or FILE alone, which is then its own label."""
    label, equals, path = text.partition("=")
    return (label, pathlib.Path(path)) if equals else (pathlib.Path(text).stem, pathlib.Path(text))


def save(figure: plt.Figure, path: pathlib.Path) -> None:
    """PNG or SVG by the name's ending, without date or version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.suffix == ".svg":
            figure.savefig(path, metadata={"Date": None})
        else:
            drawn = io.BytesIO()
            figure.savefig(drawn, dpi=DPI, format="png")
            Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    except (OSError, ValueError) as error:
        refuse(f"{path}: cannot be written ({error}); name a .png or .svg file with --out")
    plt.close(figure)


def path_patch(path: str) -> Patch:
    """Of a legend."""
    return Patch(edgecolor=HATCH_COLOUR, linewidth=0.5, **PATHS[path])


def cdf(axes: plt.Axes, values: list[float], label: str, number: int, total: int | None = None) -> None:
    """Draws one distribution. `total`: how many there are with those that never came (the curve then ends below 1)."""
    ordered = sorted(values)
    count = total or len(ordered)
    if not ordered:
        return
    style = LINES[number % len(LINES)]
    share = [0.0] + [(index + 1) / count for index in range(len(ordered))]
    axes.step(ordered[:1] + ordered, share, where="post", label=label, markevery=(number * 0.03, 0.15), markerfacecolor="white", **style)


def log_ms(axis: Axis, values: list[float]) -> None:
    """A logarithmic axis of milliseconds with round ticks over the range of the values."""
    low, high = min(values) / 1.3, max(values) * 1.3
    across = axis.axis_name == "x"
    (axis.axes.set_xscale if across else axis.axes.set_yscale)("log")
    (axis.axes.set_xlim if across else axis.axes.set_ylim)(low, high)
    ticks = [step * 10.0 ** power for power in range(-1, 6) for step in (1, 2, 5)]
    axis.set_ticks([tick for tick in ticks if low <= tick <= high])
    axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    axis.set_minor_locator(NullLocator())


def commits(reports: list[dict]) -> str:
    """For a caption."""
    return ", ".join(dict.fromkeys(str(report["commit"]) for report in reports if report.get("commit")))
