# SPDX-License-Identifier: BSD-3-Clause
"""Pictures: drawn again by one command as they are committed, small, readable in grey, and one sentence for bad input."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
PICTURES = ROOT / "results/pictures"
sys.path.insert(0, str(ROOT / "scripts"))

import plot_style  # noqa: E402

LIMIT = 150_000


def pixels(path: pathlib.Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), dtype=float)


def test_one_command_draws_what_is_committed(tmp_path: pathlib.Path) -> None:
    subprocess.run([ROOT / "scripts/plot-all", tmp_path], check=True, capture_output=True)
    committed = {path.name for path in PICTURES.iterdir() if path.is_file()}
    assert {path.name for path in tmp_path.iterdir()} == committed
    for name in committed:
        assert (tmp_path / name).stat().st_size < LIMIT
        if name.endswith(".png"):
            again, was = pixels(tmp_path / name), pixels(PICTURES / name)
            assert again.shape == was.shape and np.mean(np.abs(again - was)) < 2, name


def grey(colour: str) -> float:
    """Relative luminance, 0 to 1 (ITU-R BT.709)."""
    return float(np.dot([0.2126, 0.7152, 0.0722], to_rgb(colour)))


def test_path_classes_get_darker_as_they_get_better_and_differ_without_colour() -> None:
    looks = list(plot_style.PATHS.values())
    greys = [grey(look["facecolor"]) for look in looks]
    assert all(before - after > 0.12 for before, after in zip(greys, greys[1:])), greys
    assert len({look["hatch"] for look in looks}) == len(looks)


def test_lines_differ_without_colour() -> None:
    for key in ("linestyle", "marker"):
        assert len({str(line[key]) for line in plot_style.LINES}) == len(plot_style.LINES)


@pytest.mark.parametrize("script, arguments, sentence", [
    ("plot_matrix.py", ["/no/such.json"], "No such file or directory; name a result"),
    ("plot_matrix.py", [ROOT / "docs/schema/run.schema.json"], "has no 'scenario'"),
    ("plot_connect.py", [f"x={PICTURES}/data/world.json"], "holds neither cells nor pairs"),
    ("plot_latency.py", [f"x={PICTURES}/data/connect-weft.json"], "has no 'runs'"),
    ("plot_timeline.py", [PICTURES / "data/nat-reboot", "--pair", "a,c"], "has no pings from a to c; there are a,b"),
    ("plot_nat.py", [ROOT / "README.md"], "no such gateway translated anything"),
    ("plot_topology.py", [ROOT / "README.md"], "is not JSON"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(script: str, arguments: list, sentence: str, tmp_path: pathlib.Path) -> None:
    done = subprocess.run([ROOT / "scripts" / script, *arguments, "--out", tmp_path / "x.png"], capture_output=True, text=True)
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
