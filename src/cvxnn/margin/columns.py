"""Max-margin programs solved to a basic solution, and grown block by block until no neuron is missing."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.margin.dual_constraint import DualConstraint
from cvxnn.margin.newton import ActiveSystem
from cvxnn.margin.scaling import scaled_to_margin_one
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import activation_patterns
from cvxnn.problem import Problem
from cvxnn.programs import MaxMarginProgram
from cvxnn.training import descend, small_random_network
from cvxnn.validation import Array, PrecisionError

# Clarabel's tolerance, on data whose median row has norm one.
_TOL = 1e-10
# Blocks below this share of the largest are what an interior-point method leaves of zero.
_NOISE = 1e-8
# A margin that falls short by less than this is met; the interior-point method leaves some 1e-9.
_SHORT = 1e-7
# Newton's method corrects neurons by the interior point's error; a larger change shows a wrong active set.
_FAR = 1e-2
# Newton's method starts without blocks of a smaller share of the sum, the more of them at first; unit vectors with a
# cosine above 1 minus _SAME are one direction to it.
_NEGLIGIBLE, _SAME = (1e-4, 1e-7), 1e-6
# By how much a direction must violate the dual constraint to join: tens of times the solver's error.
_VIOLATION = 1e-8
# Directions that join each round, and blocks that may stay beside the ones in use.
_NEW = 60
# The price of a margin's shortfall starts at this over the median row norm, the cost of one sample alone being 1.
_FIRST_PRICE = 10.0
_RAISE = 10.0
# Weight decay of the first descent, relative to the sum of row norms, and its neurons.
_FIRST_BETA = 1e-4
_FIRST_NEURONS = 100
# Of the time there is, what that descent may take: without time for a program it is worth nothing.
_FIRST_SHARE = 0.5
# Of an interior point that is given a time limit: it has to start.
_LEAST_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class Blocks:
    """The optimum of a max-margin program.

    Parameters
    ----------
    program : MaxMarginProgram
        What was solved.
    W : ndarray of shape (d, B)
        Blocks, in their cones.
    lam : ndarray of shape (n,)
        Multipliers of the margins, >= 0.
    """

    program: MaxMarginProgram
    W: Array
    lam: Array

    @property
    def used(self) -> NDArray[np.intp]:
        """Return the indices of the blocks in use."""
        norms = np.linalg.norm(self.W, axis=0)
        return np.flatnonzero(norms > _NOISE * np.max(norms, initial=0.0))


class TimeIsUp(ValueError):
    """A program was not solved in the time there was; the message says its size."""


def solve_blocks(
    program: MaxMarginProgram, price: float | None = None, *, deadline: Deadline | None = None
) -> Blocks:
    """Return the optimum of a max-margin program by Clarabel, on data scaled to a median row norm of one.

    Parameters
    ----------
    program : MaxMarginProgram
        The program.
    price : float, optional
        As of `MaxMarginProgram.to_cvxpy`, for the scaled data.
    deadline : Deadline, optional
        When to give up.

    Raises
    ------
    TimeIsUp
        If the deadline comes first.
    PrecisionError
        If the solver fails; without a price also where the patterns do not separate the data.
    """
    import cvxpy as cp

    scale = float(np.median(np.linalg.norm(program.X, axis=1)))
    scaled = MaxMarginProgram(program.X / scale, program.y, program.masks, program.signs)
    statement = scaled.to_cvxpy(price)
    options = {"tol_gap_abs": _TOL, "tol_gap_rel": _TOL, "tol_feas": _TOL}
    if deadline is not None and np.isfinite(deadline.seconds_left):
        options["time_limit"] = max(deadline.seconds_left, _LEAST_SECONDS)  # it has to start
    with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
        # "Solution may be inaccurate": solutions are judged by their gap.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        statement.problem.solve(solver=cp.CLARABEL, **options)
    status = statement.problem.status
    if status == cp.USER_LIMIT:
        d, n = len(program.X.T), len(program.X)
        raise TimeIsUp(
            f"max_seconds must be long enough for a program of {d * program.n_blocks:,} weights, {program.n_blocks} "
            f"blocks of {n} samples and {d} features; it was not solved in time"
        )
    if statement.blocks.value is None:
        raise PrecisionError(f"the max-margin program on {program.n_blocks} blocks was not solved: {status}")
    W = scaled.project(np.asarray(statement.blocks.value)) / scale
    return Blocks(program, W, np.maximum(np.asarray(statement.fit.dual_value), 0.0) / scale)


def basic_network(solution: Blocks, deadline: Deadline = NEVER) -> tuple[ReLUNetwork, Array]:
    """Return the best network on a solution's directions, at most n neurons, and multipliers, both to rounding.

    A vertex of ``min sum_k c_k`` over ``c >= 0`` with ``y_i sum_k c_k s_k (x_i^T u_k)_+ >= 1``, then Newton's
    method, as far as the deadline allows. The network's smallest margin is one.
    """
    X, y, used = solution.program.X, solution.program.y, solution.used
    units = solution.W[:, used] / np.linalg.norm(solution.W[:, used], axis=0)
    images = solution.program.blocks.images(used, units) * y[:, None]
    c = _vertex(images / np.max(np.abs(images)))
    kept = np.flatnonzero(c)
    W, signs = units[:, kept] * c[kept] / np.min(images @ c), solution.program.signs[used[kept]]
    plain = _network(X, y, W, signs)
    refined = _refined(X, y, W, signs, solution.lam, deadline)
    # Another tight set or face than the right one costs more than the interior-point method's error.
    if refined is None or refined[0].weight_decay > plain.weight_decay * (1.0 + _TOL):
        return plain, solution.lam
    return refined


def _refined(
    X: Array, y: Array, W: Array, signs: Array, lam: Array, deadline: Deadline
) -> tuple[ReLUNetwork, Array] | None:
    """Return network and multipliers after Newton's method; None where it runs away from W, or out of time."""
    for negligible in _NEGLIGIBLE:
        if deadline.is_over:
            return None
        start, kept = _thinned(W, signs, negligible)
        fine, multipliers = ActiveSystem.of(X, y, start, kept, lam).refine(start, lam, deadline)
        moved = np.linalg.norm(fine - start, axis=0)
        if np.all(multipliers >= 0) and np.all(moved <= _FAR * np.linalg.norm(start, axis=0)):
            return _network(X, y, fine, kept), multipliers
    return None


