"""The picture of bench_objective: objective above the best known against seconds, a panel a problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

# Names start so; curves of one method share a colour and differ in dashes. Single points are markers.
STYLES = {
    "Adam": {"color": "tab:blue"},
    "L-BFGS": {"color": "tab:orange"},
    "SGD": {"color": "tab:green"},
    "scikit-learn": {"color": "tab:purple"},
    "random": {"color": "tab:brown", "marker": "s"},
    "adelie": {"color": "tab:red", "marker": "D"},
    "pyscnn": {"color": "tab:pink", "marker": "v"},
}
DASHES = ["-", "--", ":"]
FLOOR = 1e-6  # of the best known objective: the lowest height shown


def draw(problems: dict[str, Any], path: Path) -> None:
    """Draw every problem's curves and save the picture."""
    n_columns = min(4, len(problems))
    n_rows = -(-len(problems) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(4.2 * n_columns, 3.3 * n_rows + 0.8), squeeze=False, layout="constrained"
    )
    handles: dict[str, Any] = {}
    for ax, (name, entry) in zip(axes.flat, problems.items(), strict=False):
        handles |= _panel(ax, name, entry)
    for ax in list(axes.flat)[len(problems) :]:
        ax.axis("off")
    figure.supxlabel("seconds")
    figure.supylabel("(objective - best known) / best known")
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper center",
        ncols=min(6, len(handles)),
        frameon=False,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(ax: Axes, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    curves = {key: curve for key, curve in entry["curves"].items() if curve}
    curves["cvxnn"] = entry["cvxnn"][0]["curve"]
    best = min(objective for curve in curves.values() for _, objective in curve)
    handles, count = {}, dict.fromkeys(STYLES, 0)
    for key, curve in curves.items():
        kind = next((start for start in STYLES if key.startswith(start)), None)
        style = {"color": "black", "lw": 2.2, "marker": "."} if kind is None else {"lw": 1.2, **STYLES[kind]}
        if kind is not None:
            style["ls"] = DASHES[count[kind] % len(DASHES)]
            count[kind] += 1
        handles[key] = _line(ax, np.array(curve), best, style)
    ax.set(xscale="log", yscale="log", title=f"{name}, best {best:.6g}")
    ax.set_xlim(left=1e-2)
    ax.set_ylim(FLOOR / 1.5, 10.0)
    ax.grid(alpha=0.3)
    return handles


def _line(ax: Axes, curve: Any, best: float, style: dict[str, Any]) -> Any:
    """Draw the steps of a best-so-far curve; one point has no line."""
    height = np.maximum(np.minimum.accumulate(curve[:, 1]) / best - 1.0, FLOOR)
    seconds = np.maximum(curve[:, 0], 1e-3)
    return ax.step(seconds, height, where="post", **style)[0]
