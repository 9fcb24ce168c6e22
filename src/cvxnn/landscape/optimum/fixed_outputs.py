"""Networks whose output weights are given: the convex programs of their hidden weights on chosen cells."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, product
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.optimize import linprog

from cvxnn.cones import lengths_and_units
from cvxnn.landscape.optimum.face_newton import FacePoint, settle
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.problem import Problem
from cvxnn.validation import Array, PrecisionError

# Interior points leave rows that bind at 1e-9 and those that touch at the square root of their tolerance.
_NEAR_KINK = 1e-6
# In units of ||X||^2, which is the curvature of the loss.
_TINY_DECAY = 1e-9


@dataclass(frozen=True, eq=False)
class FixedOutputs:
    """The programs ``min ell(sum_j a_j D_j X u_j + b) + beta/2 sum_j ||u_j||^2``, u_j in the closed cell of D_j.

    Parameters
    ----------
    problem : Problem
        Of one output, its loss smooth; without weight decay the squared one.
    output : ndarray of shape (m,)
        The output weights a_j, non-zero.
    masks : bool ndarray of shape (n, P)
        The patterns of all open cells.
    """

    problem: Problem
    output: Array
    masks: NDArray[np.bool_]

    @classmethod
    def of(cls, problem: Problem, output: Array, n_neurons: int) -> FixedOutputs:
        """Return the programs over all cells.

        Raises
        ------
        ValueError
            If output weights are of a wrong number or zero, or if beta is 0 and the loss not the squared one.
        """
        if output.shape != (n_neurons,) or np.any(output == 0):
            raise ValueError(f"output must have shape ({n_neurons},) and no zero; got {output.tolist()}")
        if problem.beta == 0 and not isinstance(problem.loss, SquaredLoss):
            raise ValueError(
                f"problem must have beta > 0 or the squared loss, so that optima exist; got beta = 0 and the loss "
                f"{problem.loss.name!r}"
            )
        require_few_patterns(problem.X)
        return cls(problem, output, np.asarray(enumerate_patterns(problem.X)))

    @property
    def _groups(self) -> list[NDArray[np.intp]]:
        """Return the neurons of each output weight: these can trade places."""
        return [np.flatnonzero(self.output == value) for value in np.unique(self.output)]

    @property
    def count(self) -> int:
        """Return the number of choices of a cell for each neuron, up to permuting equal output weights."""
        cells = self.masks.shape[1]
        return prod(comb(cells + len(group) - 1, len(group)) for group in self._groups)

    def choices(self) -> Iterator[NDArray[np.intp]]:
        """Yield the cell of each neuron, shape (m,)."""
        cells = range(self.masks.shape[1])
        for choice in product(*(combinations_with_replacement(cells, len(group)) for group in self._groups)):
            chosen = np.zeros(len(self.output), dtype=np.intp)
            for group, members in zip(self._groups, choice, strict=True):
                chosen[group] = members
            yield chosen

    def optimum(self, cells: NDArray[np.intp]) -> tuple[ReLUNetwork, NDArray[np.bool_]]:
        """Return the optimal network on some cells, and its kinks, (n, m); of many, one on the fewest kinks.

        Raises
        ------
        PrecisionError
            If a solver finds none.
        """
        masks = self.masks[:, cells]
        hidden, offset = self._interior_point(masks)
        kinks = self._near_kinks(hidden, masks)
        start = FacePoint(self.problem, hidden, masks, kinks, self.output, offset, signs_only=False)
        point = settle(start)
        if self.problem.beta == 0:
            hidden, kinks = self._inside(point)
            point = settle(replace(point, blocks=hidden, kinks=kinks))
        output = self.output.reshape(len(self.output), *self.problem.y.shape[1:])
        return ReLUNetwork(point.blocks, output, np.array([point.offset])), point.kinks

    def _near_kinks(self, hidden: Array, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which cone constraints bind to the solver's tolerance, in units of the largest neuron, (n, m)."""
        size = float(np.max(np.linalg.norm(hidden, axis=0)))
        margins = np.where(masks, 1.0, -1.0) * (self.problem.X @ hidden)
        return np.asarray(margins <= _NEAR_KINK * size * np.linalg.norm(self.problem.X, axis=1)[:, None])

    def _interior_point(self, masks: NDArray[np.bool_]) -> tuple[Array, float]:
        """Return the hidden weights and the offset that Clarabel finds."""
        import cvxpy as cp

        problem = self.problem
        U, offset = cp.Variable((problem.n_features, len(self.output))), cp.Variable()
        Z = problem.X @ U
        f = cp.sum(cp.multiply(masks * self.output, Z), axis=1) + (offset if problem.output_offset else 0.0)
        loss = problem.loss.to_cvxpy(f, problem.y.reshape(-1), problem.sample_weight)
        # Without decay optima are flat, and an interior point may run off to infinity along them.
        decay = problem.beta if problem.beta > 0 else _TINY_DECAY * float(np.linalg.norm(problem.X, 2)) ** 2
        objective = loss + 0.5 * decay * cp.sum_squares(U)
        statement = cp.Problem(cp.Minimize(objective), [cp.multiply(np.where(masks, 1.0, -1.0), Z) >= 0])
        with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
            # "Solution may be inaccurate": Newton's method starts from it, and stationarity is judged at the end.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            statement.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
        if U.value is None:
            raise PrecisionError(f"the program of given output weights was not solved: {statement.status}")
        hidden = np.asarray(U.value, dtype=np.float64)
        return hidden, float(offset.value) if problem.output_offset else 0.0

    def _inside(self, point: FacePoint) -> tuple[Array, NDArray[np.bool_]]:
        """Return hidden weights of the same fit inside as many cells as can be, and the samples on their kinks.

        A linear program in ``v = tau u``: margins of v count up to 1, and tau scales every margin that can be positive
        above that. So the kinks are where they are zero, not small.
        """
        X, (n, m), d = self.problem.X, point.masks.shape, point.blocks.shape[0]
        unit = lengths_and_units(X)[1]
        sides = np.where(point.masks, 1.0, -1.0)
        margins = block_diag(*[sides[:, [j]] * unit for j in range(m)])
        fit = np.hstack([self.output[j] * point.masks[:, [j]] * X for j in range(m)])
        above = np.hstack([-margins, np.eye(m * n), np.zeros((m * n, 1))])
        equal = np.hstack([fit, np.zeros((n, m * n)), -point.fit[:, None]])
        cost = np.concatenate([np.zeros(m * d), -np.ones(m * n), [0.0]])
        bounds = [(None, None)] * (m * d) + [(0.0, 1.0)] * (m * n) + [(1.0, None)]
        solved = linprog(cost, above, np.zeros(m * n), equal, np.zeros(n), bounds)
        if solved.x is None:
            raise PrecisionError(f"the search for an inner point of the optimal face: {solved.message}")
        hidden = solved.x[: m * d].reshape(m, d).T / solved.x[-1]
        return hidden, solved.x[m * d : -1].reshape(m, n).T < 0.5
