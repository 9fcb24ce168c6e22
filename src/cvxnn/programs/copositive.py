"""The exact convex program of ReLU networks with several outputs, at small size: one semidefinite block a cell."""

from __future__ import annotations

import contextlib
import warnings
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnn.cones import lengths_and_units
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.problem import Problem
from cvxnn.programs.program import Statement
from cvxnn.programs.relu import as_masks
from cvxnn.short_reprs import short_repr
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError

# Completely positive matrices of this order at most are the positive semidefinite ones without negative entries.
_EXACT_ORDER = 4
# A unit row this close to a cone of others is redundant.
_REDUNDANT = 1e-9
# Singular values below this share of the largest are zero: the rank of X, and what a solver leaves of an empty block.
_RANK, _NOISE = 1e-12, 1e-10


@short_repr
@dataclass(frozen=True, eq=False)
class CopositiveProgram:
    """Exact convex program of ReLU networks with several outputs and weight decay; small size.

    With K_i the cone of pattern i, ``min over Z_i of ell(sum_i D_i X Z_i + b, y) + beta sum_i ||Z_i||_{*, K_i}``, where
    the penalty is the least ``sum_k ||g_k|| ||q_k||`` of all ``Z_i = sum_k g_k q_k^T`` with g_k in K_i. Over all
    patterns of X its optimum is that of the training problem. It is stated as

    ``||Z||_{*, K} = min 1/2 (tr A + tr B)``, ``[[A, Z], [Z^T, B]]`` semidefinite, A in ``conv {u u^T, u in K}``

    and with N the facets of K, the last is that ``N A N^T`` is completely positive. Here it is only asked to be
    positive semidefinite and without negative entries, which is the same up to four facets (for d = 2 always), and
    gives a lower bound otherwise.

    Parameters
    ----------
    problem : Problem
        Data, targets, beta > 0, loss; the l2 norm of output weights.
    patterns : ActivationPatterns or bool array_like of shape (n, P), optional
        The patterns that neurons may have, all patterns of X by default.

    Raises
    ------
    ValueError
        If patterns have a wrong shape, or the problem is not trainable or has the l1 norm of output weights, whose
        exact program is `ReLUProgram`.

    References
    ----------
    A. Sahiner, T. Ergen, J. Pauly, M. Pilanci, "Vector-output ReLU neural network problems are copositive programs",
    ICLR 2021, Theorem 3.1 and section 4; J. Maxfield, H. Minc, "On the matrix equation X'X = A", Proc. Edinburgh
    Math. Soc. 1962 (orders up to four).

    Examples
    --------
    >>> program = CopositiveProgram(Problem([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]], beta=0.5))
    >>> program.is_exact, [len(facets) for facets in program.facets]
    (True, [2, 2, 2, 2])
    >>> solution = program.solve()
    >>> round(solution.value, 6)  # sum of beta sigma - beta^2 / 2 for singular values sigma = 1, 2
    1.25
    """

    problem: Problem
    masks: NDArray[np.bool_]  # (n, P)
    facets: tuple[Array, ...]  # of each cone, unit normals in coordinates of the row space, (k, r)
    row_space: Array  # (d, r), orthonormal columns that span the rows of X

    def __init__(self, problem: Problem, patterns: Any = None) -> None:
        problem.require_trainable()
        if problem.output_norm != "l2" and problem.n_outputs > 1:
            raise ValueError(f"output_norm must be 'l2' here; got {problem.output_norm!r}: see ReLUProgram")
        if patterns is None:
            require_few_patterns(problem.X, remedy="give some of the patterns, or take fewer rows or columns")
        masks = as_masks(enumerate_patterns(problem.X) if patterns is None else patterns, problem.n_samples)
        _, levels, right = np.linalg.svd(problem.X, full_matrices=False)
        row_space = right[levels > _RANK * levels[0]].T
        unit = lengths_and_units(problem.X @ row_space)[1]
        unit = unit[np.any(unit != 0, axis=1)]
        nonzero = np.any(problem.X != 0, axis=1)
        facets = tuple(_facets(np.where(mask[nonzero, None], unit, -unit)) for mask in masks.T)
        values = {"problem": problem, "masks": masks, "facets": facets, "row_space": row_space}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def is_exact(self) -> bool:
        """Return whether every cone has at most four facets; else the optimum is a lower bound."""
        return max(len(facets) for facets in self.facets) <= _EXACT_ORDER

    def to_cvxpy(self) -> Statement:
        """State the program to CVXPY; its ``blocks`` are a list of matrices ``[[A, Z], [Z^T, B]]``."""
        import cvxpy as cp

        problem, r, C = self.problem, self.row_space.shape[1], self.problem.n_outputs
        X = problem.X @ self.row_space
        lifted = [cp.Variable((r + C, r + C), PSD=True) for _ in self.facets]
        f = sum((mask[:, None] * X) @ M[:r, r:] for mask, M in zip(self.masks.T, lifted, strict=True))
        cones = [N @ M[:r, :r] @ N.T >= 0 for N, M in zip(self.facets, lifted, strict=True)]
        penalty = 0.5 * problem.beta * sum(cp.trace(M) for M in lifted)
        shaped = f if C > 1 else cp.reshape(f, (problem.n_samples,), order="C")
        return Statement.of(problem, shaped, penalty, lifted, cones)

    def solve(self, tol: float = 1e-8) -> CopositiveSolution:
        """Solve by Clarabel.

        Parameters
        ----------
        tol : float, default 1e-8
            Its gap and feasibility tolerance, partly absolute, in units of X and y. Tighter ones fail where there are
            many optima.

        Raises
        ------
        PrecisionError
            If the tolerance is not reached.
        """
        import cvxpy as cp

        units = Units.of(self.problem)
        inner = copy(self)  # cones are the same in any units
        object.__setattr__(inner, "problem", units.problem)
        statement = inner.to_cvxpy()
        options = {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol}
        with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
            # "Solution may be inaccurate": said below.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            statement.problem.solve(solver=cp.CLARABEL, **options)
        if statement.problem.status != cp.OPTIMAL:
            status = statement.problem.status
            raise PrecisionError(f"the copositive program was not solved to {tol:g}: {status}; raise tol")
        offset = np.zeros(self.problem.n_outputs)
        if statement.offset is not None:
            offset = np.atleast_1d(statement.offset.value) * units.target
        # Blocks are sums of products of two weights, hidden or output, of one unit.
        lifted = tuple(np.asarray(M.value) * units.hidden**2 for M in statement.blocks)
        return CopositiveSolution(self, units.objective(float(statement.problem.value)), lifted, offset)


