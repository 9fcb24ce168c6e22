"""The dual program of training, solved directly: over all cells, or by cuts that an exact oracle names."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cvxnn.atoms import signed_activations
from cvxnn.certificates import Oracle, exact_oracle
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.landscape.duality.dual_statement import DualStatement
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import count_bound, enumerate_patterns, reduce_rows, require_few_patterns
from cvxnn.problem import Problem, as_problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.solvers import solve
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError, as_count, as_number

DualMethod = Literal["cells", "cuts"]

# Cells that are stated at once: two cones of order d + 1 and 2 n multipliers for each.
_MAX_CELLS = 2000
# Relative distance by which the solver's value may be below the bound that its point proves: ten times what the
# interior point leaves where it stops short of its tolerance.
_INACCURATE = 1e-6
# Times that: the distance on the other side, which the scaling to a feasible point adds.
_FAR = 100.0
# Relative gap of the primal program that the dual is compared with.
_PRIMAL_TOL = 1e-10
# Of the primal solver, which reaches that in a fraction of a second unless beta is near 1e-12 of the critical one.
_PRIMAL_SECONDS = 10.0
# Of the network that cones' multipliers name: the gap to end at, and programs that may be solved to get there.
_REFITTED, _REFITS = 1e-7, 6
# Rounds of cuts that end in a small gap, three times as many as were seen on small data.
_SEARCHES = 60.0


@short_repr
@dataclass(frozen=True, eq=False)
class DualSolution:
    """A feasible point of the dual program, and the network that its multipliers name.

    Parameters
    ----------
    lam : ndarray, shape of y
        The dual variable, scaled to be feasible: ``max over ||u|| <= 1 of ||lam^T (X u)_+|| <= beta``.
    value : float
        ``-ell*(-lam)``: a lower bound on the optimum of training at any width.
    largest : float
        ``max over ||u|| <= 1 of ||lam^T (X u)_+||`` as the oracle proves it; at most beta.
    relaxed_value : float
        The value of the last program solved, never below ``value``. With cuts, which leave constraints out, it is an
        upper bound on the dual optimum up to the solver's tolerance.
    network : ReLUNetwork
        Neurons along the constraints with a multiplier, as heavy as the multiplier says: optimal where the dual is, to
        the accuracy of an interior point's multipliers, which its objective shows. With cells, where that is more than
        1e-7 above ``value``, a few programs with cuts along these neurons, and along those that the oracle adds, give
        the weights instead.
    method : {"cells", "cuts"}
        How it was found.
    n_constraints : int
        Constraints stated at the end: cones of cells, or cuts.
    rounds : int
        Programs solved for the dual variable.
    """

    lam: Array  # shape of y
    value: float
    largest: float
    relaxed_value: float
    network: ReLUNetwork
    method: DualMethod
    n_constraints: int
    rounds: int

    @property
    def relative_gap(self) -> float:
        """Return ``(relaxed_value - value) / relaxed_value``; 0 when both are 0."""
        return (self.relaxed_value - self.value) / self.relaxed_value if self.relaxed_value else 0.0


@short_repr
@dataclass(frozen=True, eq=False)
class StrongDuality:
    """The dual program's optimum beside the primal's.

    Parameters
    ----------
    values : Comparison
        The optimum of the convex program over all cells, and that of the dual program.
    multipliers : Comparison
        The objective of the network that the dual's multipliers name, and the dual's optimum.
    constraint : Comparison or None
        The largest value of the dual constraint at ``-grad ell`` of the primal solution over beta, at most 1. None for
        a loss with a kink, where the gradient at hand is one of many.
    dual : DualSolution
        The solution of the dual program.
    network : ReLUNetwork
        That of the convex program.
    """

    values: Comparison
    multipliers: Comparison
    constraint: Comparison | None
    dual: DualSolution
    network: ReLUNetwork


@on_one_blas_thread
def solve_dual(
    problem: Problem,
    *,
    method: DualMethod = "cuts",
    tol: float = 1e-7,
    max_rounds: int = 200,
    max_seconds: float | None = 60.0,
) -> DualSolution:
    """Solve the dual of training.

    ``max over lam of -ell*(-lam)  s.t.  ||lam^T (X u)_+|| <= beta for all ||u|| <= 1``, and ``1^T lam = 0`` with an
    output offset: infinitely many constraints, one for every neuron there could be.

    On the closed cell of a pattern D the maximum over u is the length of the projection of ``s X^T D lam`` on the
    cell's cone K, and is at most beta if and only if some ``z >= 0`` has
    ``||s X^T D lam + X^T (2D - I) z|| <= beta``. So "cells" states 2 P second-order cones. "cuts" states
    ``|lam^T (X u)_+| <= beta`` for the directions u that the exact oracle has named so far, solves, and asks again.

    Parameters
    ----------
    problem : Problem
        The training problem, beta > 0.
    method : {"cuts", "cells"}, default "cuts"
        "cells" takes one output and few cells.
    tol : float, default 1e-7
        Of cuts: the relative gap to reach between the program with the cuts so far and the feasible point.
    max_rounds : int, default 200
        Of cuts: programs to solve at most.
    max_seconds : float or None, default 60.0
        Of cuts: time after which no further program is solved; data are refused where a single search for cuts is
        expected to take a sixtieth of it. None for no limit.

    Returns
    -------
    DualSolution
        Its value is a lower bound on the optimum whatever the solver did: the dual variable that CVXPY and Clarabel
        return is scaled by what the exact oracle proves of it.

    Raises
    ------
    ValueError
        If beta is 0, no exact oracle is affordable for X, or "cells" is asked for several outputs or more than 2000
        patterns.
    PrecisionError
        If the interior-point solver fails, or its value is below what its own point proves. A ``ValueError`` too.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (5) and appendix A.3 (the cone
    of a cell); J. E. Kelley, "The cutting-plane method for solving convex programs", J. SIAM 8 (1960).

    Examples
    --------
    >>> dual = solve_dual(Problem([[1.0]], [1.0], beta=0.5))
    >>> round(dual.value, 6), dual.lam.round(6)
    (0.375, array([0.5]))
    """
    problem = as_problem(problem)
    problem.require_trainable()
    tol, max_rounds = as_number(tol, "tol", positive=True), as_count(max_rounds, "max_rounds", least=1)
    if method not in get_args(DualMethod):
        raise ValueError(f"method must be one of {get_args(DualMethod)}; got {method!r}")
    problem = problem.one_output() if method == "cells" else problem.flat()
    units = Units.of(problem)
    limit = as_limit(max_seconds)
    oracle = require_oracle(units.problem, call_seconds=min(30.0, limit / _SEARCHES))
    return (
        _by_cells(units, oracle)
        if method == "cells"
        else _by_cuts(units, oracle, tol, max_rounds, Deadline(limit))
    )


@on_one_blas_thread
def strong_duality(problem: Problem, *, method: DualMethod = "cuts", tol: float = 1e-6) -> StrongDuality:
    """Compare the dual program's optimum with that of the convex program over all cells.

    Statement: both are equal, ``-grad ell`` at the primal solution is dual feasible, and the multipliers of the dual's
    constraints are an optimal network.
    Hypotheses: one output; a convex loss; beta > 0.
    Guarantee: tight.

    Parameters
    ----------
    problem : Problem
        The training problem, of one output, with few cells.
    method : {"cuts", "cells"}, default "cuts"
        As of `solve_dual`.
    tol : float, default 1e-6
        Relative tolerance of the values, which agree to the gaps of both solvers, 1e-7 and less. The constraint is of
        first order where values are of second, and is given the root of it.

    Raises
    ------
    ValueError
        As of `solve_dual`, or if there are several outputs.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1 and eq. (5).

    Examples
    --------
    >>> duality = strong_duality(Problem([[1.0], [-2.0]], [1.0, 0.5], beta=0.25))
    >>> duality.values.holds, duality.multipliers.holds
    (True, True)
    """
    problem = as_problem(problem)
    tol = as_number(tol, "tol", positive=True)
    problem = problem.one_output()
    dual = solve_dual(problem, method=method)
    solution = solve(
        ReLUProgram(problem, enumerate_patterns(problem.X)), tol=_PRIMAL_TOL, max_seconds=_PRIMAL_SECONDS
    )
    network = solution.network
    assert isinstance(network, ReLUNetwork)
    constraint = None
    if problem.loss.is_smooth:
        largest = require_oracle(problem).maximise(solution.dual_variable).value
        constraint = Comparison(largest / problem.beta, 1.0, "at most", tol=tol**0.5)
    return StrongDuality(
        values=Comparison(solution.objective, dual.value, tol=tol),
        multipliers=Comparison(problem.objective(dual.network), dual.value, tol=tol),
        constraint=constraint,
        dual=dual,
        network=network,
    )


def require_oracle(problem: Problem, *, call_seconds: float = 30.0) -> Oracle:
    """Return the exact oracle of a problem's X; raise ``ValueError`` where none is affordable.

    Parameters
    ----------
    problem : Problem
        The problem.
    call_seconds : float, default 30.0
        How long one dual variable may be expected to take.
    """
    oracle = exact_oracle(
        problem.X, n_outputs=problem.n_outputs, output_norm=problem.output_norm, max_seconds=call_seconds
    )
    if oracle is None:
        lines = reduce_rows(problem.X)
        raise ValueError(
            f"problem must have an affordable exact oracle: X of rank at most 2, or so few cells that a search of "
            f"them takes at most {call_seconds:g} s; X has shape {problem.X.shape} and up to "
            f"{count_bound(lines.n_lines, lines.rank):,} cells"
        )
    return oracle


def _require_accurate(value: float, relaxed: float, method: DualMethod) -> float:
    """Return the value of the last program as an upper bound: never below the bound that its own point proves.

    Raises
    ------
    PrecisionError
        If it is, by more than a solver leaves, or far above it where no constraint was left out.
    """
    slack = _INACCURATE * abs(value)
    if value - relaxed > slack or (method == "cells" and relaxed - value > _FAR * slack):
        raise PrecisionError(
            f"the dual program was not solved accurately: its value {relaxed:.6g} is not the bound {value:.6g} that "
            "its own point proves, in units of y; a larger beta is easier to solve"
        )
    return max(relaxed, value)


def _by_cells(units: Units, oracle: Oracle) -> DualSolution:
    """Solve with a cone for every cell and sign."""
    import cvxpy as cp

    problem = units.problem
    require_few_patterns(problem.X, _MAX_CELLS, remedy="take method='cuts', or fewer rows or columns")
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    master = DualStatement.of(problem)
    sides = np.where(program.masks, 1.0, -1.0)
    z = cp.Variable(program.masks.shape, nonneg=True)
    column = cp.reshape(master.lam, (-1, 1), order="C") / problem.beta
    active = cp.multiply(program.masks * program.signs, column @ np.ones((1, program.n_blocks)))
    vectors = problem.X.T @ (active + cp.multiply(sides, z))
    cones = cp.norm(vectors, 2, axis=0) <= 1.0
    lam, relaxed = master.solve([cones])
    lengths = np.linalg.norm(vectors.value, axis=0)
    directions = vectors.value / np.where(lengths > 0, lengths, 1.0)
    network, point = master.network(directions, program.signs, cones), _scaled(problem, lam, oracle)
    network = _refitted(master, network, oracle, point[1])
    return _as_given(units, point, relaxed, network, "cells", program.n_blocks, 1)


def _refitted(master: DualStatement, network: ReLUNetwork, oracle: Oracle, value: float) -> ReLUNetwork:
    """Return the best network of a few programs whose cuts are the network's directions, and those the oracle adds.

    Multipliers of cones are as exact as the cones' vectors, in which beta is small beside what cancels: at 1e-11 of the
    critical one objectives were 2 to 5 times the optimum. Multipliers of cuts are weights alone.
    """
    problem, best = master.problem, network
    sizes = np.linalg.norm(network.hidden, axis=0)
    directions, signs = network.hidden[:, sizes > 0] / sizes[sizes > 0], np.sign(network.output[sizes > 0])
    with contextlib.suppress(PrecisionError):
        for _ in range(_REFITS):
            if not len(signs) or problem.objective(best) <= value * (1.0 + _REFITTED):
                break
            cuts = signed_activations(problem.X, directions, signs) / problem.beta @ master.vector <= 1.0
            lam, _ = master.solve([cuts])
            best = min(best, master.network(directions, signs, cuts), key=problem.objective)
            named = oracle.maximise(lam, threshold=problem.beta)
            new = named.values > problem.beta
            directions = np.hstack([directions, named.directions[:, new]])
            signs = np.concatenate([signs, named.signs[new]])
    return best


def _by_cuts(units: Units, oracle: Oracle, tol: float, max_rounds: int, deadline: Deadline) -> DualSolution:
    """Solve with the cuts so far until the oracle names none that matters."""
    problem = units.problem
    master = DualStatement.of(problem)
    directions = np.zeros((problem.n_features, 0))
    signs = np.zeros((0, *problem.y.shape[1:]))
    best = (np.zeros_like(problem.y), -np.inf, 0.0)
    for rounds in range(1, max_rounds + 1):
        cuts = signed_activations(problem.X, directions, signs) / problem.beta @ master.vector <= 1.0
        lam, relaxed = master.solve([cuts])
        best = max(best, _scaled(problem, lam, oracle), key=lambda point: point[1])
        named = oracle.maximise(lam, threshold=problem.beta)
        new = named.values > problem.beta
        if (
            relaxed - best[1] <= tol * abs(relaxed)
            or rounds == max_rounds
            or deadline.is_over
            or not np.any(new)
        ):
            break
        directions = np.hstack([directions, named.directions[:, new]])
        signs = np.concatenate([signs, named.signs[new]])
    network = master.network(directions[:, : cuts.shape[0]], signs[: cuts.shape[0]], cuts)
    return _as_given(units, best, relaxed, network, "cuts", cuts.shape[0], rounds)


def _as_given(
    units: Units,
    point: tuple[Array, float, float],
    relaxed: float,
    network: ReLUNetwork,
    method: DualMethod,
    n_constraints: int,
    rounds: int,
) -> DualSolution:
    """Return the solution of the problem in units as that of the problem given."""
    lam, value, largest = point
    relaxed = _require_accurate(value, relaxed, method)
    return DualSolution(
        units.dual(lam),
        units.objective(value),
        units.correlation(largest),
        units.objective(relaxed),
        units.network(network),
        method,
        n_constraints,
        rounds,
    )


def _scaled(problem: Problem, lam: Array, oracle: Oracle) -> tuple[Array, float, float]:
    """Return a multiple of lam that is proven feasible, the best one, with its value and its largest correlation."""
    upper = oracle.maximise(lam).upper
    scale = problem.best_dual_scale(lam, problem.beta / upper if upper > 0 else 1.0)
    return scale * lam, problem.dual_objective(scale * lam), scale * upper
