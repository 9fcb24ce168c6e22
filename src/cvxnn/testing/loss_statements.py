"""Laws of what losses and their conjugates say to CVXPY, and the conjugate against its definition.

Every check raises ``AssertionError`` where the law fails.
"""

from __future__ import annotations

import warnings

import cvxpy as cp
import numpy as np

from cvxnn.losses import Loss
from cvxnn.testing.losses import per_weight, weighted_gradient
from cvxnn.testing.requirements import require, require_close
from cvxnn.validation import Array


def check_statements(loss: Loss, f: Array, y: Array, g: Array, weights: Array | None = None) -> None:
    """Check that ``to_cvxpy`` and ``conjugate_to_cvxpy`` say what ``value`` and ``conjugate`` compute.

    Both must be convex by CVXPY's rules. The conjugate is compared at the gradient, which lies in its domain, and at
    g: where it is infinite, the statement must be so too, or break a constraint of ``conjugate_domain_to_cvxpy``.
    Weights must be positive.
    """
    variable = cp.Variable(f.shape)
    value = loss.to_cvxpy(variable, y, weights)
    conjugate = loss.conjugate_to_cvxpy(variable, y, weights)
    domain = loss.conjugate_domain_to_cvxpy(variable, y, weights)
    for name, expression in (("to_cvxpy", value), ("conjugate_to_cvxpy", conjugate)):
        require(expression.is_convex(), f"{name} must be convex by CVXPY's rules")
    require(all(constraint.is_dcp() for constraint in domain), "the domain must be convex by CVXPY's rules")
    points = (
        ("to_cvxpy", value, loss.value, f),
        ("conjugate_to_cvxpy", conjugate, loss.conjugate, weighted_gradient(loss, f, y, weights)),
        ("conjugate_to_cvxpy", conjugate, loss.conjugate, g),
    )
    for name, expression, function, point in points:
        variable.value = point
        expected, found = function(point, y, weights), float(expression.value)
        if name == "conjugate_to_cvxpy":
            # Rounding of the constraints' numbers, which are of the size of 1 and of the point.
            edge = 1e-12 * (1.0 + float(np.max(np.abs(point))))
            found += sum(np.inf for constraint in domain if np.max(constraint.violation()) > edge)
        if np.isinf(expected) or np.isinf(found):
            require(expected == found, f"{name} must be infinite where the conjugate is; got {found!r}")
            continue
        sizes = np.abs(f) + np.abs(y) + np.abs(per_weight(point, weights))
        size = abs(expected) + float(np.sum(np.abs(point) * sizes))
        # CVXPY's atoms may evaluate by other formulas: 1e-9 leaves them a thousandfold of our own rounding.
        require_close(found, expected, 1e-9 * size, f"{name} must agree in value")


def check_conjugate_by_cvxpy(loss: Loss, g: Array, y: Array, weights: Array | None = None) -> None:
    """Check the conjugate against ``sup_f <g, f> - value(f)``, solved by CVXPY; infinite where that is unbounded.

    For g well inside or well outside the domain, and numbers of moderate size.
    """
    f = cp.Variable(g.shape)
    problem = cp.Problem(cp.Maximize(cp.sum(cp.multiply(g, f)) - loss.to_cvxpy(f, y, weights)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an unbounded problem CVXPY says that it may be inaccurate
        found = float(problem.solve(solver=cp.CLARABEL))
    expected = loss.conjugate(g, y, weights)
    if np.isinf(expected) or np.isinf(found):
        require(expected == found, f"conjugate must be {found!r}, the supremum; got {expected!r}")
        return
    # The solver's own tolerances are 1e-8, relative to the size of the terms.
    size = 1.0 + abs(found) + float(np.sum(np.abs(g) * np.abs(y)))
    require_close(expected, found, 1e-6 * size, "conjugate must be the supremum")
