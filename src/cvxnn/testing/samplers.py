"""Inputs that have a property by construction: data matrices, blocks and networks.

Every sampler takes a generator and sizes; `DATA` lists the samplers of data by name, for tests that run over
all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from cvxnn.networks import ReLUNetwork
from cvxnn.validation import Array

DataSampler = Callable[[np.random.Generator, int, int], Array]


def general_position(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample (n, d) data of which any d rows are linearly independent.

    Rows are points of a moment curve, (T_0(t), ..., T_{d-1}(t)) for distinct t, turned, and scaled by
    non-zero numbers of both signs: every d x d minor is a Vandermonde determinant times factors that are not
    zero.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n, d : int
        Shape.

    Examples
    --------
    >>> X = general_position(np.random.default_rng(0), 5, 3)
    >>> X.shape, int(np.linalg.matrix_rank(X[[0, 2, 4]]))
    ((5, 3), 3)
    """
    nodes = np.cos(np.pi * (np.arange(n) + rng.uniform(0.2, 0.8, n)) / n)  # distinct: one in each interval
    curve = np.polynomial.chebyshev.chebvander(nodes, d - 1)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    factors = rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 2.0, n)
    return rng.permutation(factors[:, None] * (curve @ turn))


def gaussian(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample standard normal data."""
    return rng.standard_normal((n, d))


def off_origin(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data around a point at distance 5 from the origin."""
    centre = rng.standard_normal(d)
    return rng.standard_normal((n, d)) + 5.0 * centre / np.linalg.norm(centre)


def with_bias_column(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data whose last column is constant: a hidden bias."""
    return np.hstack([rng.standard_normal((n, d - 1)), np.ones((n, 1))])


def rank_deficient(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample data of rank at most ``max(1, min(n, d) - 1)``, a product of two thin factors."""
    rank = max(1, min(n, d) - 1)
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))


def duplicated_rows(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample data whose second half repeats rows of the first."""
    distinct = rng.standard_normal(((n + 1) // 2, d))
    return np.vstack([distinct, distinct])[:n]


def collinear_rows(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample data whose rows lie on at most ``(n + 1) // 2`` lines through the origin, on both sides of it.

    Factors are powers of two, so that rows are collinear exactly, not to rounding.
    """
    X: Array = duplicated_rows(rng, n, d) * rng.choice([-2.0, -1.0, 0.5, 1.0, 4.0], n)[:, None]
    return X


def with_zero_row(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data with one zero row, at a random place."""
    X = rng.standard_normal((n, d))
    X[rng.integers(n)] = 0.0
    return X


def integer_rows(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample small integers: many exact dependences, ties and repeated rows."""
    return rng.integers(-1, 2, (n, d)).astype(np.float64)


def tiny(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data of size 1e-8."""
    return 1e-8 * rng.standard_normal((n, d))


def huge(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data of size 1e8."""
    return 1e8 * rng.standard_normal((n, d))


def badly_scaled_rows(rng: np.random.Generator, n: int, d: int) -> Array:
    """Sample normal data whose row norms spread from 1e-4 to 1e4."""
    return np.logspace(-4, 4, n)[:, None] * rng.standard_normal((n, d))


DATA: Mapping[str, DataSampler] = MappingProxyType(
    {
        sampler.__name__: sampler
        for sampler in (
            general_position,
            gaussian,
            off_origin,
            with_bias_column,
            rank_deficient,
            duplicated_rows,
            collinear_rows,
            with_zero_row,
            integer_rows,
            tiny,
            huge,
            badly_scaled_rows,
        )
    }
)


def network(
    rng: np.random.Generator, d: int, m: int, *, n_outputs: int | None = None, offset: bool = False
) -> ReLUNetwork:
    """Sample an unbalanced network whose neurons differ in size by up to 1e4.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    d, m : int
        Features and neurons.
    n_outputs : int, optional
        C, for output weights of shape (m, C); by default they have shape (m,).
    offset : bool, default False
        Whether the output offset is not zero.
    """
    hidden = rng.standard_normal((d, m)) * 10.0 ** rng.uniform(-2, 2, m)
    shape = (m,) if n_outputs is None else (m, n_outputs)
    return ReLUNetwork(
        hidden, rng.standard_normal(shape), rng.standard_normal(n_outputs or 1) if offset else None
    )


def blocks(rng: np.random.Generator, d: int, n_blocks: int) -> Array:
    """Sample blocks (d, B) of sizes from 1e-3 to 1e3, a few of them zero; they need not lie in any cone."""
    W = rng.standard_normal((d, n_blocks)) * 10.0 ** rng.uniform(-3, 3, n_blocks)
    W[:, rng.random(n_blocks) < 0.2] = 0.0
    return W
