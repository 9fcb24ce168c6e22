"""The picture of bench_scaling: seconds against n, d and 1/beta, both axes logarithmic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LABELS = {"n": "samples n", "d": "features d", "1/beta": "critical beta / beta"}


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw one panel a sweep and save; hollow markers are trainings that ran out of time."""
    figure, axes = plt.subplots(
        1, len(figures), figsize=(4.2 * len(figures), 3.6), squeeze=False, sharey=True, layout="constrained"
    )
    for ax, (name, sweep) in zip(axes.flat, figures.items(), strict=True):
        rows = sweep["rows"]
        values = [row["value"] for row in rows]
        for key, color in (("train s", "black"), ("descend s", "tab:orange"), ("convexify s", "tab:blue")):
            label = f"{key[:-2]}, slope {sweep['slopes'][key]:.2f}"
            ax.plot(values, [row[key] for row in rows], "o-", color=color, label=label)
        late = [row for row in rows if not row["finished"]]
        ax.plot([r["value"] for r in late], [r["train s"] for r in late], "o", mfc="white", mec="black")
        ax.set(xscale="log", yscale="log", xlabel=LABELS[name])
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    axes[0, 0].set_ylabel("seconds")
    figure.savefig(path, dpi=110)
    plt.close(figure)
