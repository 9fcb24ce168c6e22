"""Rademacher complexities of the ball of F_1 against the dimension and the number of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces.generalisation.inputs import InputDistribution, draw_inputs
from cvxnn.function_spaces.generalisation.rademacher import rademacher_complexity
from cvxnn.function_spaces.unit_norm.seeds import as_random_state
from cvxnn.function_spaces.unit_norm.slopes import Slope, as_sizes, log_log_slope
from cvxnn.validation import Array, as_count


@dataclass(frozen=True, eq=False)
class RademacherCurve:
    """Rademacher complexities at k sizes (n, d), for R repetitions with fresh inputs each.

    Parameters
    ----------
    samples, dimensions : ndarrays of shape (k,)
        n and d.
    lower, upper : ndarrays of shape (k, R)
        Means over signs of values attained and of proven upper bounds.
    bounds : ndarray of shape (k, R)
        What theory says of each; see `rademacher_complexity`.
    """

    samples: NDArray[np.int64]  # (k,)
    dimensions: NDArray[np.int64]  # (k,)
    lower: Array  # (k, R)
    upper: Array  # (k, R)
    bounds: Array  # (k, R)

    def slope(
        self, against: Literal["samples", "dimensions"], side: Literal["lower", "upper"] = "lower"
    ) -> Slope:
        """Return the exponent in n or in d of the lower or upper values, with its standard error.

        Raises
        ------
        ValueError
            If an argument is none of these, or the sizes are all equal.
        """
        if against not in ("samples", "dimensions"):
            raise ValueError(f"against must be 'samples' or 'dimensions'; got {against!r}")
        if side not in ("lower", "upper"):
            raise ValueError(f"side must be 'lower' or 'upper'; got {side!r}")
        sizes = self.samples if against == "samples" else self.dimensions
        return log_log_slope(sizes, self.lower if side == "lower" else self.upper)


def rademacher_curve(
    *,
    samples: Any,
    dimensions: Any,
    activation: Any = 1,
    n_repetitions: int = 20,
    n_signs: int = 5,
    distribution: InputDistribution = "sphere",
    oracle_seconds: float = 0.1,
    random_state: Any = 0,
) -> RademacherCurve:
    """Return the complexities of the unit ball of F_1 on random inputs of radius 1, without a bias.

    Parameters
    ----------
    samples, dimensions : int or sequence of int
        n and d: both of k entries, or one of them a number.
    activation : {1, 0, 2}, "relu", "step", "squared_relu" or PositivePart, default 1
        ``(z)_+^k``.
    n_repetitions : int, default 20
        R, samples of inputs at each size.
    n_signs : int, default 5
        Sign vectors for each sample of inputs.
    distribution : {"gaussian", "sphere", "ball"}, default "sphere"
        Of the inputs, of radius 1; see `draw_inputs`.
    oracle_seconds : float, default 0.1
        As of `rademacher_complexity`.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.

    Examples
    --------
    >>> curve = rademacher_curve(samples=[8, 32], dimensions=2, n_repetitions=3)
    >>> bool(np.all(curve.upper <= curve.bounds)), curve.lower.shape
    (True, (2, 3))
    """
    n, d = as_sizes(samples, dimensions)
    R, n_signs = as_count(n_repetitions, "n_repetitions", 1), as_count(n_signs, "n_signs", 1)
    seeds = as_random_state(random_state).randint(2**31, size=(len(n), R))
    values = np.empty((len(n), R, 3))
    for k, r in np.ndindex(len(n), R):
        size, seed = (int(n[k]), int(d[k])), int(seeds[k, r])
        X = draw_inputs(*size, distribution=distribution, radius=1.0, random_state=seed)
        found = rademacher_complexity(
            X,
            activation,
            n_signs=n_signs,
            oracle_seconds=oracle_seconds,
            # not the seed of the inputs: signs must not depend on them
            random_state=seed ^ 1,
        )
        values[k, r] = *found.interval, found.bound
    return RademacherCurve(n, d, values[:, :, 0], values[:, :, 1], values[:, :, 2])
