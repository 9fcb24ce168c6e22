"""The end of training: a basic network, and its certificate."""

from __future__ import annotations

from itertools import islice

import numpy as np

from cvxnn.atoms import Atoms, basic_atoms
from cvxnn.certificates import (
    dual_bound,
    improving_bounds,
    make_certificate,
    relaxed_bound,
    search,
    seconds_to_factor,
)
from cvxnn.deadlines import Deadline
from cvxnn.losses.offsets import root_of_increasing
from cvxnn.patterns import activation_patterns
from cvxnn.problem import Problem
from cvxnn.statuses import SolveStatus
from cvxnn.training.result import TrainingResult
from cvxnn.training.rounds import Rounds
from cvxnn.training.state import TrainingState
from cvxnn.training.violations import searched_violations
from cvxnn.validation import Array

# Of the largest neuron's norm: what a descent leaves of neurons that should be zero.
_SPECKS = (1e-2, 1e-3, 1e-4, 1e-6)
# Seconds of the search that judges a network that a time limit or a callback has stopped.
_LAST_SEARCH_SECONDS = 0.2
# Seconds for each entry of X of the shortest search.
_SHORT_SEARCH = 1e-6
# Seconds of the final proof: of all relaxations on so few samples, where they may close the gap; above, of the joint
# dual SDP up to 400 samples, and where norms prove some part of the objective; else of what that makes of the data in a
# short time. On tables of 1,000 rows at small weight decay a second more moves the bound from 0.1 to 0.2, and `certify`
# is there for it.
_PROOF_SECONDS, _LIFTED_ROWS = 2.0, 100
_QUICK_PROOF_SECONDS, _PROMISING, _SDP_ROWS = 0.3, 0.3, 400
# Seconds over which the rise of bounds is measured. On 30, 50 and 90 rows of 10 columns the last second of two raises
# gaps closed by 0.97, 0.85 and 0.66 to 0.97, 0.86 and 0.67.
_WATCHED = 0.2
# Seconds of norms for each entry of X and output, and of the best multiple of a dual variable for each of its numbers.
_SECONDS_OF_NORMS, _SECONDS_TO_SCALE = 2e-7, 6e-6
# Relative, of the product of two norms of at most 1e9 numbers.
_ROUNDING = 1e-6
# Random starts of the search for the one neuron of a network that has none.
_FIRST_STARTS = 32
# What that search has even where nothing is left of a time limit.
_FIRST_SECONDS = 0.05
_DOUBLINGS = 200
# Violation and relative gap, about its square, below which a neuron lowers the objective by rounding at most.
_NO_VIOLATION, _AS_GOOD_AS_PROVEN = 1e-7, 1e-14
# Where training ends of its own accord the last network has been searched, and an interrupt ends the search too.
_ENDED_BY_THEMSELVES = SolveStatus.PROVEN, SolveStatus.NO_VIOLATION, SolveStatus.SETTLED, SolveStatus.STALLED
_SEARCHED = (*_ENDED_BY_THEMSELVES, SolveStatus.INTERRUPTED)


def finish(rounds: Rounds, status: SolveStatus, *, prune: bool) -> TrainingResult:
    """Prune to a basic network where that is asked for, and certify it; an interrupt ends both early.

    A network without neurons is given one first, where one lowers the objective.

    Parameters
    ----------
    rounds : Rounds
        That have ended; what they found is in their state, which is changed in place.
    status : SolveStatus
        Why the rounds ended.
    prune : bool
        Whether to prune; specks are left out either way, where there is time.
    """
    state = rounds.state
    try:
        if len(state.atoms) == 0:
            _take_first_neuron(state, rounds.rng, rounds.deadline)
        if status in _ENDED_BY_THEMSELVES:
            rounds.last_program()
        _simplify(state, prune, rounds.deadline)
        if state.violation is None and rounds.proves and status not in _SEARCHED:
            _search(rounds)
        if rounds.proves and not state.is_proven_to(rounds.tol):
            _prove(rounds, hurried=status is SolveStatus.INTERRUPTED)
    except KeyboardInterrupt:
        status = SolveStatus.INTERRUPTED
    certificate = make_certificate(
        state.objective,
        state.lower_bound,
        tol=rounds.tol,
        method=state.proof,
        scope="network",
        search_violation=state.violation,
    )
    empty = len(state.atoms) == 0 and (state.violation is None or state.violation > rounds.tol)
    if empty and status is not SolveStatus.INTERRUPTED:
        status = SolveStatus.EMPTY
    if certificate.proven and status not in (SolveStatus.INTERRUPTED, SolveStatus.STOPPED):
        status = SolveStatus.PROVEN
    return TrainingResult(state.network, certificate, status, tuple(state.history))


