"""From an upper bound on the dual constraint to a lower bound on the optimum."""

from __future__ import annotations

import math

import numpy as np

from cvxnn.problem import Problem, as_problem
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)


def dual_bound(problem: Problem, lam: Array, upper: float) -> float:
    """Return a proven lower bound on the optimum from any dual variable and an upper bound on its constraint.

    Weak duality: ``-conjugate(-t lam) <= p*`` for every t >= 0 with ``t Phi(lam) <= beta``, where
    ``Phi(lam) = max over ||u|| <= 1 of ||lam^T (X u)_+||`` (in the norm dual to that of the output weights in the
    penalty). The best t in ``[0, beta / upper]`` is taken.

    Parameters
    ----------
    problem : Problem
        The training problem; beta > 0.
    lam : ndarray, shape of y
        A dual variable, ``-lam`` in the domain of the loss's conjugate; projected on ``1^T lam = 0`` where the problem
        has an output offset.
    upper : float
        A proven upper bound on ``Phi`` of the projected ``lam``.

    Returns
    -------
    float
        The bound, lowered by the rounding of its own evaluation; never below 0.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (5) (the dual program).

    Examples
    --------
    >>> problem = Problem([[1.0]], [3.0], beta=1.0)
    >>> round(dual_bound(problem, np.array([3.0]), 3.0), 9)  # optimum: 1/2 + 1 * (3 - 1)
    2.5
    """
    problem = as_problem(problem)
    lam = problem.project_dual(np.reshape(lam, problem.y.shape))
    if not np.any(lam):
        return 0.0
    largest = problem.beta / upper if upper > 0 else 1.0
    scale = problem.best_dual_scale(lam, largest if math.isfinite(largest) else 1.0)
    bound = problem.dual_objective(scale * lam)
    if not math.isfinite(bound):
        return 0.0
    # sums of n terms: t <lam, y> and a conjugate that differs from it by no more than the bound itself
    size = abs(bound) + 2 * scale * float(np.sum(np.abs(lam * problem.y)))
    return max(bound - 4 * (problem.n_samples + 8) * _EPS * size, 0.0)
