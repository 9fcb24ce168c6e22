"""Read a trained network: its rules, its regions, and what it does with single columns.

``python examples/interpretation.py --out docs/_static/partial_dependence.png``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from sklearn.inspection import PartialDependenceDisplay
from sklearn.model_selection import train_test_split

from cvxnn import ReLURegressor, plots
from cvxnn.datasets import load_diabetes
from cvxnn.interpretation import active_regions


def main() -> None:
    """Train, print rules and regions, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/partial_dependence.png"))
    out: Path = parser.parse_args().out

    data = load_diabetes()
    X, _, y, _ = train_test_split(data.X, data.y, random_state=0)
    model = ReLURegressor(beta_ratio=0.3, tol=1e-5).fit(X, y)
    print(model.network_.describe(data.feature_names, X, target_names=["progression"], n_terms=3))
    print()
    print(active_regions(model.network_, X, feature_names=data.feature_names))

    axes = Figure(figsize=(8.5, 3.2), layout="constrained").subplots(1, 3, sharey=True)
    PartialDependenceDisplay.from_estimator(
        model,
        X,
        features=["bmi", "s5", "s3"],
        feature_names=data.feature_names,
        kind="both",
        subsample=60,
        random_state=0,
        ice_lines_kw={"color": "0.6", "alpha": 0.4, "linewidth": 0.7},
        pd_line_kw={"color": "#0072B2", "linewidth": 2.2, "linestyle": "-"},
        ax=axes,
    )
    axes[0].set_ylabel("predicted disease progression")
    for ax in axes[1:]:
        ax.set_ylabel("")
        ax.get_legend().remove()
    out.parent.mkdir(parents=True, exist_ok=True)
    plots.save_figure(axes[0], out, dpi=100)


if __name__ == "__main__":
    main()
