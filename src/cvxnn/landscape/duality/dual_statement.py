"""The dual objective stated to CVXPY, to which constraints on the dual variable are added."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array, PrecisionError

# What Clarabel is asked for, in place of 1e-8: comparisons are of values to 1e-7.
_PRECISION = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
# Of the largest multiplier: those that an interior point leaves on constraints that do not bind.
_SPECK = 1e-9


@dataclass(frozen=True, eq=False)
class DualStatement:
    """``max -ell*(-lam)``, with ``1^T lam = 0`` where the problem has an output offset.

    The objective is stated in units of the loss of no neurons, the dual variable in units of its own there, both times
    what beta is of its critical value where the loss has units, so that the solver sees numbers of order one.

    Parameters
    ----------
    problem : Problem
        The training problem.
    lam : cvxpy.Expression of shape (n,) or (n, C)
        The dual variable; zero where a sample has no weight.
    objective : cvxpy.Expression
        ``-ell*(-lam)`` over ``unit``.
    constraints : list of cvxpy.Constraint
        The domain of the conjugate, and the balance.
    unit : float
        The loss of no neurons; 1 where that is zero.
    """

    problem: Problem
    lam: Any
    objective: Any
    constraints: list[Any]
    unit: float

    @classmethod
    def of(cls, problem: Problem) -> DualStatement:
        """State the dual of a problem, without the constraints on correlations."""
        import cvxpy as cp

        offset = problem.null_offset()
        zero = np.zeros_like(problem.y)
        size = float(np.max(np.abs(problem.loss_gradient(zero, offset)))) or 1.0
        unit = problem.loss_value(zero, offset) or 1.0
        length = float(np.max(np.linalg.norm(problem.X, axis=1)))
        # Constraints bind at beta / length. Entropies are no powers of their argument, and gain nothing by that unit.
        if problem.beta < length * size and problem.loss.in_units(1.0) is not None:
            unit *= problem.beta / (length * size)
            size = problem.beta / length
        weights, y = problem.sample_weight, problem.centred_target
        used = np.ones(len(y), dtype=np.bool_) if weights is None else weights > 0
        part = size * cp.Variable((int(np.sum(used)), *y.shape[1:]))
        given = None if weights is None else weights[used]
        lam = np.eye(len(y))[:, used] @ part
        constraints = problem.loss.conjugate_domain_to_cvxpy(-part, y[used], given)
        if problem.output_offset:
            constraints.append(cp.sum(part, axis=0) / size == 0)
        conjugate = problem.loss.conjugate_to_cvxpy(-part, y[used], given)
        return cls(problem, lam, -conjugate / unit, constraints, unit)

    @property
    def vector(self) -> Any:
        """Return the dual variable row by row, shape (n C,)."""
        import cvxpy as cp

        return cp.vec(self.lam, order="C")

    def solve(self, constraints: list[Any]) -> tuple[Array, float]:
        """Solve with constraints added, and return lam, admissible to the loss, with the solver's value.

        Raises
        ------
        PrecisionError
            If the solver gives no solution.
        """
        import cvxpy as cp

        program = cp.Problem(cp.Maximize(self.objective), self.constraints + constraints)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "may be inaccurate": the caller judges the point in float64
            # A failure leaves no value: the point tells, not the exception.
            with contextlib.suppress(cp.SolverError):
                program.solve(solver=cp.CLARABEL, **_PRECISION)
        if self.lam.value is None or program.value is None or not np.isfinite(program.value):
            raise PrecisionError(
                f"the dual program of beta = {self.problem.beta:.3g}, in units of X and y, is too badly scaled to be "
                "solved in double precision; a larger beta is easier to solve"
            )
        problem = self.problem
        lam = problem.loss.into_domain(self.lam.value, problem.centred_target, problem.sample_weight)
        return problem.project_dual(lam), self.unit * float(program.value)

    def network(self, directions: Array, signs: Array, constraint: Any) -> ReLUNetwork:
        """Return the network of the multipliers of ``s^T lam^T (X u)_+ / beta <= 1``, stated for several (u, s).

        Parameters
        ----------
        directions : ndarray of shape (d, k)
            Unit vectors u.
        signs : ndarray of shape (k,) or (k, C)
            Signs or unit output directions s.
        constraint : cvxpy.Constraint
            The k inequalities.
        """
        problem = self.problem
        weights = np.maximum(np.asarray(constraint.dual_value, dtype=np.float64), 0.0)
        weights = weights.reshape(-1) * (self.unit / problem.beta)
        used = weights > _SPECK * np.max(weights, initial=0.0)
        roots = np.sqrt(weights[used])
        network = ReLUNetwork(directions[:, used] * roots, (signs[used].T * roots).T)
        offset = problem.best_offset(network.predict(problem.X))
        return ReLUNetwork(network.hidden, network.output, offset)
