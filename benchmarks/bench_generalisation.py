"""Generalisation in F_1 and F_2: excess risk against d and n, Rademacher complexities, the decomposition of errors.

Excess risks: targets of variance 1 in every dimension, noise of standard deviation 0.2, Gaussian inputs, n training
and n validation samples; medians over the repetitions, and exponents with their standard errors. F_1 is trained by
`cvxnn.train` to a violation of the dual of 1e-2 that a search finds; F_2 is kernel ridge regression, solved exactly;
both choose their regularisation from a grid of ratios on the validation sample. "at an end" is the share of runs whose
choice is the first or last of the grid. Complexities: of the unit ball of F_1, on the unit sphere. Decomposition: how
much of the bound the excess risk takes, where the network is the best of the ball for the sample.

``--quick`` takes few repetitions and small sizes, a minute of one core; each ``--part`` of the full run one to five.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from cvxnn.function_spaces.conditional_gradient.ball_fits import constrained_fit
from cvxnn.function_spaces.generalisation.decomposition import ErrorDecomposition, error_decomposition
from cvxnn.function_spaces.generalisation.excess_risk import ExcessRiskCurve, excess_risk_curve
from cvxnn.function_spaces.generalisation.rademacher import RademacherCurve, rademacher_curve
from cvxnn.function_spaces.generalisation.targets import (
    AdditiveTarget,
    AffineTarget,
    ProjectionPursuitTarget,
    SubspaceTarget,
)
from cvxnn.statistics import Slope
from reporting import arguments, print_table, write_json

NOISE = 0.2
FAMILIES: dict[str, Callable[..., Any]] = {
    "affine": AffineTarget.random,
    "additive": AdditiveTarget.random,
    "projection pursuit, 2 terms": partial(ProjectionPursuitTarget.random, n_terms=2),
    "subspace, s = 2": partial(SubspaceTarget.random, n_directions=2),
}


def shown(slope: Slope) -> str:
    """Return an exponent with its standard error."""
    return f"{slope.value:.2f} ± {slope.standard_error:.2f}"


def at_an_end(choices: Any, ratios: tuple[float, ...]) -> float:
    """Return the share of choices that are the first or last of the grid."""
    return float(np.mean((choices == 0) | (choices == len(ratios) - 1)))


def risk_rows(name: str, curve: ExcessRiskCurve, against: Any) -> list[list[Any]]:
    """Return the two rows of a curve: medians at each size, exponent, grid's ends, violation."""
    f1 = [
        f"{name}, F_1",
        *np.median(curve.f1, axis=1).tolist(),
        shown(curve.slope("f1", against)),
        at_an_end(curve.choices_f1, curve.ratios_f1),
        float(np.nanmax(curve.violations)),
    ]
    f2 = [
        f"{name}, F_2",
        *np.median(curve.f2, axis=1).tolist(),
        shown(curve.slope("f2", against)),
        at_an_end(curve.choices_f2, curve.ratios_f2),
        "-",
    ]
    return [f1, f2]


def saved(curve: ExcessRiskCurve) -> dict[str, Any]:
    """Return a curve's arrays for the JSON."""
    return {
        key: np.asarray(value).tolist()
        for key, value in vars(curve).items()
        if key not in ("ratios_f1", "ratios_f2")
    }


def complexity_row(name: str, curve: RademacherCurve, against: Any) -> list[Any]:
    """Return the row of a curve: mean lower and upper values and bounds at each size, exponents of both."""
    cells = [
        f"{low:.3g} to {up:.3g} (<= {bound:.3g})"
        for low, up, bound in zip(
            curve.lower.mean(axis=1), curve.upper.mean(axis=1), curve.bounds.mean(axis=1), strict=True
        )
    ]
    return [name, *cells, shown(curve.slope(against)), shown(curve.slope(against, "upper"))]


def decomposed(N: int, n: int, delta: float, seed: int) -> ErrorDecomposition:
    """Return the errors of the best of the ball for a sample of a population of N points in the plane."""
    rng = np.random.default_rng(seed)
    X = np.hstack([rng.standard_normal((N, 1)), np.ones((N, 1))])
    y = np.abs(X[:, 0]) + 0.2 * rng.standard_normal(N)
    drawn = rng.integers(0, N, n)
    fit = constrained_fit(X[drawn], y[drawn], delta).network
    return error_decomposition(X, y, drawn, fit, delta)


