"""All globally optimal networks of a training problem, as one polytope."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms
from cvxnn.certificates import Maximisers, Rotation
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.landscape.optimal_sets.directions import (
    CellDirections,
    DirectionFinder,
    SearchedDirections,
)
from cvxnn.landscape.optimal_sets.elements import OptimalSet
from cvxnn.landscape.optimal_sets.location import Location, location_of
from cvxnn.landscape.optimal_sets.polytope import Polytope, non_negative_fit
from cvxnn.landscape.optimal_sets.supports import SupportSize
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.landscape.optimum.face_newton import loss_curvature
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns, count_bound, enumerate_patterns, require_realisable
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.programs import OutOfTime
from cvxnn.seeds import Seed, as_seed
from cvxnn.theorems import HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import train
from cvxnn.validation import Array, PrecisionError, as_number, require_kind

# Cells times samples that are listed where none are given: a second of projections.
_MOST_ENTRIES = 1_000_000
# Blocks that the convex program takes at once where there is no network to start from.
_MOST_BLOCKS = 2_000
# Maximisers are looked at exactly from so far below beta, relatively, or twice tol: what is left out is far off.
_NEAR, _LARGEST_TOL = 1e-2, 0.5
# Excess of a maximiser over beta that asks for another round: a hundred times the rounding of the optimum.
_VIOLATION = 1e-10
_ROUNDS = 30
# Share of the largest block below which a block is first taken for the solver's error: where the optimum is not
# unique, that leaves 1e-9 to 1e-7 on blocks that should be zero, and with those in use Newton's method stalls.
_SPECK = 1e-6
# Where training only finds the patterns; the convex program on them is then solved to rounding.
_TRAINING_TOL = 1e-8
# Of a time limit: on large data training takes all that it is given.
_TRAINING_SHARE = 0.5


@on_one_blas_thread
def optimal_set(
    problem: Problem,
    network: ReLUNetwork | None = None,
    *,
    patterns: ActivationPatterns | Any | None = None,
    tol: float = 1e-9,
    max_seconds: float | None = None,
    random_state: Seed = 0,
) -> OptimalSet:
    """Return all globally optimal networks of a problem.

    The convex program is solved to rounding, which gives the unique fit and dual variable; then every cell's maximiser
    of the dual constraint is looked at, or, where there are too many cells, those that a search finds.

    Parameters
    ----------
    problem : Problem
        Data (n, d), targets (n,), beta > 0, a smooth loss that is strictly convex at the optimal fit (squared and
        logistic always are; Huber and squared hinge where every sample has curvature).
    network : ReLUNetwork, optional
        A network to start from, such as a trained one; its directions are looked at too.
    patterns : ActivationPatterns or bool array_like of shape (n, P), optional
        The cells. A list that is not marked complete restricts the networks to its patterns: scope "program". By
        default all cells are listed where n times their number is at most a million; otherwise the result is the known
        part of the set, ``is_complete=False``.
    tol : float, default 1e-9
        Relative shortfall up to which a maximiser counts as attaining beta. Fit and dual are exact to about 1e-12, and
        a direction at an angle e of an optimal one in the next cell falls short by e^2 / 2. With a large one, at most
        0.5, elements are networks of the optimal fit that are optimal to about ``tol``.
    max_seconds : float, optional
        Time limit of training, which may take half of it, Newton's method and search. There is no result before the
        optimum is known to rounding, so that a limit which comes first is an error.
    random_state : int, Generator, RandomState or None, default 0
        Seed of training and search, where they are needed.

    Raises
    ------
    HypothesisError
        If the problem has several outputs, or a loss that is not smooth or not strictly convex at the optimal fit.
    ValueError
        If beta is 0, an argument does not fit the problem, or ``max_seconds`` ends first: the message says how large
        the problem is.
    PrecisionError
        If rounding leaves a violated constraint.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023, Corollary 4.1.

    Examples
    --------
    >>> optimal = optimal_set(Problem([[1.0]], [1.0], beta=0.5))
    >>> optimal.is_unique, optimal.polytope.point.round(12), round(optimal.value, 12)
    (True, array([0.5]), 0.375)
    """
    problem = as_problem(problem)
    problem.require_trainable()
    problem.require_scale()
    problem = _with_one_smooth_output(problem)
    tol = as_number(tol, "tol", positive=True)
    if tol > _LARGEST_TOL:
        raise ValueError(f"tol must be at most {_LARGEST_TOL}; got {tol!r}")
    near, deadline = max(_NEAR, 2.0 * tol), Deadline.after(max_seconds, positive=True)
    cells, scope, seed = *_cells(problem, patterns), as_seed(random_state)
    if network is not None:
        network = problem.fitting(as_network(network))
        if scope == "program":
            raise ValueError("network must be left out where patterns do not list all cells; got both")
    # Optimal neurons lie in the row space, and Newton's method takes the cube of the dimension.
    rotation = Rotation.of(problem)
    inner = rotation.problem
    if network is not None:
        network = rotation.network_in_coordinates(network)
    finder: DirectionFinder = (
        SearchedDirections(inner, near, seed) if cells is None else CellDirections(inner, cells, near)
    )
    known = np.zeros((inner.n_features, 0)) if network is None else network.hidden
    try:
        start = _start(inner, network, finder, seed, deadline)
        optimum, found = _solve(inner, start, finder, known, deadline)
    except OutOfTime:
        raise ValueError(
            f"max_seconds must be long enough for {problem.n_samples} samples and {problem.n_features} features; "
            f"after {deadline.elapsed:.3g} s the optimum was not known to rounding"
        ) from None
    found = replace(found, directions=rotation.vectors(found.directions))
    if np.any(loss_curvature(problem, optimum.fit, np.array([optimum.offset])) <= 0):
        raise HypothesisError(
            "the loss must be strictly convex at the optimal fit, so that fit and dual variable are unique; the loss "
            f"{problem.loss.name!r} has samples without curvature there, or of weight 0"
        )
    return _assemble(problem, scope, finder, optimum, found, tol)


@on_one_blas_thread
def locate(optimal: OptimalSet, network: ReLUNetwork, *, tol: float = 1e-8) -> Location:
    """Return whether a network is globally optimal, and which element of the optimal set it is or is nearest to.

    Parameters
    ----------
    optimal : OptimalSet
        The set. (A problem in its place gives ``optimal_set(problem, network)``, for one release.)
    network : ReLUNetwork
        Any network of the problem's shapes: neurons may be split, permuted, zero.
    tol : float, default 1e-8
        Relative excess over the optimal value that counts as none.

    Returns
    -------
    Location
        ``is_optimal``, the excess and its parts, and the coefficients of the nearest element.

    Examples
    --------
    >>> optimal = optimal_set(Problem([[1.0]], [1.0], beta=0.5))
    >>> locate(optimal, ReLUNetwork([[0.5, 0.5]], [0.5, 0.5])).is_optimal
    True
    >>> locate(optimal, ReLUNetwork([[0.5]], [1.0])).is_optimal
    False
    """
    if isinstance(optimal, Problem):
        warnings.warn(
            "locate of a problem is now locate(optimal_set(problem, network), network); the old form goes with the "
            "next release",
            DeprecationWarning,
            stacklevel=3,
        )
        optimal = optimal_set(optimal, network)
    require_kind(optimal, OptimalSet, "optimal", "optimal_set(problem) makes one")
    return location_of(as_network(network), optimal, as_number(tol, "tol", positive=True))


@on_one_blas_thread
def smallest(
    problem: Problem, network: ReLUNetwork | None = None, *, max_seconds: float | None = 10.0
) -> tuple[ReLUNetwork, SupportSize]:
    """Return an optimal network of the fewest neurons, with m* or bounds on it.

    The smallest network is basic (its activations are linearly independent) and minimal; a basic network need not be
    the smallest.

    Parameters
    ----------
    problem, network : Problem, ReLUNetwork
        As for `optimal_set`. Where cells are too many to list, only directions that are known count.
    max_seconds : float or None, default 10.0
        Time limit, None for none, of the integer program that decides; it ends with bounds.

    Returns
    -------
    network : ReLUNetwork
        Optimal, of as few neurons as were found.
    size : SupportSize
        m*, or bounds on it.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023, section 3.

    Examples
    --------
    >>> X = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> network, size = smallest(Problem(X, [1.0, 1.0, 1.0, 1.0], beta=0.1))
    >>> network.n_neurons, size.is_exact
    (2, True)
    """
    problem = as_problem(problem)
    as_limit(max_seconds, positive=True)
    optimal = optimal_set(problem, network)
    size = optimal.smallest_support(max_seconds=max_seconds)
    return optimal.network(size.coefficients), size


def _with_one_smooth_output(problem: Problem) -> Problem:
    """Return the problem with targets of shape (n,)."""
    if problem.n_outputs != 1:
        raise HypothesisError(f"one output is asked for; got targets of shape {problem.y.shape}")
    if not problem.loss.is_smooth:
        raise HypothesisError(
            f"the loss must be smooth, so that the dual variable is unique; got {problem.loss.name!r}"
        )
    return problem.one_output()


def _cells(
    problem: Problem, patterns: ActivationPatterns | Any | None
) -> tuple[ActivationPatterns | NDArray[np.bool_] | None, Literal["network", "program"]]:
    """Return the cells to look at, None where there are too many, and the scope that they give."""
    if patterns is None:
        rank = int(np.linalg.matrix_rank(problem.X))
        if rank and count_bound(problem.n_samples, rank) * problem.n_samples > _MOST_ENTRIES:
            return None, "network"
        return enumerate_patterns(problem.X), "network"
    if isinstance(patterns, ActivationPatterns) and patterns.complete:
        return patterns, "network"
    masks = require_realisable(problem.X, patterns)
    return patterns if isinstance(patterns, ActivationPatterns) else masks, "program"


def _start(
    problem: Problem, network: ReLUNetwork | None, finder: DirectionFinder, seed: int, deadline: Deadline
) -> Atoms:
    """Return atoms to start from: the network's, all blocks where these are few, else those of training."""
    if isinstance(finder, CellDirections):
        if network is not None:
            return Atoms.of_network(problem, network)
        program = finder.program
        if program.n_blocks <= _MOST_BLOCKS:
            shape = (problem.n_features, program.n_blocks)
            return Atoms(np.zeros(shape), program.masks, program.signs)
        return Atoms.none(problem)
    # From scratch: on the planted problem training that starts near an optimum ends 4e-6 above it, for the want of
    # directions that other descents find.
    limit = deadline.share(_TRAINING_SHARE).limit()
    result = train(problem, tol=_TRAINING_TOL, prove=False, random_state=seed, max_seconds=limit)
    atoms = Atoms.of_network(problem, result.network)
    return atoms if network is None else atoms.join(Atoms.of_network(problem, network))