def _take_first_neuron(state: TrainingState, rng: np.random.Generator, deadline: Deadline) -> None:
    """Give a network without neurons the one that a short search finds, as large as is best along it.

    Below the critical weight decay some direction violates the dual constraint of the network without neurons, and
    the objective falls along it: however early training was stopped, there is a better network than none.
    """
    problem = state.problem
    if state.objective - state.lower_bound <= _AS_GOOD_AS_PROVEN * state.objective:
        return
    found = search(
        problem.X,
        state.dual_variable(),
        n_random=_FIRST_STARTS,
        random_state=rng,
        max_seconds=min(_LAST_SEARCH_SECONDS, max(deadline.seconds_left, _FIRST_SECONDS)),
        output_norm=problem.output_norm,
    )
    state.violation = found.value / problem.beta - 1.0
    if state.violation <= _NO_VIOLATION:
        return
    direction, sign = found.directions[:, :1], found.signs[:1].astype(np.float64)
    activation = np.maximum(problem.X @ direction[:, 0], 0.0)
    along = np.outer(activation, sign[0]).reshape(problem.y.shape)

    def slope(size: float) -> float:
        return float(np.sum(problem.loss_gradient(size * along, state.offset) * along)) + problem.beta

    high = 1.0 / float(np.linalg.norm(along))
    for _ in range(_DOUBLINGS):
        if slope(high) >= 0.0:
            break
        high *= 2.0
    size = root_of_increasing(slope, 0.0, high)
    neuron = Atoms(size * direction, activation_patterns(problem.X, direction), sign)
    state.accept(neuron, problem.best_offset(size * along))


def _search(rounds: Rounds) -> None:
    """Judge the best network by a search, in the time that is left: by a short one, or none, where that is little."""
    state, left = rounds.state, rounds.deadline.seconds_left
    if left < _LAST_SEARCH_SECONDS:
        if left > _SHORT_SEARCH * state.problem.X.size:
            state.violation = rounds.violation_again(left)
        return
    found = searched_violations(
        state.problem,
        state.dual_variable(),
        state.atoms,
        rounds.oracle,
        tol=rounds.tol,
        rng=rounds.rng,
        max_seconds=max(_LAST_SEARCH_SECONDS, rounds.rounds_deadline.limit() or 0.0),
    )
    state.violation = found.value


def _prove(rounds: Rounds, *, hurried: bool) -> None:
    """Raise the lower bound as far as the time for it allows: exactly where that is affordable."""
    state, oracle = rounds.state, rounds.oracle
    lam = state.dual_variable()
    if rounds.deadline.seconds_left < _seconds_of_norms(state.problem):
        if rounds.deadline.seconds_left > _SECONDS_TO_SCALE * lam.size:
            # For all unit vectors s and u, s^T lam^T (X u)_+ is at most the product of the two.
            upper = float(np.linalg.norm(lam)) * float(np.linalg.norm(state.problem.X)) * (1.0 + _ROUNDING)
            state.raise_bound(dual_bound(state.problem, lam, upper), "norms of data and dual variable")
        return
    if oracle is not None and (oracle.is_cheap or not hurried):
        exact = oracle.maximise(lam, deadline=rounds.deadline)
        state.raise_bound(dual_bound(state.problem, lam, exact.upper), exact.method)
        if not rounds.deadline.is_over:
            return
    seconds = rounds.deadline.seconds_left
    if hurried or state.problem.n_samples > _LIFTED_ROWS:
        is_worth_it = not hurried and (state.problem.n_samples <= _SDP_ROWS or _is_promising(rounds, lam))
        most = _PROOF_SECONDS if is_worth_it else _QUICK_PROOF_SECONDS
        state.raise_bound(*relaxed_bound(state.problem, lam, max_seconds=min(most, seconds)))
        return
    until, met = Deadline(min(_PROOF_SECONDS, seconds)), list[tuple[float, float, str]]()
    for bound in improving_bounds(state.problem, state.network, max_seconds=until.limit(), dual=lam):
        state.raise_bound(bound.value, bound.method)
        met.append((bound.seconds, bound.value, bound.method))
        if state.is_proven_to(rounds.tol) or _is_hopeless(met, state.objective, until):
            return


def _is_hopeless(met: list[tuple[float, float, str]], objective: float, until: Deadline) -> bool:
    """Return whether bounds that rise on as they last did, ever less as they do, leave three quarters of the gap.

    Bounds are given with their seconds and the names of their methods; only those of the last method tell its rate.
    """
    seconds, value, method = met[-1]
    for before, lower, name in reversed(met):
        if name == method and before <= seconds - _WATCHED:
            return (value - lower) / (seconds - before) * until.seconds_left < 0.25 * (objective - value)
    return False


def _seconds_of_norms(problem: Problem) -> float:
    """Return about how long the first and cheapest proof takes: factors of X, and norms for each output."""
    return float(seconds_to_factor(problem.X) + problem.X.size * _SECONDS_OF_NORMS * problem.n_outputs)


def _is_promising(rounds: Rounds, lam: Array) -> bool:
    """Return whether norm inequalities, in hundredths of a second, prove so much that more may be worth its time."""
    state = rounds.state
    limit = min(_QUICK_PROOF_SECONDS, rounds.deadline.seconds_left)
    bounds = improving_bounds(state.problem, state.network, method="norms", max_seconds=limit, dual=lam)
    # The first is none, the second that of the norms.
    state.raise_bound(*max((bound.value, bound.method) for bound in islice(bounds, 2)))
    return state.lower_bound >= _PROMISING * state.objective


def _simplify(state: TrainingState, prune: bool, deadline: Deadline) -> None:
    """Merge equal directions, prune to a basic network, leave out specks: what does not raise the objective."""
    if len(state.atoms) == 0:
        return
    if prune and not deadline.is_over:
        state.replace(basic_atoms(state.problem, state.atoms, max_seconds=deadline.limit()))
    for share in _SPECKS:
        if deadline.is_over:  # on 200,000 rows each takes tenths of a second
            return
        simpler = state.atoms.without_specks(share)
        if simpler is state.atoms or state.replace(simpler):
            return
