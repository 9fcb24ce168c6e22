"""Random inputs in any dimension: Gaussian, on a sphere, in a ball."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from cvxnn.seeds import Seed, as_random_state
from cvxnn.validation import Array, as_count, as_number

InputDistribution = Literal["gaussian", "sphere", "ball"]


def draw_inputs(
    n_samples: int,
    n_features: int,
    *,
    distribution: InputDistribution = "gaussian",
    radius: float | None = None,
    random_state: Seed = None,
) -> Array:
    """Return independent random inputs (n, d).

    Parameters
    ----------
    n_samples, n_features : int
        n and d, >= 1.
    distribution : {"gaussian", "sphere", "ball"}, default "gaussian"
        ``N(0, R^2/d I_d)``; uniform on the sphere of radius R; uniform in the ball of radius R.
    radius : float, optional
        R, ``sqrt(d)`` unless given: every feature then has variance 1 (in the ball ``d / (d + 2)``).
    random_state : int, Generator, RandomState or None, default None
        Seed.

    Raises
    ------
    ValueError
        If a size, the radius or the distribution is not as above.

    Examples
    --------
    >>> X = draw_inputs(4, 9, distribution="sphere", random_state=0)
    >>> X.shape, np.linalg.norm(X, axis=1).round(9)
    ((4, 9), array([3., 3., 3., 3.]))
    """
    n, d = as_count(n_samples, "n_samples", 1), as_count(n_features, "n_features", 1)
    if distribution not in get_args(InputDistribution):
        raise ValueError(f"distribution must be one of {get_args(InputDistribution)}; got {distribution!r}")
    R = float(np.sqrt(d)) if radius is None else as_number(radius, "radius", positive=True)
    rng = as_random_state(random_state)
    X = rng.standard_normal((n, d))
    if distribution == "gaussian":
        return np.asarray(X * (R / np.sqrt(d)))
    X *= R / np.linalg.norm(X, axis=1, keepdims=True)
    if distribution == "ball":
        X *= rng.uniform(size=(n, 1)) ** (1 / d)
    return np.asarray(X)