def _solve(
    problem: Problem, atoms: Atoms, finder: DirectionFinder, known: Array, deadline: Deadline
) -> tuple[Optimum, Maximisers]:
    """Return the optimum and its maximisers: solve, find, add what is violated, until nothing is."""
    for round_number in range(_ROUNDS):
        speck = _SPECK * 0.1**round_number
        optimum = Optimum.of(problem, atoms, speck=speck if speck > _VIOLATION else 0.0, deadline=deadline)
        units = optimum.atoms.blocks / optimum.atoms.coefficients
        found = finder.find(optimum.dual, np.hstack([units, known]), deadline)
        if deadline.is_over:
            raise OutOfTime
        violated = found.values > (1.0 + _VIOLATION) * problem.beta
        if not np.any(violated):
            return optimum, found
        new = found.select(violated)
        assert new.masks is not None
        atoms = optimum.atoms.join(Atoms(np.zeros_like(new.directions), new.masks, new.signs))
    raise PrecisionError(
        f"after {_ROUNDS} rounds a dual constraint is still violated by {found.value / problem.beta - 1:.2g}: the "
        "problem is too badly scaled for its optimum to be found to rounding; rescale the columns of X"
    )


def _assemble(
    problem: Problem,
    scope: Literal["network", "program"],
    finder: DirectionFinder,
    optimum: Optimum,
    found: Maximisers,
    tol: float,
) -> OptimalSet:
    values = found.values / problem.beta
    usable = values >= 1.0 - tol
    chosen = found.select(usable)
    fit = optimum.fit + optimum.offset
    hidden = chosen.signs * np.maximum(problem.X @ chosen.directions, 0.0)
    centred = hidden - np.mean(hidden, axis=0) if problem.output_offset else hidden
    target = optimum.fit - np.mean(optimum.fit) if problem.output_offset else optimum.fit
    return OptimalSet(
        problem=problem,
        scope=scope,
        is_complete=finder.is_complete,
        value=problem.loss_value(optimum.fit, np.array([optimum.offset]))
        + problem.beta * float(np.sum(optimum.atoms.coefficients)),
        fit=fit,
        dual=optimum.dual,
        directions=chosen.directions,
        signs=chosen.signs,
        polytope=Polytope(centred, non_negative_fit(centred, target)),
        shortfall=float(np.max(np.abs(1.0 - values[usable]), initial=0.0)),
        separation=float(np.min(1.0 - values[~usable], initial=finder.near)),
        tol=tol,
    )
