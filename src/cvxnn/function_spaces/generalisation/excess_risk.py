"""Excess risk of learning in F_1 and in F_2 against the dimension and the number of samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces.generalisation.inputs import InputDistribution, draw_inputs
from cvxnn.function_spaces.generalisation.learners import KernelLearner, TrainingSample, VariationNormLearner
from cvxnn.function_spaces.generalisation.sizes import as_sizes
from cvxnn.seeds import Seed, as_random_state
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import Slope, log_log_slope
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number

# (d, random_state=) to a function of X (n, d), such as AdditiveTarget.random
TargetFamily = Callable[..., Callable[[Array], Array]]


@short_repr
@dataclass(frozen=True, eq=False)
class ExcessRiskCurve:
    """Excess risks at k sizes (n, d), for R repetitions with a fresh target and fresh samples each.

    Parameters
    ----------
    samples, dimensions : ndarrays of shape (k,)
        n and d.
    f1, f2 : ndarrays of shape (k, R)
        ``E (f(x) - f*(x))^2`` of the functions learnt, on a fresh test sample without noise.
    choices_f1, choices_f2 : ndarrays of shape (k, R)
        Indices of the chosen ratios.
    ratios_f1, ratios_f2 : tuples of float
        What was chosen from. Choices at either end say that the grid is too short.
    objectives, lower_bounds, violations : ndarrays of shape (k, R)
        Of the certificates in F_1; NaN for a violation where training was stopped before a search.
    """

    samples: NDArray[np.int64]  # (k,)
    dimensions: NDArray[np.int64]  # (k,)
    f1: Array  # (k, R)
    f2: Array  # (k, R)
    choices_f1: NDArray[np.int64]  # (k, R)
    choices_f2: NDArray[np.int64]  # (k, R)
    ratios_f1: tuple[float, ...]
    ratios_f2: tuple[float, ...]
    objectives: Array  # (k, R)
    lower_bounds: Array  # (k, R)
    violations: Array  # (k, R)

    def slope(self, space: Literal["f1", "f2"], against: Literal["samples", "dimensions"]) -> Slope:
        """Return the exponent of the excess risk in n or in d, with its standard error over repetitions.

        A risk that has come near 1, the variance of the target, cannot grow any more: exponents in d of a curve that
        reaches it are those of the part before at best.

        Raises
        ------
        ValueError
            If an argument is none of these, or the sizes are all equal.
        """
        if space not in ("f1", "f2"):
            raise ValueError(f"space must be 'f1' or 'f2'; got {space!r}")
        if against not in ("samples", "dimensions"):
            raise ValueError(f"against must be 'samples' or 'dimensions'; got {against!r}")
        sizes = self.samples if against == "samples" else self.dimensions
        return log_log_slope(sizes, self.f1 if space == "f1" else self.f2)


@on_one_blas_thread
def excess_risk_curve(
    family: TargetFamily,
    *,
    samples: Any,
    dimensions: Any,
    n_repetitions: int = 20,
    noise: float = 0.1,
    distribution: InputDistribution = "gaussian",
    n_test: int = 4000,
    f1: VariationNormLearner | None = None,
    f2: KernelLearner | None = None,
    random_state: Seed = 0,
) -> ExcessRiskCurve:
    """Learn targets of a family in F_1 and in F_2 at several sizes, and measure the excess risks.

    Each repetition draws a target, a training sample of n, a validation sample of n on which both learners choose their
    regularisation, and a test sample. Inputs have norm about ``R = sqrt(d)``; both learners see features ``(x, R)``,
    the bias on the scale of the inputs.

    Parameters
    ----------
    family : callable
        ``family(d, random_state=...)`` returns a target: `AffineTarget.random`, `AdditiveTarget.random`,
        `ProjectionPursuitTarget.random`, `SubspaceTarget.random`, or a function of one's own.
    samples, dimensions : int or sequence of int
        n and d: both of k entries, or one of them a number.
    n_repetitions : int, default 20
        R.
    noise : float, default 0.1
        Standard deviation of Gaussian noise on the targets, whose own is 1.
    distribution : {"gaussian", "sphere", "ball"}, default "gaussian"
        Of the inputs; see `draw_inputs`.
    n_test : int, default 4000
        Size of the test sample.
    f1 : VariationNormLearner, optional
        Settings of learning in F_1.
    f2 : KernelLearner, optional
        Settings of learning in F_2.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Raises
    ------
    ValueError
        If sizes are not positive integers that fit together, or another argument is out of range.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 5.

    Examples
    --------
    >>> from cvxnn.function_spaces.generalisation.targets import AffineTarget
    >>> curve = excess_risk_curve(AffineTarget.random, samples=[6, 24], dimensions=1, n_repetitions=2)
    >>> curve.f1.shape, bool(np.all(curve.f1[1] < 0.1))
    ((2, 2), True)
    """
    n, d = as_sizes(samples, dimensions)
    R, noise = as_count(n_repetitions, "n_repetitions", 1), as_number(noise, "noise")
    n_test = as_count(n_test, "n_test", 1)
    learners = (f1 or VariationNormLearner(), f2 or KernelLearner())
    seeds = as_random_state(random_state).randint(2**31, size=(len(n), R))
    runs = [
        _one_run(family, int(n[k]), int(d[k]), noise, distribution, n_test, learners, int(seeds[k, r]))
        for k in range(len(n))
        for r in range(R)
    ]
    columns = np.array(runs).reshape(len(n), R, -1)
    return ExcessRiskCurve(
        n,
        d,
        columns[:, :, 0],
        columns[:, :, 1],
        columns[:, :, 2].astype(np.int64),
        columns[:, :, 3].astype(np.int64),
        learners[0].ratios,
        learners[1].ratios,
        *np.moveaxis(columns[:, :, 4:], 2, 0),
    )


def _one_run(
    family: TargetFamily,
    n: int,
    d: int,
    noise: float,
    distribution: InputDistribution,
    n_test: int,
    learners: tuple[VariationNormLearner, KernelLearner],
    seed: int,
) -> list[float]:
    """Return risks, choices, and objective, lower bound and violation of the certificate in F_1."""
    rng = np.random.RandomState(seed)
    target = family(d, random_state=rng)
    X = draw_inputs(2 * n + n_test, d, distribution=distribution, random_state=rng)
    features = np.hstack([X, np.full((len(X), 1), np.sqrt(d))])
    values = target(X)
    y = values[: 2 * n] + noise * rng.standard_normal(2 * n)
    sample = TrainingSample(features[:n], y[:n], features[n : 2 * n], y[n:])
    network, ridge = learners[0].learn(sample, random_state=seed), learners[1].learn(sample)
    found, values = network.certificate, values[2 * n :]
    predictions = [learnt.predict(features[2 * n :]) for learnt in (network, ridge)]
    risks = [float(np.mean((f - values) ** 2)) for f in predictions]
    violation = np.nan if found.search_violation is None else found.search_violation
    return [*risks, network.choice, ridge.choice, found.objective, found.lower_bound, violation]
