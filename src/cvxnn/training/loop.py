"""Training to the global optimum: descend, convexify, grow, certify, repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cvxnn.atoms import Atoms
from cvxnn.certificates import Rotation
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns, require_realisable
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.seeds import Seed, as_generator, as_random_state
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.training.ending import finish
from cvxnn.training.exploration import with_fresh_neurons
from cvxnn.training.on_patterns import train_on_patterns
from cvxnn.training.result import TrainingResult
from cvxnn.training.rounds import Rounds, TrainingCallback
from cvxnn.training.smoothing import smoothed, under_loss
from cvxnn.training.state import TrainingState
from cvxnn.units import Units
from cvxnn.validation import Array, as_count, as_number

_MOST_BETA = 1e100
# Along a path: neurons below this part of the largest one's norm are left out before the next descent, and fresh ones
# are at least this part of those that a descent from nothing has; where they are more than so many times the others,
# they are as much smaller than those, or the descent would start over.
_VANISHED, _LEAST_FRESH, _CROWD = 3e-2, 0.25, 4.0


@on_one_blas_thread
def train(
    problem: Problem,
    *,
    tol: float = 1e-3,
    max_seconds: float | None = None,
    patterns: ActivationPatterns | Any | None = None,
    random_state: Seed = 0,
    callback: TrainingCallback | None = None,
    verbose: int = 0,
    start: ReLUNetwork | None = None,
    max_rounds: int | None = None,
    prove: bool = True,
) -> TrainingResult:
    """Train a two-layer ReLU network to the global optimum, with a proof of how close it is.

    Smooth descent finds good activation patterns, the convex program on them is solved, an oracle names the
    directions that the network lacks, and a feasible dual point gives a proven lower bound. Training stops when the
    proven relative gap is at most ``tol``; where no proof closes the gap, when the largest dual violation that a
    search finds is at most ``tol``; and at ``max_seconds``.

    Parameters
    ----------
    problem : Problem
        Data (n, d), targets (n,) or (n, C), beta > 0, loss. Losses with a kink are smoothed, by so little that it is
        a small part of ``tol``; objective and bound of the certificate are those of the loss itself, and the history
        holds the smoothed loss's objective.
    tol : float, default 1e-3
        Relative gap asked for.
    max_seconds : float, optional
        Time limit. Reaching it is no error: the best network so far is returned with its certificate.
    patterns : ActivationPatterns or bool array_like of shape (n, P), optional
        Keep to these patterns; the certificate then has scope "program". By default patterns are found.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random starts. The same seed gives the same network on one machine with a fixed number of
        threads and no time limit.
    callback : callable, optional
        Called with a `TrainingRecord` after every round; returning True stops training. Given patterns are solved
        in one go, without rounds.
    verbose : int, default 0
        1 shows a line of progress on a terminal.
    start : ReLUNetwork or TrainingResult, optional
        A network to improve, or a result that holds it, such as that of a neighbouring beta or one trained elsewhere:
        the first descent begins from it with fresh random neurons, and the first convex program has its patterns too.
        The result is never worse.
    max_rounds : int, optional
        Convex programs to solve at most. 0 ends after the descent, within some hundredths of the best objective in a
        small part of the time; its network is not pruned.
    prove : bool, default True
        Whether to spend time on evidence: exact oracles that take more than an instant, up to ten seconds at the end on
        raising the lower bound, and a repetition of the search that found nothing with four times the starts. Without,
        the certificate holds what was proved on the way, "no violation" rests on one search, and a network that a limit
        stopped is not searched, unless it has no neurons; `certify` does the rest later.

    Returns
    -------
    TrainingResult
        Network, certificate, status, history. A keyboard interrupt too returns the best network so far.

    Raises
    ------
    ValueError
        If beta is 0, ``tol`` or ``max_seconds`` is no positive number, ``max_rounds`` is no integer >= 0, a given
        pattern has the wrong shape or cannot be realised by a non-zero vector, ``start`` does not fit the problem, or
        ``patterns`` are given with ``start`` or ``max_rounds``.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020 (the convex program and its dual);
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 2017 (the oracle).

    Examples
    --------
    >>> from cvxnn import Problem, train
    >>> result = train(Problem([[1.0]], [1.0], beta=0.5))
    >>> result.network
    ReLUNetwork(1 feature -> 1 neuron -> 1 output, path_norm=0.5)
    >>> result.certificate.proven
    True
    """
    problem = as_problem(problem)
    problem.require_trainable()
    tol = as_number(tol, "tol", positive=True)
    deadline = Deadline.after(max_seconds, positive=True)
    max_seconds = deadline.limit()
    if start is not None:
        start = problem.flat().fitting(as_network(start, "start"))
        if patterns is not None:
            raise ValueError("start must be left out where patterns are given; got both")
    if max_rounds is not None:
        max_rounds = as_count(max_rounds, "max_rounds")
        if patterns is not None:
            raise ValueError("max_rounds must be left out where patterns are given; got both")
    target, problem = problem.y, problem.flat()
    rng = as_generator(as_random_state(random_state))
    units = Units.of(problem)
    units.require_representable()
    # A beta far above any critical one gives no neurons, whatever it is: its multiples need not overflow.
    inner = units.problem.with_beta(min(units.problem.beta, _MOST_BETA))
    if patterns is not None:
        require_realisable(problem.X, patterns)
    # Where features outnumber samples everything runs in the row space of X.
    rotation = Rotation.of(inner)
    inner = rotation.problem
    if patterns is not None:
        found = train_on_patterns(inner, patterns, tol=tol, max_seconds=max_seconds)
        return _as_given(found.rotated_back(rotation), units, target)
    smooth, rough = smoothed(inner, tol)
    start = None if start is None else rotation.network_in_coordinates(units.network_in_units(start))
    rounds = Rounds(
        TrainingState(smooth),
        rough,
        tol,
        deadline,
        rng,
        prove,
        units,
        _with_bounds_as_given(callback, rotation),
        start,
        max_rounds,
    )
    with StatusLine(verbose) as line:
        try:
            status = rounds.run(line)
        except KeyboardInterrupt:
            status = SolveStatus.INTERRUPTED
    result = finish(rounds, status, prune=max_rounds != 0)
    result = result if smooth is inner else under_loss(inner, result)
    return _as_given(result.rotated_back(rotation), units, target)


@on_one_blas_thread
def descend_along_path(
    problem: Problem,
    network: ReLUNetwork,
    *,
    step: float,
    tol: float,
    max_seconds: float | None,
    random_state: Seed,
    max_iterations: int | None = None,
) -> TrainingResult:
    """Descend at a weight decay from the network of a larger one, with fresh neurons beside it.

    What `train` does with ``max_rounds=0`` and a start, for one of many weight decays: the start's neurons that have
    all but vanished are left out, and fresh ones are the fewer the nearer the two are. Nothing is proved.

    Parameters
    ----------
    problem : Problem
        With beta > 0.
    network : ReLUNetwork
        That of the weight decay before, of the problem's shapes; the result is never worse.
    step : float
        This weight decay over the one before; 0 at the first.
    tol : float
        What losses with a kink are smoothed by, as in `train`.
    max_seconds : float, optional
        Time limit.
    random_state : int
        Seed of the fresh neurons.
    max_iterations : int, optional
        Of the descent; by default as many as `train` has.
    """
    problem.require_trainable()
    tol, deadline = as_number(tol, "tol", positive=True), Deadline.after(max_seconds)
    target, problem = problem.y, problem.flat()
    network = problem.fitting(network)
    units = Units.of(problem)
    units.require_representable()
    inner = units.problem.with_beta(min(units.problem.beta, _MOST_BETA))
    smooth, rough = smoothed(inner, tol)
    rounds = Rounds(
        TrainingState(smooth), rough, tol, deadline, as_generator(random_state), False, units, max_rounds=0
    )
    start = units.network_in_units(network)
    atoms = Atoms.of_network(smooth, start)
    rounds.state.accept(atoms, start.offset)
    kept = atoms.without_specks(_VANISHED).network(smooth, start.offset)
    share = max(1.0 - step, _LEAST_FRESH) if kept.n_neurons else 1.0
    n_fresh = max(int(share * rounds.width), 1)
    size = min(1.0, _CROWD * kept.n_neurons / n_fresh)
    try:
        rounds.descend(with_fresh_neurons(smooth, kept, n_fresh, rounds.rng, size=size), max_iterations)
        status = rounds.record(0, None, StatusLine(0)) or SolveStatus.MAX_ROUNDS
    except KeyboardInterrupt:
        status = SolveStatus.INTERRUPTED
    result = finish(rounds, status, prune=False)
    return _as_given(result if smooth is inner else under_loss(inner, result), units, target)


def _with_bounds_as_given(callback: TrainingCallback | None, rotation: Rotation) -> TrainingCallback | None:
    """Return a callback that is given records with lower bounds of the problem before its rotation."""
    if callback is None or rotation.is_plain:
        return callback
    return lambda record: callback(record.rotated_back(rotation))


def _as_given(result: TrainingResult, units: Units, target: Array) -> TrainingResult:
    """Return the result of a problem in units of its own as that of the problem as it was given, with its targets.

    Output weights are of the kind of targets: (m, 1) for (n, 1).
    """
    if not units.is_plain:
        certificate = result.certificate.in_units(units.objective)
        result = replace(result, network=units.network(result.network), certificate=certificate)
    return replace(result, network=result.network.like(target))
