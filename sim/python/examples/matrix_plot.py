# SPDX-License-Identifier: GPL-2.0-only
# %% Run all pairs of a scenario's NAT classes in this process
import sys
import matplotlib.pyplot as plt
import weft

scenario = weft.load(sys.argv[1] if len(sys.argv) > 1 else "scenarios/nat-matrix-quick.json")
matrix = weft.run_matrix(scenario, jobs=2)

# %% Which meet directly, and how soon: the worst class over the seeds, and the median time to a direct path in ms
figure, axes = plt.subplots(figsize=(8, 7), layout="constrained")
squares = axes.imshow(matrix.worst(), cmap="cividis", vmin=0, vmax=len(weft.PATHS) - 1)
for (y, x), ms in zip([(y, x) for y in range(len(matrix.classes)) for x in range(len(matrix.classes))], matrix.median("time_to_direct_ms").flat):
    axes.text(x, y, f"{ms:.0f}" if ms == ms else "", ha="center", va="center", fontsize=7)
axes.set_xticks(range(len(matrix.classes)), matrix.classes, rotation=60, ha="right")
axes.set_yticks(range(len(matrix.classes)), matrix.classes)
figure.colorbar(squares, ticks=range(len(weft.PATHS))).set_ticklabels(weft.PATHS)
figure.savefig(sys.argv[2] if len(sys.argv) > 2 else "matrix.png", dpi=110)