@short_repr
@dataclass(frozen=True, eq=False)
class CopositiveSolution:
    """The optimum of a `CopositiveProgram`.

    Parameters
    ----------
    program : CopositiveProgram
        What was solved.
    value : float
        Its optimal value: that of training where the program is exact, else a lower bound on it.
    lifted : tuple of ndarrays of shape (r + C, r + C)
        A matrix ``[[A, Z], [Z^T, B]]`` for each pattern, in coordinates of the row space.
    offset : ndarray of shape (C,)
        The output offset.
    """

    program: CopositiveProgram
    value: float
    lifted: tuple[Array, ...]
    offset: Array

    @property
    def network(self) -> ReLUNetwork:
        """Return a balanced network whose objective is the value, for data of rank at most 2.

        A cone of the plane has two rays, ``N^{-1}``. The matrix ``N A N^T`` has no negative entries, nor has its
        Cholesky factor L, of order 2, so ``A = G G^T`` with the columns of ``G = N^{-1} L`` in the cone: neurons
        ``(g_k, w_k)`` with rows w_k of ``W = G^+ Z``.

        Raises
        ------
        ValueError
            If the rank of X is above 2.
        """
        rank = self.program.row_space.shape[1]
        if rank > 2:
            raise ValueError(f"X must have rank <= 2 to map the solution to a network; got {rank}")
        hidden, output = [], []
        for N, M in zip(self.program.facets, self.lifted, strict=True):
            G = np.linalg.solve(N, _non_negative_factor(N @ M[:rank, :rank] @ N.T))
            hidden.append(self.program.row_space @ G)
            output.append(np.linalg.pinv(G, rcond=_NOISE) @ M[:rank, rank:])
        weights = np.concatenate(output)
        if self.program.problem.n_outputs == 1:
            weights = weights[:, 0]
        return ReLUNetwork(np.hstack(hidden), weights, self.offset).balance().prune_zeros()


def _facets(normals: Array) -> Array:
    """Return the unit normals that are not redundant: no one is in the cone of the others (Farkas)."""
    kept = list(np.unique(np.round(normals, 12), axis=0, return_index=True)[1])
    for k in list(kept):
        others = [j for j in kept if j != k]
        if others and nnls(normals[others].T, normals[k])[1] <= _REDUNDANT:
            kept = others
    return normals[sorted(kept)]


def _non_negative_factor(matrix: Array) -> Array:
    """Return the lower Cholesky factor of a matrix of order 1 or 2, without the negative entries that noise makes."""
    clipped = np.maximum(matrix, 0.0)
    factor = np.zeros_like(clipped)
    factor[0, 0] = np.sqrt(clipped[0, 0])
    if len(clipped) == 2:
        factor[1, 0] = clipped[1, 0] / factor[0, 0] if factor[0, 0] > 0 else 0.0
        factor[1, 1] = np.sqrt(max(clipped[1, 1] - factor[1, 0] ** 2, 0.0))
    return factor
