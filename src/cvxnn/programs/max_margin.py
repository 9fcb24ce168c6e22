"""The convex max-margin program of two-layer ReLU networks on given activation patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns
from cvxnn.problem import Problem
from cvxnn.programs.program import Statement
from cvxnn.programs.relu import ReLUProgram
from cvxnn.validation import Array, as_number


@dataclass(frozen=True, eq=False)
class MaxMarginProgram:
    """Smallest network that classifies every sample with margin one, its neurons kept to given patterns.

    ``min sum_b ||w_b||`` with ``y_i sum_b s_b (D_b X w_b)_i >= 1`` for all i and ``w_b`` in
    ``K_b = {u : (2 D_b - I) X u >= 0}``.

    Over all patterns of X its optimum is the least ``1/2 sum_j (||u_j||^2 + a_j^2)`` of all networks of any width
    with ``y_i f(x_i) >= 1``; its reciprocal is the largest margin of a network with that sum equal to one. The dual
    is

    ``max sum_i lam_i`` with ``lam >= 0`` and ``||Pi_{K_b}(s_b X^T D_b q)|| <= 1`` for all b, where ``q_i = y_i
    lam_i``.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data. A hidden bias is a column of ones, penalised like the other weights.
    y : array_like of shape (n,)
        Labels, -1 and +1.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The patterns.
    signs : array_like of shape (P,), optional
        The output sign of each pattern's block. By default every pattern has a block of either sign, as in
        `ReLUProgram`.

    Raises
    ------
    ValueError
        If a shape is wrong, X is not finite, or y holds anything but -1 and +1.

    Notes
    -----
    Two conventions for the multipliers are in use. Here ``lam >= 0`` is the multiplier of ``y_i f(x_i) >= 1``. The
    literature also writes the dual with ``lambda_i = y_i lam_i``: ``max y^T lambda`` with ``y_i lambda_i >= 0`` and
    ``max over ||u|| <= 1 of |lambda^T (X u)_+| <= 1``. That vector is called q here, and is what oracles take.

    The program is the limit of `ReLUProgram` with the hinge loss: for ``beta <= 1 / max_i lam_i`` both have the same
    optimal networks.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation: neural network gradient flows converge to extreme
    points of the dual convex program", ICLR 2022 (the convex max-margin problem and its dual).

    Examples
    --------
    >>> program = MaxMarginProgram([[2.0, 0.0], [0.0, 1.0]], [1.0, -1.0], [[1, 0], [0, 1]])
    >>> statement = program.to_cvxpy()
    >>> value = statement.problem.solve(solver="CLARABEL")
    >>> print(round(value, 6))  # 1/2 for the first sample, 1 for the second
    1.5
    >>> statement.fit.dual_value.round(6)
    array([0.5, 1. ])
    """

    blocks: ReLUProgram  # of the hinge loss with beta = 1: the same blocks, cones and maps

    def __init__(self, X: Any, y: Any, patterns: ActivationPatterns | Any, signs: Any = None) -> None:
        problem = Problem(X, y, 1.0, "hinge").one_output()
        object.__setattr__(self, "blocks", ReLUProgram(problem, patterns, signs))

    @property
    def X(self) -> Array:
        """Return the data, (n, d)."""
        return self.blocks.problem.X

    @property
    def y(self) -> Array:
        """Return the labels, (n,)."""
        return self.blocks.problem.y

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Return the blocks' patterns, (n, B)."""
        return self.blocks.masks

    @property
    def signs(self) -> Array:
        """Return the blocks' output signs, (B,)."""
        return self.blocks.signs

    @property
    def n_blocks(self) -> int:
        """Return B."""
        return self.blocks.n_blocks

    def margins(self, W: Array) -> Array:
        """Return ``y_i f(x_i)`` at blocks W (d, B), shape (n,)."""
        return np.asarray(self.y * self.blocks.forward(W))

    def objective(self, W: Array) -> float:
        """Return ``sum_b ||w_b||``; constraints are not looked at: see `margins` and `violation`."""
        return float(np.sum(np.linalg.norm(W, axis=0)))

    def violation(self, W: Array) -> float:
        """Return how far blocks are outside their cones, as `ReLUProgram.violation`."""
        return self.blocks.violation(W)

    def project(self, V: Array) -> Array:
        """Return the projections of columns of V on their cones."""
        return self.blocks.project(V)

    def adjoint(self, lam: Array) -> Array:
        """Return ``s_b X^T D_b diag(y) lam``, shape (d, B)."""
        return self.blocks.adjoint(self.y * lam)

    def dual_norm(self, lam: Array) -> float:
        """Return ``max_b ||Pi_{K_b}(s_b X^T D_b diag(y) lam)||``: lam >= 0 is dual feasible when this is at most 1."""
        return self.blocks.critical_beta(self.y * lam)

    def dual_bound(self, lam: Array) -> float:
        """Return a lower bound on the program's optimum: the dual objective of lam, scaled to be feasible.

        Raises
        ------
        ValueError
            If an entry is negative.
        """
        require_multipliers(lam, len(self.y))
        size = self.dual_norm(lam)
        return float(np.sum(lam)) / size if size > 0 else 0.0

    def to_network(self, W: Array) -> ReLUNetwork:
        """Map blocks to a balanced network, ``u = w / sqrt ||w||``, ``a = sqrt ||w|| s``; zero blocks are dropped.

        For blocks in their cones it has their margins, and half its squared norm is their objective.
        """
        return self.blocks.to_network(W, np.zeros(1))

    def to_blocks(self, network: ReLUNetwork) -> Array:
        """Map a network to blocks, as `ReLUProgram.to_blocks`: keeps the margins, never raises the objective."""
        return self.blocks.to_blocks(network)

    def to_cvxpy(self, price: float | None = None) -> Statement:
        """State the program to CVXPY; the dual value of ``fit``, the margin constraints, is lam.

        Parameters
        ----------
        price : float, optional
            The cost of a unit by which a margin falls short of one. By default no margin may; with a price of at
            least ``max_i lam_i`` none does, but the program has a solution even where these patterns cannot separate.
        """
        import cvxpy as cp

        W = cp.Variable((self.X.shape[1], self.n_blocks))
        Z = self.X @ W
        margins = cp.multiply(self.y, cp.sum(cp.multiply(self.masks * self.signs, Z), axis=1))
        cones = [cp.multiply(np.where(self.masks, 1.0, -1.0), Z) >= 0]
        objective = cp.sum(cp.norm(W, 2, axis=0))
        if price is not None:
            short = cp.Variable(len(self.y), nonneg=True)
            margins = margins + short
            objective = objective + as_number(price, "price", positive=True) * cp.sum(short)
        fit = margins >= 1.0
        return Statement(cp.Problem(cp.Minimize(objective), [fit, *cones]), W, None, fit)

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"MaxMarginProgram(n={n}, d={d}, blocks={self.n_blocks})"


def require_multipliers(lam: Array, n_samples: int) -> None:
    """Raise ``ValueError`` unless lam has shape (n,) and no negative entry."""
    if np.shape(lam) != (n_samples,) or not np.all(np.asarray(lam) >= 0):
        raise ValueError(f"lam must have shape ({n_samples},) and no negative entry; got {lam!r}")