def decomposition_rows(repeats: int, N: int) -> list[list[Any]]:
    """Return the medians of the terms, and how often the inequality held, for a few n and radii."""
    rows = []
    for n in (5, 20, 80):
        for delta in (1.0, 4.0):
            runs = [decomposed(N, n, delta, seed) for seed in range(repeats)]
            terms = np.median([list(vars(run).values()) for run in runs], axis=0).tolist()
            holds = sum(run.comparison.holds and run.proven.holds for run in runs)
            rows.append([n, delta, *terms, f"{holds} of {len(runs)}"])
    return rows


def against_dimensions(R: int, quick: bool) -> dict[str, Any]:
    """Print the excess risks of all families against d, and return their arrays."""
    n, dimensions = (32, [2, 4, 8]) if quick else (64, [2, 5, 12])
    figures, rows = {}, []
    for name, family in FAMILIES.items():
        curve = excess_risk_curve(family, samples=n, dimensions=dimensions, n_repetitions=R, noise=NOISE)
        rows += risk_rows(name, curve, "dimensions")
        print(rows[-2:], flush=True)
        figures[f"{name}, n = {n}"] = saved(curve)
    first = [f"excess risk, n = {n}", *(f"d = {d}" for d in dimensions)]
    print_table([*first, "exponent in d", "at an end", "violation"], rows)
    return figures


def against_samples(R: int, quick: bool) -> dict[str, Any]:
    """Print the excess risks of targets of one direction against n, and return their arrays."""
    samples = [16, 32] if quick else [24, 48, 96]
    figures, rows = {}, []
    for d in (3, 8):
        family = partial(SubspaceTarget.random, n_directions=1)
        curve = excess_risk_curve(family, samples=samples, dimensions=d, n_repetitions=R, noise=NOISE)
        rows += risk_rows(f"subspace, s = 1, d = {d}", curve, "samples")
        print(rows[-2:], flush=True)
        figures[f"subspace, s = 1, d = {d}"] = saved(curve)
    header = ["excess risk", *(f"n = {n}" for n in samples), "exponent in n", "at an end", "violation"]
    print_table(header, rows)
    return figures


def complexities(R: int, quick: bool) -> dict[str, Any]:
    """Print the Rademacher complexities against n and d, and return the rows."""
    exponents = ["of attained values", "of upper bounds"]
    sizes, against_n = ([16, 32] if quick else [16, 32, 64, 128]), []
    for k, d in ((1, 2), (1, 3), (1, 8), (0, 2), (2, 2)):
        curve = rademacher_curve(samples=sizes, dimensions=d, activation=k, n_repetitions=R)
        against_n.append(complexity_row(f"k = {k}, d = {d}", curve, "samples"))
    print_table(["complexity", *(f"n = {n}" for n in sizes), *exponents], against_n)
    sizes, against_d = [2, 4, 8, 16, 32], []
    for k in (1, 0, 2):
        curve = rademacher_curve(samples=64, dimensions=sizes, activation=k, n_repetitions=R)
        against_d.append(complexity_row(f"k = {k}, n = 64", curve, "dimensions"))
    print()
    print_table(["complexity", *(f"d = {d}" for d in sizes), *exponents], against_d)
    return {"against n": against_n, "against d": against_d}


def decompositions(R: int, quick: bool) -> dict[str, Any]:
    """Print the terms of the decomposition, and return the rows."""
    rows = decomposition_rows(R, 30 if quick else 100)
    terms = ["excess risk", "approximation", "sup, attained", "sup, proven", "optimisation"]
    print_table(["n", "delta", *terms, "holds"], rows)
    return {"rows": rows}


PARTS: dict[str, Callable[[int, bool], dict[str, Any]]] = {
    "dimensions": against_dimensions,
    "samples": against_samples,
    "rademacher": complexities,
    "decomposition": decompositions,
}


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "generalisation")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", choices=["all", *PARTS], default="all")
    options = parser.parse_args()
    R = 3 if options.quick else options.repeats
    figures: dict[str, Any] = {}
    with threadpool_limits(1):
        for part in PARTS if options.part == "all" else [options.part]:
            started = time.process_time()
            figures[part] = PARTS[part](R, options.quick)
            print(f"\n{part}, {R} repetitions: {time.process_time() - started:.0f} CPU seconds\n", flush=True)
            write_json(options.out, figures)


if __name__ == "__main__":
    main()
