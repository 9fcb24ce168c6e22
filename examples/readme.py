"""The example of the README: train on one input, print the proof, draw the fit.

``python examples/readme.py --out docs/_static/fit_1d.png``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cvxnn import Problem, plots, train


def main() -> None:
    """Run the example and save its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/fit_1d.png"))
    out: Path = parser.parse_args().out

    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 200)
    X = np.column_stack([x, np.ones(200)])  # one input and a hidden bias
    y = np.sin(3 * x) + 0.1 * rng.standard_normal(200)
    result = train(Problem(X, y, beta=0.1))
    print(result.network)
    print(result.certificate)

    out.parent.mkdir(parents=True, exist_ok=True)
    plots.save_figure(plots.fit_1d(result.network, x, y).plot(), out)


if __name__ == "__main__":
    main()
