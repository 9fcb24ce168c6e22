"""Lower bounds on the optimum that improve while there is time, from norms to the lifted dual."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from cvxnn.certificates.bounds.norms import both_signs
from cvxnn.certificates.bounds.output_bounds import TimedBound, constraint_bound
from cvxnn.certificates.bounds.relaxation import both_signs_relaxed, relaxation_is_affordable
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.duals.dual_variables import dual_or_own, null_dual
from cvxnn.certificates.relaxations.joint_program import DualPoint, affordable_groups, joint_dual_sdp
from cvxnn.certificates.relaxations.lifted_dual import LiftedDual
from cvxnn.certificates.relaxations.output_duals import output_dual_bounds, row_classes
from cvxnn.certificates.relaxations.row_groups import group_rows
from cvxnn.certificates.rotation import Rotation
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.standard_form import Task
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array

logger = logging.getLogger(__name__)

Relaxation = Literal["auto", "norms", "dual_sdp", "lifted"]

_EPS = float(np.finfo(np.float64).eps)

# On elevators 300, 600 and 1000 groups prove 456, 493 and 531, in 0.9, 1.8 and 3.6 s.
_MOST_GROUPS = 1000
# With more rows, each on its own, the set-up of the joint dual SDP takes long and cannot be interrupted.
_MOST_SINGLE_ROWS = 3000
_MOST_UNSUMMED = 20_000  # rows, for a loss that is not summed up over groups of rows
# The most that the quick bounds may spend on the joint dual SDP.
_QUICK_SECONDS = 3.0
# The lifted dual keeps some fifty arrays of n^2 numbers, and a step takes about 1e-9 (1 + r + n)^3 seconds of CPU at
# n = 200, half of that at 1030.
_MOST_LIFTED = 1500
_STEP_SECONDS = 1e-9
_FEWEST_STEPS = 50  # fewer do not even regain what the joint dual SDP proves
_STEPS_A_BOUND = 20
# Share of the time left for the first bounds, where several outputs ask for many of one.
_FIRST_SHARE = 0.2
# Bounds in a row without a relative 1e-5 of improvement, after which the lifted dual is taken to be solved.
_PATIENCE = 25


@dataclass(frozen=True)
class LowerBound:
    """A proven lower bound on the optimum of training.

    Parameters
    ----------
    seconds : float
        When it was proven, from the start.
    value : float
        The bound.
    method : str
        The name of the proof.
    """

    seconds: float
    value: float
    method: str


@on_one_blas_thread
def improving_bounds(
    problem: Problem,
    network: ReLUNetwork,
    *,
    method: Relaxation = "auto",
    max_seconds: float | None = 10.0,
    dual: Array | None = None,
) -> Iterator[LowerBound]:
    """Yield proven lower bounds on the optimum, each above the last, while there is time.

    Norm inequalities on the network's dual variable; the joint dual SDP, on groups of rows where these are many;
    then, for one output and squared loss, the lifted dual, from the point that it left. With several outputs, joint
    dual SDPs with more and more output directions; where the optimum is a sum over outputs (the l1 norm, and any loss
    but the multinomial), the sum of each output's bounds.

    Parameters
    ----------
    problem : Problem
        The training problem, with beta > 0.
    network : ReLUNetwork
        The better it is, the sooner the bounds are good; they hold for the optimum, whatever it is.
    method : {"auto", "norms", "dual_sdp", "lifted"}, default "auto"
        All of them, or the ones named; "lifted" needs "dual_sdp" and yields its bound too.
    max_seconds : float or None, default 10.0
        Time limit; None for none. A stage that is not expected to bring anything within it is not started.
    dual : ndarray, shape of y, optional
        The dual variable to start from; by default the network's, `network_dual`.

    Yields
    ------
    LowerBound
        The first is 0, "non-negative objective".

    Raises
    ------
    ValueError
        If ``dual`` does not have the shape of y, or the lifted dual is asked for where it does not apply.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [2.0, 1.0], beta=0.5)
    >>> *_, last = improving_bounds(problem, ReLUNetwork([[1.0], [0.0]], [1.0]))
    >>> round(last.value, 3)  # the optimum is beta ||y|| - beta^2 / 2 = 0.993
    0.993
    """
    problem, network = as_problem(problem), as_network(network)
    deadline, best = Deadline.after(max_seconds), 0.0
    yield LowerBound(0.0, best, "non-negative objective")
    network = problem.fitting(network)
    units = Units.of(problem)
    rotation = Rotation.of(units.problem)
    inner, own = rotation.problem, rotation.network_in_coordinates(units.network_in_units(network))
    lam = dual_or_own(inner, own, dual if dual is None else units.dual_in_units(dual), deadline)
    task = Task(inner, lam, own).standardised()
    if method == "lifted" and not lifting_applies(task.outputs()[0].problem):
        raise ValueError(
            'method "lifted" needs the squared loss, one output (or independent ones, of the l1 norm), and no sample '
            f"weights where there is an output offset; got {problem!r}"
        )
    for value, proof in _bounds(task, method, deadline):
        if value > best:
            best = value
            yield LowerBound(deadline.elapsed, units.objective(value * rotation.bound_share), proof)


@on_one_blas_thread
def relaxed_bound(problem: Problem, lam: Array, *, max_seconds: float | None) -> tuple[float, str]:
    """Return the best lower bound of the quick relaxations, and the name of its proof.

    Norm inequalities and the joint dual SDP, else the relaxation of ``lam``'s own constraint: tenths of a second at
    n = 200, some seconds at any size. `improving_bounds` and `certify` go on from there.

    Parameters
    ----------
    problem : Problem
        The training problem.
    lam : ndarray, shape of y
        The residual's dual variable.
    max_seconds : float or None
        What is left for the joint dual SDP, of which it takes three at most.
    """
    problem = as_problem(problem)
    deadline = Deadline(min(as_limit(max_seconds), _QUICK_SECONDS))
    units = Units.of(problem)
    rotation = Rotation.of(units.problem)
    task = Task(rotation.problem, units.dual_in_units(lam)).standardised()
    bounds = [(0.0, "non-negative objective"), *_bounds(task, "auto", deadline)]
    logger.debug("bounds: %s", bounds)
    value, proof = max(bounds, key=lambda pair: pair[0])
    return units.objective(value * rotation.bound_share), proof


def _bounds(task: Task, method: Relaxation, deadline: Deadline) -> Iterator[tuple[float, str]]:
    """Yield bounds and their proofs' names: of the whole, or the sums of independent outputs' best."""
    tasks = task.outputs()
    if len(tasks) == 1:
        yield from _joint_bounds(task, method, deadline)
        return
    best = np.zeros(len(tasks))
    for c, one in enumerate(tasks):
        for value, proof in _joint_bounds(one, method, deadline.share(1 / (len(tasks) - c))):
            best[c] = max(best[c], value)
            yield float(np.sum(best)) * (1 - len(best) * _EPS), f"{proof}, output by output"


def _joint_bounds(task: Task, method: Relaxation, deadline: Deadline) -> Iterator[tuple[float, str]]:
    """Yield bounds of a task that does not fall into outputs."""
    problem, lam = task.problem, task.lam
    space = RowSpace(problem.X)
    if method in ("auto", "norms"):
        yield _scaled(task, space, both_signs, deadline), "norm bound"
    own = both_signs_relaxed
    if problem.n_outputs > 1:
        affordable = relaxation_is_affordable(space, problem.n_outputs, deadline.seconds_left)
        if method in ("auto", "norms") and affordable:
            yield _scaled(task, space, own, deadline), "relaxed dual constraint"
        if method != "norms":
            required = method != "auto"
            yield from output_dual_bounds(problem, space, lam, deadline=deadline, required=required)
        return
    is_found = False
    if method != "norms":
        for bound in _one_output_bounds(task, space, method, deadline):
            is_found = True
            yield bound
    if method in ("auto", "norms") and not is_found and relaxation_is_affordable(space):
        # the joint dual SDP, where there is one, finds a better dual variable and its relaxation together
        yield _scaled(task, space, own, deadline), "relaxed dual constraint"


def _scaled(task: Task, space: RowSpace, bound: TimedBound, deadline: Deadline) -> float:
    """Return the bound that the task's own dual variable proves, given a bound on one output's dual constraint."""
    first = deadline.share(_FIRST_SHARE)
    timed = partial(bound, space, deadline=first)
    upper = constraint_bound(timed, space, task.lam, task.problem.output_norm, deadline=first)
    return dual_bound(task.problem, task.lam, upper)


def _one_output_bounds(
    task: Task, space: RowSpace, method: Relaxation, deadline: Deadline
) -> Iterator[tuple[float, str]]:
    """Yield the bound of the joint dual SDP and, given a network, those of the lifted dual."""
    problem = task.problem
    point, proof = first_dual_point(problem, space, deadline.seconds_left, required=method != "auto")
    if point is None:
        return
    yield point.lower_bound, proof
    if task.network is None or method == "dual_sdp":
        return
    if lifting_is_affordable(problem, space, deadline.seconds_left):
        for value in _lifted_bounds(problem, space, point, task.network, deadline):
            yield value, f"lifted dual SDP, {problem.n_samples:,} rows"


def first_dual_point(
    problem: Problem, space: RowSpace, max_seconds: float, *, required: bool = False
) -> tuple[DualPoint | None, str]:
    """Return the joint dual SDP's point, on groups of rows where all of them take too long, and its proof's name.

    Parameters
    ----------
    problem : Problem
        With targets of shape (n,), and no sample weight of zero.
    space : RowSpace
        The row space of its X.
    max_seconds : float
        Without at least enough for some groups nothing is tried.
    required : bool, default False
        Try in any case.
    """
    n, most = problem.n_samples, min(affordable_groups(space, max_seconds), _MOST_SINGLE_ROWS)
    if n <= max(most, _MOST_GROUPS if required else 0):
        return joint_dual_sdp(problem, space, max_seconds=max(max_seconds, 0.1)), "joint dual SDP"
    most = min(most, _MOST_GROUPS)
    is_too_long = n > _MOST_UNSUMMED and not isinstance(problem.loss, SquaredLoss)
    if (most < 2 * (space.rank + 1) or is_too_long) and not required:
        return None, ""
    groups = group_rows(
        space, null_dual(problem), max(most, 2 * (space.rank + 1)), classes=row_classes(problem)
    )
    point = joint_dual_sdp(problem, space, max_seconds=max(max_seconds, 0.1), groups=groups)
    return point, f"joint dual SDP, {len(groups):,} groups of rows"


def lifting_applies(problem: Problem) -> bool:
    """Return whether the lifted dual is stated for the problem: squared loss, one output, no sample weights."""
    is_plain = isinstance(problem.loss, SquaredLoss) and problem.sample_weight is None
    return is_plain and problem.n_outputs == 1


def lifting_is_affordable(problem: Problem, space: RowSpace, max_seconds: float) -> bool:
    """Return whether the lifted dual applies, fits in memory and can be expected to take some steps."""
    fits = lifting_applies(problem) and problem.n_samples <= _MOST_LIFTED
    return fits and _steps_to_expect(space, max_seconds) >= _FEWEST_STEPS


def _steps_to_expect(space: RowSpace, max_seconds: float) -> float:
    return max_seconds / (_STEP_SECONDS * (1 + space.rank + len(space.X)) ** 3)


def _lifted_bounds(
    problem: Problem, space: RowSpace, point: DualPoint, network: ReLUNetwork, deadline: Deadline
) -> Iterator[float]:
    """Yield bounds until the time is up or they have stopped to rise."""
    n_steps = _steps_to_expect(space, deadline.seconds_left)
    lifted = LiftedDual(problem, space, point, network, n_steps=n_steps)
    best, since = point.lower_bound, 0
    while since < _PATIENCE and not deadline.is_over:
        for _ in range(_STEPS_A_BOUND):
            lifted.step()
            if deadline.is_over:
                break
        value = lifted.lower_bound()
        since = 0 if value > best * (1 + 1e-5) else since + 1
        best = max(best, value)
        yield value
    logger.debug("lifted dual: %g, %s", best, "no more rise" if since >= _PATIENCE else "time is up")
