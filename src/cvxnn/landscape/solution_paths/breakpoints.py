"""The solution path: how optimal networks change with weight decay, and where their directions do."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.betas import as_decreasing, as_ratio, require_critical
from cvxnn.certificates import Certificate, beta_max
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.landscape.duality.dual_program import require_oracle
from cvxnn.landscape.solution_paths.active_directions import Key, OptimumAt, PathPoint
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.programs import OutOfTime
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number, require_kind

BreakpointKind = Literal["enters", "leaves", "kink", "several"]

# The first weight decay of a default path, in units of the critical one.
_ABOVE_CRITICAL = 1.1

# Of one search of all cells; a path takes several at each of tens to hundreds of weight decays.
_CALL_SECONDS = 1.0


@short_repr
@dataclass(frozen=True)
class Breakpoint:
    """A weight decay at which the set of active directions changes.

    Parameters
    ----------
    upper, lower : float
        Weight decays between which it changes.
    appeared, vanished : frozenset
        Types of directions (sign, sides of the samples) active at ``lower`` only, and at ``upper`` only.
    kind : {"enters", "leaves", "kink", "several"}
        A direction enters as beta falls, or leaves; or a direction comes onto the kink of a sample, or off it; or more
        than one of these between ``upper`` and ``lower``. Opposite directions of one sign, which come and go together
        where ``lam^T X = 0``, as with an output offset, count as one.
    """

    upper: float
    lower: float
    appeared: frozenset[Key]
    vanished: frozenset[Key]
    kind: BreakpointKind

    @property
    def beta(self) -> float:
        """Return the geometric mean of the ends."""
        return float(np.sqrt(self.upper * self.lower))


@short_repr
@dataclass(frozen=True, eq=False)
class SolutionPath:
    """Optimal networks along falling weight decay.

    Parameters
    ----------
    points : tuple of PathPoint
        By falling beta: the betas asked for, as far as there was time, and both ends of every breakpoint.
    breakpoints : tuple of Breakpoint
        By falling beta.
    tol : float
        The ends of breakpoints are within this factor, less 1, where the path is complete.
    is_complete : bool
        Whether all betas were reached and all breakpoints located; False where ``max_seconds`` or ``max_optima`` ended
        the search.
    """

    points: tuple[PathPoint, ...]
    breakpoints: tuple[Breakpoint, ...]
    tol: float
    is_complete: bool = True

    @property
    def betas(self) -> Array:
        """Return the weight decays, shape (k,), decreasing."""
        return np.array([point.beta for point in self.points])

    @property
    def networks(self) -> tuple[ReLUNetwork, ...]:
        """Return a basic optimal network at each."""
        return tuple(point.network for point in self.points)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Return what is proved at each."""
        return tuple(point.certificate for point in self.points)

    @property
    def neurons(self) -> NDArray[np.int64]:
        """Return the numbers of neurons, those along one active direction counted once, shape (k,)."""
        return np.array([point.n_neurons for point in self.points], dtype=np.int64)

    def fits(self, X: Any) -> Array:
        """Return the networks' predictions on data, shape (k, n)."""
        return np.array([network.predict(X) for network in self.networks])


@short_repr
@dataclass(frozen=True)
class EnvelopeStep:
    """The slope of the optimum between two weight decays, beside the norms of their networks.

    Parameters
    ----------
    from_above : Comparison
        ``(p*(b) - p*(a)) / (b - a)`` for a < b is at least the norm at b.
    from_below : Comparison
        It is at most the norm at a.
    """

    from_above: Comparison
    from_below: Comparison