def _thinned(W: Array, signs: Array, negligible: float) -> tuple[Array, Array]:
    """Return blocks without the negligible ones, those of nearly one direction and one sign added up.

    A neuron on the face of two cells may show once in each, off the face by the solver's error in one of them.
    """
    norms = np.linalg.norm(W, axis=0)
    order = np.argsort(-norms, kind="stable")
    order = order[norms[order] > negligible * np.sum(norms)]
    sums, leaders = np.array(W), list[int]()
    for k in order:
        near = [
            j
            for j in leaders
            if signs[j] == signs[k] and W[:, j] @ W[:, k] > (1 - _SAME) * norms[j] * norms[k]
        ]
        if near:
            sums[:, near[0]] += W[:, near[0]] * (norms[k] / norms[near[0]])
        else:
            leaders.append(int(k))
    return sums[:, leaders], signs[leaders]


def _network(X: Array, y: Array, W: Array, signs: Array) -> ReLUNetwork:
    """Return the balanced network of blocks, none of them zero, scaled to a smallest margin of one."""
    roots = np.sqrt(np.linalg.norm(W, axis=0))
    network = ReLUNetwork(W / roots, signs * roots)
    return scaled_to_margin_one(X, y, network)


def _vertex(images: Array) -> Array:
    """Return a vertex of ``min sum c`` with ``images c >= 1``, ``c >= 0``, its equations solved to rounding."""
    n, k = images.shape
    found = linprog(np.ones(k), A_ub=-images, b_ub=-np.ones(n), method="highs-ds")
    if found.status != 0:
        raise PrecisionError(f"the linear program of {k} directions was not solved: {found.message}")
    # HiGHS meets constraints to 1e-7. The vertex is where the rows with a price are equations.
    c, tight = np.array(found.x), found.ineqlin.marginals < 0
    support = np.flatnonzero(c)
    exact = np.linalg.lstsq(images[np.ix_(tight, support)], np.ones(int(np.sum(tight))))[0]
    refined = np.zeros(k)
    refined[support] = exact
    return refined if _price(images, refined) <= _price(images, c) else c


def _price(images: Array, c: Array) -> float:
    """Return ``sum c`` once the smallest margin is one; infinite where that cannot be."""
    smallest = float(np.min(images @ c))
    return float(np.sum(c)) / smallest if smallest > 0 and np.all(c >= 0) else np.inf


def first_patterns(
    X: Array, y: Array, rng: np.random.Generator, max_seconds: float | None = None
) -> tuple[NDArray[np.bool_], Array]:
    """Return patterns (n, K) and signs (K,) of the neurons that a short descent on the squared hinge loss finds."""
    beta = _FIRST_BETA * float(np.sum(np.linalg.norm(X, axis=1)))
    problem = Problem(X, y, beta, "squared_hinge")
    start = small_random_network(problem, _FIRST_NEURONS, rng)
    network = descend(problem, start, max_seconds=max_seconds).merge(X)
    return network.patterns(X), np.sign(network.output)


def grow_blocks(
    X: Array,
    y: Array,
    constraint: DualConstraint,
    rng: np.random.Generator,
    max_rounds: int,
    deadline: Deadline,
) -> Blocks:
    """Return the optimum over all patterns, as far as the dual constraint tells, by column generation.

    Each round solves the program on the blocks there are, with a price on missing margin, and adds the patterns of
    the directions that violate its dual constraint. Where none does and a margin is short, the price was too low. When
    time is up, the last program solved in which no margin is short counts.

    Raises
    ------
    TimeIsUp
        If there is none.
    """
    best: Blocks | None = None
    masks, signs = first_patterns(X, y, rng, deadline.share(_FIRST_SHARE).limit())
    price = _FIRST_PRICE
    for _ in range(max_rounds):
        try:
            solution = solve_blocks(MaxMarginProgram(X, y, masks, signs), price, deadline=deadline)
        except TimeIsUp:
            if best is None:
                raise
            return best
        is_short = bool(np.min(solution.program.margins(solution.W)) < 1.0 - _SHORT)
        best = best if is_short else solution
        directions, new_signs = constraint.violated_by(y * solution.lam, _VIOLATION, deadline.limit())
        added, new_signs = activation_patterns(X, directions[:, :_NEW]), new_signs[:_NEW]
        fresh = ~_listed(added, new_signs, masks, signs)
        if np.any(fresh):
            used = solution.used
            masks = np.hstack([masks[:, used], added[:, fresh]])
            signs = np.concatenate([signs[used], new_signs[fresh]])
        elif is_short:
            price *= _RAISE
        else:
            break
    return solution


def _listed(
    masks: NDArray[np.bool_], signs: Array, others: NDArray[np.bool_], other_signs: Array
) -> NDArray[np.bool_]:
    """Return which patterns and signs are among the others."""
    known = {(mask.tobytes(), sign) for mask, sign in zip(others.T, other_signs, strict=True)}
    return np.array(
        [(mask.tobytes(), sign) in known for mask, sign in zip(masks.T, signs, strict=True)], dtype=bool
    )
