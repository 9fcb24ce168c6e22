"""Laws of the optimum over given patterns: what happens to it when patterns, targets or the model change.

The laws take ``optimum(problem, patterns) -> float``, the optimal value that some way of training attains, so
they hold any solver and any program to account. Values may be off by ``tol`` relative: the gap the solver was
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns import enumerate_patterns
from cvxnn.problem import Problem
from cvxnn.programs import CopositiveProgram, ReLUProgram
from cvxnn.testing.requirements import require_at_most, require_close
from cvxnn.testing.solvers import reference_optimum


def several_outputs_optimum(problem: Problem) -> float:
    """Return the optimal value of training, for one output or several, by CVXPY and Clarabel.

    The copositive program over all patterns; for the per-class variant (``output_norm="l1"``) and for one output the
    cone-constrained group lasso. Clarabel's tolerances are partly absolute: data and targets should be of size about
    one.

    Parameters
    ----------
    problem : Problem
        A small problem, with any loss, offset and weights. Data of rank 2 always do.

    Raises
    ------
    ValueError
        If a cell has more than four facets: then the copositive program is a lower bound only, which
        ``CopositiveProgram(problem).solve().value`` gives.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]], beta=0.5)
    >>> round(several_outputs_optimum(problem), 6)
    1.25
    """
    if problem.n_outputs == 1 or problem.output_norm == "l1":
        return reference_optimum(ReLUProgram(problem, enumerate_patterns(problem.X)))
    program = CopositiveProgram(problem)
    if not program.is_exact:
        facets = max(len(normals) for normals in program.facets)
        raise ValueError(f"X must have cells of at most 4 facets; it has one of {facets}")
    return program.solve().value


Optimum = Callable[[Problem, Any], float]
Masks = NDArray[np.bool_]


def check_duplicated_patterns(optimum: Optimum, problem: Problem, masks: Masks, *, tol: float) -> None:
    """Check that listing patterns twice changes nothing.

    Parameters
    ----------
    optimum : callable
        ``optimum(problem, masks)``.
    problem : Problem
        The training problem.
    masks : bool ndarray of shape (n, P)
        Patterns.
    tol : float
        Relative accuracy of ``optimum``.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> check_duplicated_patterns(lambda problem, masks: 0.375, problem, np.array([[True]]), tol=1e-9)
    """
    once, twice = optimum(problem, masks), optimum(problem, np.hstack([masks, masks[:, ::-1]]))
    require_close(twice, once, tol * (once + twice), "duplicated patterns must change nothing")


def check_added_pattern(optimum: Optimum, problem: Problem, patterns: Any, *, tol: float) -> None:
    """Check that the last pattern, added to the others, cannot raise the optimum.

    Parameters
    ----------
    optimum, problem, tol
        As of `check_duplicated_patterns`.
    patterns : bool ndarray of shape (n, P) or ActivationPatterns
        Anything with columns that ``optimum`` takes.
    """
    fewer = patterns[:, :-1] if isinstance(patterns, np.ndarray) else patterns[: len(patterns) - 1]
    before, after = optimum(problem, fewer), optimum(problem, patterns)
    require_at_most(after, before, tol * before, "an added pattern must not raise the optimum")


def check_order_of_patterns(optimum: Optimum, problem: Problem, patterns: Any, *, tol: float) -> None:
    """Check that the order of the patterns changes nothing.

    Parameters
    ----------
    optimum, problem, patterns, tol
        As of `check_added_pattern`.
    """
    turned = patterns[:, ::-1] if isinstance(patterns, np.ndarray) else patterns[::-1]
    before, after = optimum(problem, patterns), optimum(problem, turned)
    require_close(after, before, tol * (before + after), "the order of patterns must change nothing")


def check_scaling(optimum: Optimum, problem: Problem, patterns: Any, factor: float, *, tol: float) -> None:
    """Check that ``(y, beta) -> (c y, c beta)`` scales the squared-loss optimum by ``c^2``.

    Parameters
    ----------
    optimum, problem, patterns, tol
        As of `check_added_pattern`.
    factor : float
        c > 0.
    """
    scaled = Problem(
        problem.X, factor * problem.y, factor * problem.beta, problem.loss, problem.output_offset
    )
    before, after = optimum(problem, patterns), optimum(scaled, patterns)
    expected = factor**2 * before
    require_close(after, expected, tol * (after + expected), "(y, beta) -> (c y, c beta) must scale by c^2")


def check_scaling_of_data(
    optimum: Optimum, problem: Problem, patterns: Any, factor: float, *, tol: float
) -> None:
    """Check that ``(X, beta) -> (c X, c beta)`` changes nothing: blocks shrink by c.

    Parameters
    ----------
    optimum, problem, patterns, tol
        As of `check_added_pattern`.
    factor : float
        c > 0.
    """
    scaled = Problem(
        factor * problem.X, problem.y, factor * problem.beta, problem.loss, problem.output_offset
    )
    before, after = optimum(problem, patterns), optimum(scaled, patterns)
    require_close(after, before, tol * (before + after), "(X, beta) -> (c X, c beta) must change nothing")


def check_monotone_in_beta(optimum: Optimum, problem: Problem, patterns: Any, *, tol: float) -> None:
    """Check that the optimum rises with beta, is concave in it, and never exceeds the zero network's loss.

    For fixed blocks the objective is affine in beta; a minimum of affine functions is concave.

    Parameters
    ----------
    optimum, problem, patterns, tol
        As of `check_added_pattern`.
    """
    low, middle, high = (optimum(problem.with_beta(c * problem.beta), patterns) for c in (0.5, 1.0, 1.5))
    require_at_most(low, middle, tol * middle, "the optimum must rise with beta")
    require_at_most(middle, high, tol * high, "the optimum must rise with beta")
    require_at_most((low + high) / 2, middle, tol * (low + high), "the optimum must be concave in beta")
    zero = problem.loss.value(np.zeros_like(problem.y) + problem.null_offset(), problem.y)
    require_at_most(high, zero, tol * zero, "the optimum must not exceed the loss of the zero network")


def check_gated_below_relu(
    gated: Optimum, relu: Optimum, problem: Problem, patterns: Any, *, tol: float
) -> None:
    """Check that dropping the cones cannot raise the optimum: gated <= ReLU on the same patterns.

    Parameters
    ----------
    gated, relu : callable
        The optima, ``gated(problem, patterns)``.
    problem, patterns, tol
        As of `check_added_pattern`.

    References
    ----------
    A. Mishkin, A. Sahiner, M. Pilanci, "Fast convex optimization for two-layer ReLU networks", ICML 2022.
    """
    lower, upper = gated(problem, patterns), relu(problem, patterns)
    require_at_most(lower, upper, tol * upper, "the gated optimum must not exceed the ReLU optimum")