@on_one_blas_thread
def solution_path(
    problem: Problem,
    betas: Any = None,
    *,
    n_betas: int = 30,
    ratio: float = 1e-3,
    tol: float = 1e-4,
    max_optima: int = 2000,
    max_seconds: float | None = None,
) -> SolutionPath:
    """Follow optimal networks as weight decay falls, and locate where their active directions change.

    The optimal dual variable lam is unique, and with it the active directions: unit vectors u with
    ``|lam^T (X u)_+| = beta``, of which optimal networks are made. Between breakpoints their signs and the sides of the
    samples stay, and weights and directions move smoothly. Where the sets at neighbouring betas differ, the interval is
    halved (in the logarithm) until it is short; a change that is undone within an interval is not seen.

    Parameters
    ----------
    problem : Problem
        One output, a smooth loss, an affordable exact oracle. Its beta does not matter.
    betas : array_like of shape (k,), optional
        Weight decays > 0, decreasing. Two are the ends of a range, in which ``n_betas`` are taken. By default the range
        is from 1.1 times the critical weight decay, where the network is zero, to ``ratio`` times it.
    n_betas : int, default 30
        Weight decays in a range, in equal factors.
    ratio : float, default 1e-3
        The end of the default range.
    tol : float, default 1e-4
        Breakpoints are located to this relative width; below 1e-5 rounding may tell.
    max_optima : int, default 2000
        Weight decays to solve for at most; breakpoints that are not located by then keep wider ends.
    max_seconds : float, optional
        Time limit. The first of the betas is solved for whatever it takes; those not reached by then are left out, from
        the smallest on, and breakpoints that are not located keep wider ends. A weight decay takes some 0.03 s on 10 x
        3 and a breakpoint a dozen of them.

    Returns
    -------
    SolutionPath

    Raises
    ------
    ValueError
        If betas are not positive and decreasing, there are several outputs, the loss has a kink, or one search of all
        cells, of which a path takes hundreds, is expected to take more than a second.

    Notes
    -----
    A direction counts as active where its value is within 1e-8 of beta, in relative terms, and directions closer than
    0.26 degrees count as one. Where the optimal network is not unique, active directions are more than its neurons.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023.

    Examples
    --------
    >>> path = solution_path(Problem([[1.0], [-1.0]], [3.0, 1.0], beta=1.0), [4.0, 0.5])
    >>> [(breakpoint.kind, round(breakpoint.beta, 3)) for breakpoint in path.breakpoints]
    [('enters', 3.0), ('enters', 1.0)]
    """
    problem = as_problem(problem).one_output()
    problem.require_scale()
    if not problem.loss.is_smooth:
        raise ValueError(f"loss must be differentiable; {problem.loss.name!r} has a kink")
    tol, max_optima = as_number(tol, "tol", positive=True), as_count(max_optima, "max_optima", least=2)
    n_betas, deadline = as_count(n_betas, "n_betas", least=2), Deadline.after(max_seconds)
    oracle = require_oracle(problem, call_seconds=_CALL_SECONDS)
    values = _as_betas(problem, betas, n_betas, ratio)
    optimum = OptimumAt(problem, oracle)
    grid = _grid(optimum, values, deadline)
    refined = _Refinement(optimum, tol, max_optima - len(grid), deadline)
    for first, second in pairwise(grid):
        refined.locate(first, second)
    ends = {point.beta: point for point in [*grid, *refined.ends]}
    points = tuple(ends[beta] for beta in sorted(ends, reverse=True))
    is_complete = len(grid) == len(values) and refined.is_complete
    return SolutionPath(points, tuple(refined.breakpoints), tol, is_complete)


