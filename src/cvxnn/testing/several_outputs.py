"""References for several outputs at small size, by CVXPY."""

from __future__ import annotations

from cvxnn.patterns import enumerate_patterns
from cvxnn.problem import Problem
from cvxnn.programs import CopositiveProgram, ReLUProgram
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
