"""The network of largest margin, with a proof: the convex program, its dual, and what they say of the optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from cvxnn.certificates import RowSpace
from cvxnn.deadlines import Deadline
from cvxnn.margin.columns import basic_network, grow_blocks, solve_blocks
from cvxnn.margin.dual_constraint import DualConstraint, DualNorm
from cvxnn.margin.separating import require_separable
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import count_bound, enumerate_patterns, reduce_rows, require_few_patterns
from cvxnn.problem import as_labelled
from cvxnn.programs import MaxMarginProgram
from cvxnn.seeds import Seed, as_generator
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import power_of_four
from cvxnn.validation import Array, as_count

Method = Literal["auto", "cells", "columns"]

# Samples times patterns up to which all cells go into one program: half a second of the interior-point method.
_ALL_CELLS = 15_000
# Neurons with a smaller share of the value may lie off the maximum of the dual constraint by the solver's error.
_SHARE = 1e-3


@short_repr
@dataclass(frozen=True, eq=False)
class MaxMargin:
    """A network of largest margin, with its multipliers and what they prove.

    Parameters
    ----------
    network : ReLUNetwork
        Balanced, with ``min_i y_i f(x_i) = 1`` up to rounding and at most n neurons.
    multipliers : ndarray of shape (n,)
        ``lam >= 0``, of the margins. The literature's lambda is ``y * lam``.
    value : float
        ``1/2 (||U||^2 + ||a||^2)`` of the network.
    lower_bound : float
        ``sum_i lam_i / Phi``, proven: no network of any width with margins of one is smaller.
    dual_norm : DualNorm
        Phi, the largest ``|(y * lam)^T (Xu)_+|`` over unit vectors: 1 at the optimum.
    attained : ndarray of shape (m,)
        ``|(y * lam)^T (X u_j)_+| / ||u_j||`` of the neurons.
    method : str
        How it was found: "all cells" or "column generation".
    """

    network: ReLUNetwork
    multipliers: Array  # (n,)
    value: float
    lower_bound: float
    dual_norm: DualNorm
    attained: Array  # (m,)
    method: str

    @property
    def margin(self) -> float:
        """Return the largest ``min_i y_i f(x_i)`` of a network with ``1/2 ||theta||^2 = 1``: ``1 / value``."""
        return 1.0 / self.value

    @property
    def relative_gap(self) -> float:
        """Return ``(value - lower_bound) / value``."""
        return (self.value - self.lower_bound) / self.value

    @property
    def strong_duality(self) -> Comparison:
        """Return the dual objective beside the primal one.

        Statement: both have the same optimal value, for any separable data. Measured is ``sum_i lam_i``, scaled to be
        feasible; predicted the network's ``1/2 ||theta||^2``.
        """
        return Comparison(self.lower_bound, self.value)

    @property
    def attainment(self) -> Comparison:
        """Return the least ``|q^T (X u_j)_+| / ||u_j||`` of the neurons, beside the largest over all unit vectors.

        Statement: every neuron of an optimal network attains the maximum of the dual constraint, ``q = y * lam``.
        Taken over the neurons that carry a thousandth of the value or more: a relative gap of 1e-9 lets them fall
        short by 1e-6, and others by more.
        """
        shares = np.abs(self.network.output) ** 2 / self.value
        return Comparison(float(np.min(self.attained[shares >= _SHARE])), self.dual_norm.value, tol=1e-5)


@on_one_blas_thread
def max_margin(
    X: Any,
    y: Any,
    *,
    method: Method = "auto",
    max_rounds: int = 100,
    max_seconds: float | None = 60.0,
    random_state: Seed = 0,
) -> MaxMargin:
    """Return the smallest two-layer ReLU network that classifies every sample with margin one.

    ``min over m, U, a of 1/2 (||U||_F^2 + ||a||^2)`` with ``y_i sum_j (x_i^T u_j)_+ a_j >= 1`` for all i: scaled to
    ``1/2 ||theta||^2 = 1`` it has the largest smallest margin of all networks of any width.

    Statement
        The optimum is that of the convex program over all activation patterns and that of
        ``max sum_i lam_i`` with ``lam >= 0`` and ``|lam^T diag(y) (Xu)_+| <= 1`` for all ``||u|| <= 1``.
    Hypotheses
        X and y are separable by a two-layer ReLU network.
    Guarantee
        Tight where the dual constraint is evaluated exactly, up to the solver: relative gaps are mostly below 1e-9, and
        were 3e-6 where classes all but touch. Else the gap says what is proven.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data. A hidden bias is a column of ones, penalised like the other weights.
    y : array_like of shape (n,)
        Labels, -1 and +1.
    method : {"auto", "cells", "columns"}, default "auto"
        "cells" puts all patterns of X into one program; "columns" starts from a descent's patterns and adds those
        that violate the dual constraint, found exactly in low rank and by search otherwise. "auto" takes all cells
        up to 15 000 samples times patterns.
    max_rounds : int, default 100
        Rounds of column generation.
    max_seconds : float or None, default 60.0
        Time for descent, convex programs and search, None for no limit; the last bound is computed after it. Where it
        ends column generation, the last network found comes back, and its gap says what is proven.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the descent and of searches.

    Returns
    -------
    MaxMargin

    Raises
    ------
    HypothesisError
        If the data is not separable; the message names the hypothesis and the samples.
    ValueError
        If X or y have a wrong shape or values, another argument is out of range, or ``max_seconds`` ends before
        there is a network: the message says how large the program is.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation: neural network gradient flows converge to extreme
    points of the dual convex program", ICLR 2022.

    Examples
    --------
    >>> best = max_margin([[2.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> round(best.value, 6), best.network.n_neurons, best.multipliers.round(6)
    (1.5, 2, array([0.5, 1. ]))
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}; got {method!r}")
    max_rounds = as_count(max_rounds, "max_rounds", 1)
    deadline = Deadline.after(max_seconds)
    X, y = as_labelled(X, y)
    unit = power_of_four(X)
    require_separable(X / unit, y)
    X, basis = _in_row_space(X / unit)
    constraint = DualConstraint(X, random_state)
    lines = reduce_rows(X)
    if method == "auto":
        method = "cells" if len(y) * count_bound(lines.n_lines, lines.rank) <= _ALL_CELLS else "columns"
    if method == "cells":
        require_few_patterns(X, remedy="take method='columns', or fewer rows or columns")
        solution = solve_blocks(MaxMarginProgram(X, y, enumerate_patterns(X)), deadline=deadline)
    else:
        solution = grow_blocks(X, y, constraint, as_generator(random_state), max_rounds, deadline)
    network, lam = basic_network(solution, deadline)
    found = judge(constraint, y, network, lam, "all cells" if method == "cells" else "column generation")
    return _as_given(found, unit, basis)


def _in_row_space(X: Array) -> tuple[Array, Array]:
    """Return data in coordinates of their row space, with its basis (d, r), where features outnumber samples.

    Neurons lie there: what is orthogonal to all rows costs and does nothing. Programs have n/d of the weights.
    """
    if X.shape[1] <= X.shape[0]:
        return X, np.eye(X.shape[1])
    space = RowSpace(X)
    return space.coordinates, space.basis


def _as_given(found: MaxMargin, unit: float, basis: Array) -> MaxMargin:
    """Return the result for data in a basis over a unit as that for the data.

    Weights grow by the unit's root, multipliers with it.
    """
    network, root, norm = found.network, math.sqrt(unit), found.dual_norm
    return replace(
        found,
        network=ReLUNetwork(basis @ network.hidden / root, network.output / root),
        multipliers=found.multipliers / unit,
        value=found.value / unit,
        lower_bound=found.lower_bound / unit,
        dual_norm=replace(norm, directions=basis @ norm.directions),
    )


def judge(constraint: DualConstraint, y: Array, network: ReLUNetwork, lam: Array, method: str) -> MaxMargin:
    """Return the result for a network of margin one and multipliers, its numbers recomputed from them."""
    found = constraint.evaluate(y * lam)
    norms = np.linalg.norm(network.hidden, axis=0)
    activations = np.maximum(constraint.X @ (network.hidden / norms), 0.0)
    return MaxMargin(
        network=network,
        multipliers=lam,
        value=network.weight_decay,
        lower_bound=float(np.sum(lam)) / found.upper,
        dual_norm=found,
        attained=np.abs((y * lam) @ activations),
        method=method,
    )
