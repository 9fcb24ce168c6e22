"""The joint dual SDP, solved and evaluated: a dual variable with the lower bound that it proves."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnn.certificates.bounds.relaxation import safe_relaxed_bound
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.relaxations.joint_program import OutputDirections, solve_joint_dual
from cvxnn.certificates.relaxations.row_groups import RowGroups
from cvxnn.certificates.row_space import RowSpace
from cvxnn.problem import Problem
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class DualPoint:
    """A dual variable with a proven bound.

    Parameters
    ----------
    lam : ndarray, shape of y
        The dual variable, not yet scaled to be feasible.
    upper : float
        A proven upper bound on ``Phi(lam)``.
    lower_bound : float
        The lower bound on the optimum that the two prove.
    tau, a : ndarray of shape (2 J, n)
        The multipliers of the relaxation of ``phi(lam q_j)`` and of ``phi(-lam q_j)``, see
        `cvxnn.certificates.relaxation`, for each output direction in turn; one output has one, q = 1.
    """

    lam: Array  # (n,) or (n, C)
    upper: float
    lower_bound: float
    tau: Array  # (2 J, n)
    a: Array  # (2 J, n)


def affordable_groups(space: RowSpace, max_seconds: float) -> int:
    """Return for how many rows, or groups of rows, the joint dual SDP can be expected to finish in time.

    Measured on one core: 0.2 s at n = 200, r = 10; 0.9 s at 1030, 9: about 1e-5 s for each of the n r^2 entries
    of the matrix inequalities. With 16599 rows of rank 19 the set-up alone, which no time limit interrupts, took
    30 s.
    """
    return int(max(max_seconds - 0.1, 0.0) / (1e-5 * (space.rank + 1) ** 2))


def joint_dual_sdp(
    problem: Problem, space: RowSpace, *, max_seconds: float, groups: RowGroups | None = None
) -> DualPoint | None:
    """Return the dual variable of the joint dual SDP with the bound it proves; None if the solver gave none.

    The solver's answer is a hint only: its multipliers are clipped to their ranges, both relaxations are
    evaluated in float64, and the dual variable is rescaled, so the bound holds whatever the solver did.

    Parameters
    ----------
    problem : Problem
        The training problem, with targets of shape (n,) and no sample weight of zero; beta > 0.
    space : RowSpace
        The row space of ``problem.X``.
    max_seconds : float
        Time limit of the interior-point solver.
    groups : RowGroups, optional
        Rows that share a dual variable and multipliers; by default none do.
    """
    hint = solve_joint_dual(problem, space, OutputDirections.one(), max_seconds=max_seconds, groups=groups)
    if hint is None:
        return None
    lam, tau, a = hint
    upper = max(safe_relaxed_bound(space, sign * lam, tau[k], a[k]) for k, sign in enumerate((1, -1)))
    return DualPoint(lam, upper, dual_bound(problem, lam, upper), tau, a)
