"""All local minima of a small network on small data, by its convex sub-programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.landscape.optimum.fixed_outputs import FixedOutputs
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.directional import is_local_minimum
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.problem import Problem, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError, as_count, as_number, as_vector

# Networks whose blocks differ by less, relative to the largest block, are one: optima are exact to about 1e-10.
_SAME = 1e-6
# Relative gap up to which the solver's point is near enough to the optimum for Newton's method to find it.
_SOLVED = 1e-6


@dataclass(frozen=True, eq=False)
class Candidate:
    """The optimum of one sub-program: a network, its kinks, and whether it uses fewer neurons than the program has.

    ``is_solved`` tells whether it is the optimum, as far as the solver proves.
    """

    network: ReLUNetwork
    kinks: NDArray[np.bool_]
    is_smaller: bool = False
    is_solved: bool = True


@short_repr
@dataclass(frozen=True, eq=False)
class LocalMinima:
    """The local minima of a network of one width, and what became of the other sub-programs' optima.

    Parameters
    ----------
    networks : tuple of ReLUNetwork
        The local minima, best first, each of the width asked for. Where a minimum has fewer distinct neurons, one of
        them is split into equal parts.
    objectives : tuple of float
        Their objectives.
    n_programs : int
        Sub-programs solved.
    n_smaller : int
        Those whose optimum uses fewer neurons, so that it is found with fewer patterns.
    n_not_stationary : int
        Those whose optimum is not Clarke stationary.
    n_saddles : int
        Those whose optimum is Clarke stationary, and no local minimum.
    n_repeated : int
        Those whose optimum is a local minimum found before: on a kink it lies in several cells.
    n_failed : int
        Those that were not solved, so that minima among their optima may be missing. 0 unless weights differ by many
        orders.
    """

    networks: tuple[ReLUNetwork, ...]
    objectives: tuple[float, ...]
    n_programs: int
    n_smaller: int
    n_not_stationary: int
    n_saddles: int
    n_repeated: int
    n_failed: int = 0


@on_one_blas_thread
def local_minima(
    problem: Problem,
    n_neurons: int,
    *,
    output: Any = None,
    tol: float = 1e-8,
    max_programs: int = 10_000,
) -> LocalMinima:
    """Find all local minima of a network of a given width, up to permuting and splitting neurons.

    A local minimum is the optimum of the convex program on closed cells that contain its neurons, one for each neuron
    and with its output sign. So the optima of the programs on all choices of at most m pairs of cell and sign hold all
    local minima; those that are Clarke stationary and locally minimal are kept (`is_local_minimum`, which is exact).

    Where a program has many optima its local minima are a continuum, given by those with the fewest neurons. Without
    weight decay, which only fixed output weights allow, minima are flat: there is one network for each fit, inside as
    many cells as any of its minima.

    Parameters
    ----------
    problem : Problem
        Small data of one output, the loss smooth; beta > 0 unless ``output`` is given and the loss squared.
    n_neurons : int
        m, the width.
    output : array_like of shape (m,), optional
        Output weights that stay as they are; only hidden weights are variables then.
    tol : float, default 1e-8
        Residual up to which an optimum counts as stationary; up to `Stationarity.rounding` where that is larger, as
        below 1e-8 of the critical weight decay.
    max_programs : int, default 10_000
        Refuse problems with more sub-programs.

    Returns
    -------
    LocalMinima

    Raises
    ------
    ValueError
        If the problem is not of this kind, an argument is out of range, or there are more sub-programs than
        ``max_programs``; a `PrecisionError` if beta is too small for double precision to tell stationary networks.

    References
    ----------
    "The hidden convex optimization landscape of two-layer ReLU networks", ICLR blog posts 2024 (the one- and
    two-neuron examples); Y. Wang, J. Lacotte, M. Pilanci, ICLR 2022 (sub-sampled programs of stationary points).

    Examples
    --------
    One neuron with output weight 1 fits one of two points; the squared loss here is half that of the reference.

    >>> problem = Problem([[-1.0], [1.0]], [1.0, 0.5], beta=0.0)
    >>> found = local_minima(problem, 1, output=[1.0])
    >>> [round(2.0 * value, 9) for value in found.objectives]
    [0.25, 1.0]
    """
    problem = as_problem(problem)
    n_neurons, tol = as_count(n_neurons, "n_neurons", 1), as_number(tol, "tol", positive=True)
    max_programs = as_count(max_programs, "max_programs", 1)
    if problem.n_outputs > 1 or not problem.loss.is_smooth:
        raise ValueError(
            f"problem must have one output and a smooth loss; got {problem.n_outputs} and {problem.loss.name!r}"
        )
    problem = problem.one_output()
    if output is None:
        problem.require_trainable()
    units = Units.of(problem, fixed_output=output is not None)
    inner = units.problem
    if output is not None:
        programs = FixedOutputs.of(inner, as_vector(output, "output"), n_neurons)
        _refuse_too_many(programs.count, max_programs)
        return _sift(units, _fixed_optima(programs), tol, fixed_output=True)
    masks, signs = _pairs(inner)
    _refuse_too_many(1 + sum(comb(len(signs), k) for k in range(1, n_neurons + 1)), max_programs)
    return _sift(units, _sub_optima(inner, masks, signs, n_neurons), tol, fixed_output=False)


def _refuse_too_many(count: int, limit: int) -> None:
    if count > limit:
        raise ValueError(f"max_programs = {limit:,} is less than the {count:,} sub-programs of this problem")


def _pairs(problem: Problem) -> tuple[NDArray[np.bool_], Array]:
    """Return patterns (n, 2 P) and signs of all cells in which a neuron does something."""
    require_few_patterns(problem.X)
    masks = np.asarray(enumerate_patterns(problem.X))
    masks = masks[:, np.any(masks & np.any(problem.X != 0, axis=1)[:, None], axis=0)]
    return np.hstack([masks, masks]), np.repeat([1.0, -1.0], masks.shape[1])


def _fixed_optima(programs: FixedOutputs) -> Iterable[Candidate]:
    """Yield the optima of the programs on all choices of cells."""
    for cells in programs.choices():
        try:
            yield Candidate(*programs.optimum(cells))
        except PrecisionError:
            m = len(programs.output)
            none = ReLUNetwork(np.zeros((programs.problem.n_features, m)), np.zeros(m))
            yield Candidate(none, np.ones((programs.problem.n_samples, m), dtype=np.bool_), is_solved=False)


def _sub_optima(
    problem: Problem, masks: NDArray[np.bool_], signs: Array, n_neurons: int
) -> Iterable[Candidate]:
    """Yield the optima of the programs on at most m pairs, as networks of width m."""
    d, width = problem.n_features, n_neurons
    for k in range(n_neurons + 1):
        for chosen in combinations(range(len(signs)), k):
            pairs = list(chosen)
            atoms = Atoms(np.zeros((d, k)), masks[:, pairs], signs[pairs])
            optimum = Optimum.of(problem, atoms)
            is_smaller = len(optimum.atoms.merge_directions()) < k
            yield Candidate(*_widened(optimum, width), is_smaller, is_solved=optimum.gap <= _SOLVED)


def _widened(optimum: Optimum, width: int) -> tuple[ReLUNetwork, NDArray[np.bool_]]:
    """Return the optimum's network with its last neuron split into equal parts to a width, and its kinks.

    Without neurons all are zero.
    """
    network, kinks = optimum.network, optimum.kinks
    k = network.n_neurons
    if k == 0:
        zeros = np.zeros((network.n_features, width))
        output = np.zeros((width, *optimum.problem.y.shape[1:]))
        return ReLUNetwork(zeros, output, network.offset), np.ones((len(kinks), width), dtype=np.bool_)
    which = np.minimum(np.arange(max(width, k)), k - 1)
    parts = np.bincount(which)[which]
    hidden = network.hidden[:, which] / np.sqrt(parts)
    output = (network.output[which].T / np.sqrt(parts)).T
    return ReLUNetwork(hidden, output, network.offset), kinks[:, which]


def _sift(units: Units, candidates: Iterable[Candidate], tol: float, *, fixed_output: bool) -> LocalMinima:
    found: list[ReLUNetwork] = []
    counts = {"failed": 0, "smaller": 0, "not_stationary": 0, "saddles": 0, "repeated": 0, "minima": 0}
    problem = units.problem
    is_same = _same_fit(problem) if problem.beta == 0 else _same_blocks
    for candidate in candidates:
        fate = _fate(problem, candidate, tol, fixed_output)
        if fate == "minima":
            if any(is_same(candidate.network, other) for other in found):
                fate = "repeated"
            else:
                found.append(candidate.network)
        counts[fate] += 1
    found.sort(key=problem.objective)
    return LocalMinima(
        tuple(units.network(network) for network in found),
        tuple(_objective(units, network, fixed_output) for network in found),
        sum(counts.values()),
        counts["smaller"],
        counts["not_stationary"],
        counts["saddles"],
        counts["repeated"],
        counts["failed"],
    )


def _objective(units: Units, network: ReLUNetwork, fixed_output: bool) -> float:
    """Return the objective of a network in units as that of the problem given.

    The penalty of given output weights, a constant, is in units of its own.
    """
    value = units.objective(units.problem.objective(network))
    if not fixed_output:
        return value
    half_square = 0.5 * float(np.sum(network.output**2))
    return value - units.objective(units.problem.beta * half_square) + units.given.beta * half_square


def _fate(problem: Problem, candidate: Candidate, tol: float, fixed_output: bool) -> str:
    network, kinks = candidate.network, candidate.kinks
    if not candidate.is_solved:
        return "failed"
    if candidate.is_smaller:
        return "smaller"
    if not stationarity(problem, network, kinks=kinks, fixed_output=fixed_output).is_stationary(tol):
        return "not_stationary"
    if not is_local_minimum(problem, network, tol=tol, kinks=kinks, fixed_output=fixed_output):
        return "saddles"
    return "minima"


def _same_fit(problem: Problem) -> Callable[[ReLUNetwork, ReLUNetwork], bool]:
    def same(one: ReLUNetwork, other: ReLUNetwork) -> bool:
        fits = [network.predict(problem.X) for network in (one, other)]
        size = float(np.linalg.norm(problem.y)) or 1.0
        return float(np.linalg.norm(fits[0] - fits[1])) <= _SAME * size

    return same


def _same_blocks(one: ReLUNetwork, other: ReLUNetwork) -> bool:
    """Return whether two networks have the same neurons, in any order."""
    first, second = ([*_signed_blocks(network).T] for network in (one, other))
    size = max((float(np.linalg.norm(block)) for block in (*first, *second)), default=0.0)
    for block in first:
        near = [k for k, b in enumerate(second) if np.linalg.norm(b - block) <= _SAME * size]
        if not near:
            return False
        del second[near[0]]
    return not second


def _signed_blocks(network: ReLUNetwork) -> Array:
    """Return blocks ``|a_j| u_j`` with their output weights below, (d + 1, m)."""
    output = network.output.reshape(-1)
    return np.vstack([network.hidden * np.abs(output), output])
