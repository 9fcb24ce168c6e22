"""The end of training: a basic network, and its certificate."""

from __future__ import annotations

from cvxnn.atoms import basic_atoms
from cvxnn.certificates import dual_bound, make_certificate, relaxed_bound
from cvxnn.training.result import TrainingResult, TrainingStatus
from cvxnn.training.state import PROOF_SHARE, RANDOM_STARTS, TrainingState

# Of the largest neuron's norm: what a descent leaves of neurons that should be zero.
_SPECKS = (1e-2, 1e-3, 1e-4, 1e-6)
# Seconds of the search that judges a network that a time limit or a callback has stopped.
_LAST_SEARCH_SECONDS = 0.2
# Seconds that the final proof may take when training itself has no limit.
_PROOF_SECONDS = 10.0
# After an interrupt, and on large data, where seconds of proof bring little.
_HURRIED_PROOF_SECONDS = 1.0
# Where training ends of its own accord the last network has been searched, and an interrupt ends the search too.
_SEARCHED = (
    TrainingStatus.PROVEN,
    TrainingStatus.NO_VIOLATION,
    TrainingStatus.STALLED,
    TrainingStatus.INTERRUPTED,
)


def finish(state: TrainingState, status: TrainingStatus, *, prune: bool) -> TrainingResult:
    """Prune to a basic network where that is asked for, and certify it; an interrupt ends both early.

    Parameters
    ----------
    state : TrainingState
        What was found; changed in place.
    status : TrainingStatus
        Why the rounds ended.
    prune : bool
        Whether to prune; specks are left out either way.
    """
    try:
        _simplify(state, prune)
        if state.violation is None and state.proves and status not in _SEARCHED:
            found = state.violations_of(state.dual_variable(), RANDOM_STARTS, _LAST_SEARCH_SECONDS)
            state.violation = found.value
        if state.proves and not state.is_proven:
            _prove(state, hurried=status is TrainingStatus.INTERRUPTED)
    except KeyboardInterrupt:
        status = TrainingStatus.INTERRUPTED
    certificate = make_certificate(
        state.objective,
        state.lower_bound,
        tol=state.tol,
        method=state.proof,
        scope="network",
        search_violation=state.violation,
    )
    if certificate.proven and status not in (TrainingStatus.INTERRUPTED, TrainingStatus.STOPPED):
        status = TrainingStatus.PROVEN
    return TrainingResult(state.network, certificate, status, tuple(state.history))


def _prove(state: TrainingState, *, hurried: bool) -> None:
    """Raise the lower bound as far as the time for it allows: exactly where that is affordable."""
    lam = state.dual_variable()
    if state.oracle is not None and (state.oracle.is_cheap or not hurried):
        exact = state.oracle.maximise(lam)
        state.raise_bound(dual_bound(state.problem, lam, exact.upper), exact.method)
        return
    kept = 0.0 if state.max_seconds is None else PROOF_SHARE * state.max_seconds
    most = _HURRIED_PROOF_SECONDS if hurried or state.is_large else _PROOF_SECONDS
    seconds = max(min(most, state.seconds_left() + kept), 0.0)
    state.raise_bound(*relaxed_bound(state.problem, lam, max_seconds=seconds))


def _simplify(state: TrainingState, prune: bool) -> None:
    """Merge equal directions, prune to a basic network, leave out specks: what does not raise the objective."""
    if len(state.atoms) == 0:
        return
    if prune:
        state.replace(basic_atoms(state.problem, state.atoms))
    for share in _SPECKS:
        if state.replace(state.atoms.without_specks(share)):
            return
