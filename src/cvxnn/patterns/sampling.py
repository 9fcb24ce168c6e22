"""Some activation patterns, drawn at random."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from cvxnn.patterns.packing import pattern_chunks
from cvxnn.patterns.pattern_set import ActivationPatterns
from cvxnn.patterns.reduction import ReducedArrangement, reduce_rows
from cvxnn.seeds import Seed, as_generator
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_finite_array

# Draws per pattern asked for. Few patterns are rare enough to need more, and an arrangement may have fewer
# than n_patterns, which no number of draws would show.
_DRAWS_PER_PATTERN = 10

# Products of a vertex with the unit normals it was made orthogonal to are rounding: at most this.
_ON_HYPERPLANE = 1e-9

_METHODS = ("gaussian", "data")

_Draw = Callable[[int], Array]


@on_one_blas_thread
def sample_patterns(
    X: ArrayLike,
    n_patterns: int,
    *,
    method: str = "gaussian",
    random_state: Seed = 0,
) -> ActivationPatterns:
    """Draw gates at random and keep those that make new patterns.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.
    n_patterns : int
        How many distinct patterns to look for.
    method : {"gaussian", "data"}, default "gaussian"
        "gaussian" draws standard normal gates, so wide cells come first. "data" draws a vertex, a direction
        orthogonal to rank - 1 random rows of X, and steps from it into a random cell that touches it, so that
        small cells are found as easily as wide ones.
    random_state : int, Generator, RandomState or None, default 0
        The same integer gives the same patterns.

    Returns
    -------
    ActivationPatterns
        At most `n_patterns`, in the order drawn. Fewer if ``10 n_patterns`` draws do not make as many, which
        is certain when X has fewer. Never marked complete.

    Raises
    ------
    ValueError
        If `X` is not a finite non-empty matrix, `n_patterns` is not a positive integer, or `method` is
        unknown.
    PrecisionError
        With ``method="data"``, if X is too ill-conditioned.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, section 3 (Gaussian gates).

    Examples
    --------
    >>> sample_patterns([[1.0, 0.0], [0.0, 1.0]], 3)
    ActivationPatterns(3 patterns of 2 samples, gates in R^2, not known to be complete)
    >>> len(sample_patterns([[1.0, 0.0], [0.0, 1.0]], 100, method="data"))
    4
    """
    data = as_finite_array(X, "X", (2,))
    if isinstance(n_patterns, bool) or not isinstance(n_patterns, int | np.integer) or n_patterns < 1:
        raise ValueError(f"n_patterns must be a positive integer, found {n_patterns!r}")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, _METHODS))}, found {method!r}")
    draw = _gate_source(data, method, as_generator(random_state))
    found = ActivationPatterns.from_gates(data, draw(int(n_patterns)))
    for _ in range(_DRAWS_PER_PATTERN - 1):
        if len(found) >= n_patterns:
            break
        found = found.union(ActivationPatterns.from_gates(data, draw(int(n_patterns))))
    return found[:n_patterns] if len(found) > n_patterns else found


def _gate_source(X: Array, method: str, rng: np.random.Generator) -> _Draw:
    """Return the function from a number m to gates (d, m)."""
    n_features = X.shape[1]
    arrangement = reduce_rows(X) if method == "data" else None
    if arrangement is None or arrangement.rank == 0:
        return lambda count: rng.standard_normal((count, n_features)).T
    return lambda count: _gates_near_vertices(arrangement, count, rng)


def _gates_near_vertices(arrangement: ReducedArrangement, count: int, rng: np.random.Generator) -> Array:
    points = np.empty((count, arrangement.rank))
    for chunk in pattern_chunks(arrangement.n_lines, count):
        size = chunk.stop - chunk.start
        points[chunk] = _step_off(arrangement.normals, _random_vertices(arrangement, size, rng), rng)
    gates = arrangement.gate_map @ points.T
    unit: Array = gates / np.linalg.norm(gates, axis=0)
    return unit


def _random_vertices(arrangement: ReducedArrangement, count: int, rng: np.random.Generator) -> Array:
    """Draw unit vectors (m, r) of random sign, each orthogonal to r - 1 random normals."""
    signs = rng.choice([-1.0, 1.0], size=(count, 1))
    if arrangement.rank == 1:
        return signs
    # A normal drawn twice leaves more room, and the last right singular vector is still orthogonal to all.
    rows = rng.integers(arrangement.n_lines, size=(count, arrangement.rank - 1))
    right = np.linalg.svd(arrangement.normals[rows], full_matrices=True).Vh
    vertices: Array = right[:, -1, :] * signs
    return vertices


def _step_off(normals: Array, vertices: Array, rng: np.random.Generator) -> Array:
    """Step from vertices (m, r) in a random direction, half way to the nearest other hyperplane."""
    directions = rng.standard_normal(vertices.shape)
    slacks = vertices @ normals.T
    slacks[np.abs(slacks) <= _ON_HYPERPLANE] = 0.0
    moves = directions @ normals.T
    approach = np.divide(-moves, slacks, out=np.zeros_like(moves), where=slacks != 0).max(axis=1)
    steps = np.divide(0.5, approach, out=np.ones_like(approach), where=approach > 0.5)
    points: Array = vertices + steps[:, None] * directions
    return points