@on_one_blas_thread
def envelope(path: SolutionPath, *, tol: float = 1e-6) -> tuple[EnvelopeStep, ...]:
    """Compare the slopes of the optimum along a path with the norms of its networks.

    Statement: p*(beta) is the smallest of ``ell(f) + beta norm`` over networks, so it is concave, rises with beta, and
    its slope between a < b is at least ``norm(b)`` and at most ``norm(a)``: the norm never rises with beta, and is the
    derivative of p* where that exists.
    Hypotheses: optimal networks, to the gaps in their certificates, which are allowed for.
    Guarantee: lower and upper, tight as a and b meet.

    Parameters
    ----------
    path : SolutionPath
        A path.
    tol : float, default 1e-6
        Relative tolerance, beyond the certificates' gaps over b - a.

    Examples
    --------
    >>> path = solution_path(Problem([[1.0]], [1.0], beta=1.0), [0.9, 0.5], n_betas=3)
    >>> all(step.from_above.holds and step.from_below.holds for step in envelope(path))
    True
    """
    path = require_kind(path, SolutionPath, "path")
    steps = []
    for above, below in pairwise(path.points):
        width = above.beta - below.beta
        slope = (above.certificate.objective - below.certificate.objective) / width
        slack = (above.certificate.gap + below.certificate.gap) / width
        steps.append(
            EnvelopeStep(
                Comparison(slope, above.norm - slack, "at least", tol=tol),
                Comparison(slope, below.norm + slack, "at most", tol=tol),
            )
        )
    return tuple(steps)


def _grid(optimum: OptimumAt, values: Array, deadline: Deadline) -> list[PathPoint]:
    """Return the optima at the first weight decay and at those after it for which there is time."""
    points = [optimum(float(values[0]), NEVER)]
    with contextlib.suppress(OutOfTime):
        for beta in values[1:]:
            points.append(optimum(float(beta), deadline))  # noqa: PERF401 - those before the deadline are kept
    return points


@dataclass(eq=False)
class _Refinement:
    """Halves intervals whose ends have different active directions."""

    optimum: OptimumAt
    tol: float
    left: int
    deadline: Deadline

    def __post_init__(self) -> None:
        self.ends: list[PathPoint] = []
        self.breakpoints: list[Breakpoint] = []
        self.is_complete = True

    def locate(self, above: PathPoint, below: PathPoint) -> None:
        """Find the changes between two points, from the larger beta to the smaller."""
        if above.active == below.active:
            return
        is_located = above.beta <= below.beta * (1.0 + self.tol)
        middle = None if is_located else self._between(above, below)
        if middle is None:
            self.is_complete &= is_located
            self.ends += [above, below]
            self.breakpoints.append(_breakpoint(above, below))
            return
        self.locate(above, middle)
        self.locate(middle, below)

    def _between(self, above: PathPoint, below: PathPoint) -> PathPoint | None:
        """Return the optimum halfway between two; None where the limits on optima and time end the search."""
        if self.left <= 0:
            return None
        self.left -= 1
        with contextlib.suppress(OutOfTime):
            return self.optimum(float(np.sqrt(above.beta * below.beta)), self.deadline)
        return None


def _breakpoint(above: PathPoint, below: PathPoint) -> Breakpoint:
    appeared, vanished = below.active - above.active, above.active - below.active
    return Breakpoint(above.beta, below.beta, appeared, vanished, _kind(appeared, vanished))


def _kind(appeared: frozenset[Key], vanished: frozenset[Key]) -> BreakpointKind:
    new, old = ({_line(key) for key in keys} for keys in (appeared, vanished))
    if len(new) + len(old) == 1:
        return "enters" if new else "leaves"
    if len(new) == len(old) == 1:
        (sign, sides), (old_sign, old_sides) = *new, *old
        products = np.multiply(sides, old_sides)
        if sign == old_sign and (np.all(products >= 0) or np.all(products <= 0)):
            return "kink"
    return "several"


def _line(key: Key) -> tuple[int, tuple[int, ...]]:
    """Return the type of a direction and its opposite."""
    sides = np.frombuffer(key[1], dtype=np.int8)
    leading = sides[np.argmax(sides != 0)]
    return key[0], tuple((sides if leading >= 0 else -sides).tolist())


def _as_betas(problem: Problem, betas: Any, n_betas: int, ratio: float) -> Array:
    """Return the weight decays of the grid."""
    if betas is None:
        ratio, critical = as_ratio(ratio), beta_max(problem)
        require_critical(critical)
        betas = critical * np.array([_ABOVE_CRITICAL, ratio])
    values = as_decreasing(betas, "betas", least=2)
    return np.geomspace(values[0], values[1], n_betas) if len(values) == 2 else values
