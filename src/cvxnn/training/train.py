"""Training to the global optimum: descend, convexify, grow, certify, repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from cvxnn.certificates import Oracle, dual_bound, exact_oracle, make_certificate, relaxed_bound
from cvxnn.linear_maps import fitting_blas_threads
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import ActivationPatterns, require_realisable
from cvxnn.problem import Problem
from cvxnn.solvers import SolveStatus
from cvxnn.status_line import StatusLine
from cvxnn.training.atoms import Atoms
from cvxnn.training.convexify import convexify
from cvxnn.training.descend import DescentInterrupted, descend, small_random_network
from cvxnn.training.explore import explore, with_fresh_neurons
from cvxnn.training.grow import Violations, explored_violations, find_violations
from cvxnn.training.on_patterns import train_on_patterns
from cvxnn.training.polish import polish
from cvxnn.training.prune import basic_atoms
from cvxnn.training.result import TrainingRecord, TrainingResult, TrainingStatus
from cvxnn.training.smoothing import smoothed, under_loss
from cvxnn.validation import Array, as_count, as_number

TrainingCallback = Callable[[TrainingRecord], object]

# Neurons of a descent: this times the root of the critical beta over beta, between limits. Optimal networks have more
# neurons the smaller beta is; on concrete at 1e-3 of its critical beta, 800 neurons end at 26.46 after descent where
# 200 end at 28.1 and 400 at 26.9, and on energy at 1e-2 200 are enough.
_NEURONS = 25.0
_FEWEST_NEURONS, _MOST_NEURONS = 100, 800
_DESCENT_ITERATIONS, _DESCENT_TOL = 400, 2e-4
# Where data are large, descended neurons below this part of the largest one's norm stay out of the first program unless
# it gains nothing: on bike it takes half the time without them and ends 2e-5 higher.
_LARGE_VANISHED = 3e-2
# Of a descent's neurons, one in so many is fresh where it starts from a network as wide as that.
_FRESH_SHARE = 4
# Samples times neurons from which data are large: there a step of the convex program costs as much as hundreds of
# iterations of descent. Descent goes on for longer first, and without a time limit rounds end after a few, or after one
# that lowered the objective by less than tol.
_LARGE = 1 << 22
_LARGE_DESCENT_ITERATIONS, _LARGE_DESCENT_TOL, _LARGE_ROUNDS = 2000, 2e-5, 2
_LARGE_PROGRAM_TOL = 0.5
# Violated directions added in one round.
_CANDIDATES = 200
_RANDOM_STARTS = 256
# A search that finds nothing is repeated with this many times the starts before it is believed.
_CONFIRMATION = 4
# Relative gap of the convex programs, in units of tol and at most; finer where rounds stall. A tenth of tol left
# networks of 84 neurons on planted where a hundredth leaves 54, for no time that could be measured.
_PROGRAM_TOL, _PROGRAM_GAP = 1e-2, 1e-5
# Share of a time limit that is kept for pruning and the final proof.
_PROOF_SHARE = 0.1
# Of the largest neuron's norm: what a descent leaves of neurons that should be zero.
_SPECKS = (1e-2, 1e-3, 1e-4, 1e-6)
# Seconds of the search that judges a network that a time limit or a callback has stopped.
_LAST_SEARCH_SECONDS = 0.2
# Seconds that one call of an exact oracle may be expected to take when training itself has no limit.
_ORACLE_SECONDS = 30.0
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


def train(
    problem: Problem,
    *,
    tol: float = 1e-3,
    max_seconds: float | None = None,
    patterns: ActivationPatterns | Any | None = None,
    random_state: Any = 0,
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
    random_state : int, RandomState or None, default 0
        Seed of the random starts. The same seed gives the same network on one machine with a fixed number of
        threads and no time limit.
    callback : callable, optional
        Called with a `TrainingRecord` after every round; returning True stops training. Given patterns are solved
        in one go, without rounds.
    verbose : int, default 0
        1 shows a line of progress on a terminal.
    start : ReLUNetwork, optional
        A network to improve, such as that of a neighbouring beta or one trained elsewhere: the first descent begins
        from it with fresh random neurons, and the first convex program has its patterns too. The result is never worse.
    max_rounds : int, optional
        Convex programs to solve at most. 0 ends after the descent, within some hundredths of the best objective in a
        small part of the time; its network is not pruned.
    prove : bool, default True
        Whether to spend time on evidence: exact oracles that take more than an instant, up to ten seconds at the end on
        raising the lower bound, and a repetition of the search that found nothing with four times the starts. Without,
        the certificate holds what was proved on the way, "no violation" rests on one search, and a network that a limit
        stopped is not searched; `certify` does the rest later.

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
    problem.require_trainable()
    tol = as_number(tol, "tol", positive=True)
    if max_seconds is not None:
        max_seconds = as_number(max_seconds, "max_seconds", positive=True)
    if start is not None:
        problem.require_fitting(start)
        if patterns is not None:
            raise ValueError("start must be left out where patterns are given; got both")
    if max_rounds is not None:
        max_rounds = as_count(max_rounds, "max_rounds")
        if patterns is not None:
            raise ValueError("max_rounds must be left out where patterns are given; got both")
    if problem.y.ndim == 2 and problem.n_outputs == 1:
        vector = problem.with_targets(problem.y[:, 0])
        return _as_matrix_output(
            train(
                vector,
                tol=tol,
                max_seconds=max_seconds,
                patterns=patterns,
                random_state=random_state,
                callback=callback,
                verbose=verbose,
                start=None if start is None else ReLUNetwork(start.hidden, start.output[:, 0], start.offset),
                max_rounds=max_rounds,
                prove=prove,
            )
        )
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
    with fitting_blas_threads(problem.X):
        if patterns is not None:
            require_realisable(problem.X, patterns)
            return train_on_patterns(problem, patterns, tol=tol, max_seconds=max_seconds)
        smooth, rough = smoothed(problem, tol)
        run = _Training(smooth, rough, tol, max_seconds, rng, callback, start, max_rounds, prove)
        with StatusLine(verbose) as line:
            try:
                status = run.rounds(line)
            except KeyboardInterrupt:
                status = TrainingStatus.INTERRUPTED
        result = run.finish(status)
    return result if smooth is problem else under_loss(problem, result)


def _as_matrix_output(result: TrainingResult) -> TrainingResult:
    """Return the result with output weights of shape (m, 1), for targets of shape (n, 1)."""
    network = result.network
    return TrainingResult(
        ReLUNetwork(network.hidden, network.output[:, None], network.offset),
        result.certificate,
        result.status,
        result.history,
    )


def _one_output_each(network: ReLUNetwork) -> ReLUNetwork:
    """Return the same function with a neuron for every output weight that is not zero."""
    neurons, outputs = np.nonzero(network.output)
    output = np.zeros((len(neurons), network.n_outputs))
    output[np.arange(len(neurons)), outputs] = network.output[neurons, outputs]
    return ReLUNetwork(network.hidden[:, neurons], output, network.offset)


@dataclass(eq=False)
class _Training:
    """The state of one run: best atoms, best bound, history; each only ever improves.

    The problem's loss is smooth. ``rough`` is the problem that descents see: the same, or with a smoother loss.
    """

    problem: Problem
    rough: Problem
    tol: float
    max_seconds: float | None
    rng: np.random.Generator
    callback: TrainingCallback | None
    start: ReLUNetwork | None = None
    max_rounds: int | None = None
    proves: bool = True
    history: list[TrainingRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.atoms = Atoms.none(self.problem)
        self.offset = self.problem.null_offset()
        self.network = self.atoms.network(self.problem, self.offset)
        self.objective = self.problem.objective(self.network)
        self.lower_bound, self.proof = 0.0, "non-negative objective"
        self.is_large = False
        self.program_tol = min(_PROGRAM_GAP, _PROGRAM_TOL * self.tol)
        self.oracle: Oracle | None = None
        self.descended = self.atoms
        self.violation: float | None = None  # of the best network; None where no search has seen it

    def rounds(self, line: StatusLine) -> TrainingStatus:
        """Run rounds until a reason to stop."""
        self.oracle = self.affordable_oracle()
        # With an exact oracle the gap closes, and a proof is worth the time.
        self.is_large = self.oracle is None and self.problem.n_samples * self.width() >= _LARGE
        if self.is_large:
            self.program_tol = _LARGE_PROGRAM_TOL * self.tol
        self.first_descent()
        status = self.record(0, None, line)
        if status is not None:
            return status
        before = self.objective
        self.first_program()
        number, violations = 1, None
        while (status := self.record(number, violations, line)) is None:
            if self.is_large and self.max_seconds is None:
                little = before - self.objective <= self.tol * self.objective
                if little or number >= _LARGE_ROUNDS:
                    return TrainingStatus.MAX_ROUNDS
            before = self.objective
            number, violations = number + 1, self.look()
            status = self.reason_to_stop(violations)
            if status is not None:
                self.record(number, violations, line)
                return status
            status = self.improve(violations)
            if status is not None:
                return status
        return status

    def affordable_oracle(self) -> Oracle | None:
        """Return an exact oracle, where one is affordable and asked for."""
        if self.max_rounds == 0:
            return None
        # An exact call cannot be cut short, so under a time limit it may be expected to take a fifth of it at most.
        seconds = _ORACLE_SECONDS if self.max_seconds is None else 0.2 * self.max_seconds
        return exact_oracle(
            self.problem.X,
            max_seconds=seconds if self.proves else 0.0,
            n_outputs=self.problem.n_outputs,
            output_norm=self.problem.output_norm,
        )

    def improve(self, violations: Violations) -> TrainingStatus | None:
        """Solve the convex program with the violated patterns added, more finely where they seem to bring nothing."""
        before = self.objective
        self.convexify(self.atoms.join(violations.candidates))
        if self.objective < before * (1.0 - 1e-12):
            return None
        # The program's own gap hides what the new directions bring: solve it more finely, then give up.
        stalled = self.program_tol <= 1e-10
        self.program_tol *= 0.1
        return TrainingStatus.STALLED if stalled else None

    def first_descent(self) -> None:
        """Descend from small random neurons, or from the given network with random neurons added; keep all patterns.

        Patterns are kept also of a network no better than none.
        """
        if self.start is None:
            self.descended = self.descend_from(small_random_network(self.problem, self.width(), self.rng))
            return
        per_class = self.problem.output_norm == "l1" and self.start.output.ndim == 2
        start = _one_output_each(self.start) if per_class else self.start
        given = Atoms.of_network(self.problem, start)
        self.accept(given, start.offset)
        widened = with_fresh_neurons(self.problem, start, self.width_beside(start), self.rng)
        self.descended = given.join(self.descend_from(widened))

    def first_program(self) -> None:
        """Solve the program on the patterns of the first descent; where data are large, on those that matter first."""
        before = self.objective
        if self.is_large:
            self.convexify(self.descended.without_specks(_LARGE_VANISHED))
        if not self.is_large or self.objective >= before:
            self.convexify(self.descended)

    def descend_from(self, start: ReLUNetwork) -> Atoms:
        """Descend from a network, keep it if it is the best so far, and return its atoms."""
        try:
            network = descend(
                self.rough,
                start,
                max_iterations=_LARGE_DESCENT_ITERATIONS if self.is_large else _DESCENT_ITERATIONS,
                tol=_LARGE_DESCENT_TOL if self.is_large else _DESCENT_TOL,
                max_seconds=self.limit(),
            )
        except DescentInterrupted as interrupt:
            self.accept(Atoms.of_network(self.problem, interrupt.network), interrupt.network.offset)
            raise
        atoms = Atoms.of_network(self.problem, network)
        self.accept(atoms, network.offset)
        return atoms

    def width(self) -> int:
        """Return the neurons of a descent, by a guess at the critical beta over beta."""
        problem = self.problem
        lam = problem.dual_variable(np.broadcast_to(problem.null_offset(), problem.y.shape))
        lam = lam.reshape(problem.n_samples, -1)
        critical = max(np.linalg.norm(problem.X.T @ part, 2) for part in (lam, np.maximum(lam, 0.0)))
        wanted = _NEURONS * np.sqrt(critical / problem.beta)
        return int(min(np.clip(wanted, _FEWEST_NEURONS, _MOST_NEURONS), 10 * problem.n_samples))

    def width_beside(self, start: ReLUNetwork) -> int:
        """Return the fresh neurons beside those of a network; fewer where only the descent counts."""
        width = self.width()
        return width if self.max_rounds != 0 else max(width - start.n_neurons, width // _FRESH_SHARE)

    def look(self) -> Violations:
        """Ask for violated directions: by a descent first, then by the oracle; keep the bound that it proves."""
        lam = self.problem.dual_variable(self.network.predict(self.problem.X))
        violations = self.asked(lam)
        if violations.lower_bound > self.lower_bound:
            self.lower_bound, self.proof = violations.lower_bound, violations.proof
        self.violation = violations.value
        return violations

    def asked(self, lam: Array) -> Violations:
        """Return the violations at lam; the dearer ways to find them are taken when the cheaper ones find few."""
        if self.oracle is not None and self.oracle.is_cheap:
            return self.violations_of(lam, _RANDOM_STARTS)
        explored = self.explored(lam)
        if explored.value > self.tol and self.seconds_left() > 0:
            return explored
        violations = explored.join(self.violations_of(lam, _RANDOM_STARTS))
        confirm = self.oracle is None and self.proves
        if confirm and violations.value <= self.tol and self.seconds_left() > 0:
            violations = violations.join(self.violations_of(lam, _CONFIRMATION * _RANDOM_STARTS))
        return violations

    def explored(self, lam: Array) -> Violations:
        """Return the violations at lam that a descent meets."""
        exploration = explore(
            self.problem,
            self.rough,
            self.atoms,
            self.offset,
            lam,
            n_fresh=self.width(),
            rng=self.rng,
            max_seconds=self.limit(),
        )
        return explored_violations(self.problem, exploration, tol=self.tol, limit=_CANDIDATES)

    def violations_of(self, lam: Array, n_random: int, max_seconds: float | None = None) -> Violations:
        """Return the violations at lam that the oracle or a search finds."""
        limits = [limit for limit in (max_seconds, self.limit()) if limit is not None]
        return find_violations(
            self.problem,
            lam,
            self.atoms,
            self.oracle,
            tol=self.tol,
            limit=_CANDIDATES,
            n_random=n_random,
            rng=self.rng,
            max_seconds=max(limits, default=None),
        )

    def record(self, number: int, violations: Violations | None, line: StatusLine) -> TrainingStatus | None:
        """Add a round to the history, show it, and return a reason to stop, or None."""
        seconds = time.perf_counter() - self.started
        value = None if violations is None else violations.value
        entry = TrainingRecord(
            number, seconds, self.objective, self.lower_bound, self.network.n_neurons, value
        )
        self.history.append(entry)
        line.show(entry.in_words())
        if self.callback is not None and self.callback(entry) is True:
            return TrainingStatus.STOPPED
        stop = self.reason_to_stop(None)
        return TrainingStatus.MAX_ROUNDS if stop is None and number == self.max_rounds else stop

    def reason_to_stop(self, violations: Violations | None) -> TrainingStatus | None:
        """Return why to stop here, or None; violations are the current network's, where it has been looked at."""
        if self.objective - self.lower_bound <= self.tol * self.objective:
            return TrainingStatus.PROVEN
        if self.oracle is None and violations is not None and violations.value <= self.tol:
            return TrainingStatus.NO_VIOLATION
        return TrainingStatus.MAX_SECONDS if self.seconds_left() <= 0 else None

    def convexify(self, atoms: Atoms) -> None:
        """Solve the convex program on the atoms' patterns, and keep the result if it is better.

        The program holds output directions fixed. Where they are free, a descent along the faces moves them, and the
        program is solved again with what it found.
        """
        self.solve_program(atoms)
        if self.problem.n_outputs > 1 and self.problem.output_norm == "l2" and len(self.atoms):
            moved, offset = polish(
                self.problem, self.atoms, self.offset, tol=self.program_tol, max_seconds=self.limit()
            )
            self.accept(moved, offset)
            self.solve_program(moved)

    def solve_program(self, atoms: Atoms) -> None:
        """Solve the convex program on the atoms' patterns and signs, and keep the result if it is better."""
        if len(atoms) and self.seconds_left() > 0:
            solved, solution = convexify(self.problem, atoms, tol=self.program_tol, max_seconds=self.limit())
            self.accept(solved, solution.offset)
            if solution.status is SolveStatus.INTERRUPTED:
                raise KeyboardInterrupt

    def accept(self, atoms: Atoms, offset: Array) -> None:
        """Keep a network if its objective, recomputed, is the best so far."""
        network = atoms.network(self.problem, offset)
        objective = self.problem.objective(network)
        if objective < self.objective:
            self.atoms, self.offset, self.network, self.objective = atoms, offset, network, objective
            self.violation = None

    def finish(self, status: TrainingStatus) -> TrainingResult:
        """Prune to a basic network and certify it; an interrupt ends both early."""
        try:
            self.simplify()
            if self.violation is None and self.proves and status not in _SEARCHED:
                lam = self.problem.dual_variable(self.network.predict(self.problem.X))
                self.violation = self.violations_of(lam, _RANDOM_STARTS, _LAST_SEARCH_SECONDS).value
            if self.proves and self.objective - self.lower_bound > self.tol * self.objective:
                self.prove(hurried=status is TrainingStatus.INTERRUPTED)
        except KeyboardInterrupt:
            status = TrainingStatus.INTERRUPTED
        certificate = make_certificate(
            self.objective,
            self.lower_bound,
            tol=self.tol,
            method=self.proof,
            scope="network",
            search_violation=self.violation,
        )
        if certificate.proven and status not in (TrainingStatus.INTERRUPTED, TrainingStatus.STOPPED):
            status = TrainingStatus.PROVEN
        return TrainingResult(self.network, certificate, status, tuple(self.history))

    def prove(self, *, hurried: bool) -> None:
        """Raise the lower bound as far as the time for it allows: exactly where that is affordable."""
        lam = self.problem.dual_variable(self.network.predict(self.problem.X))
        if self.oracle is not None and (self.oracle.is_cheap or not hurried):
            exact = self.oracle.maximise(lam)
            bounds = [(dual_bound(self.problem, lam, exact.upper), exact.method)]
        else:
            left = self.seconds_left() + (
                0.0 if self.max_seconds is None else _PROOF_SHARE * self.max_seconds
            )
            most = _HURRIED_PROOF_SECONDS if hurried or self.is_large else _PROOF_SECONDS
            seconds = max(min(most, left), 0.0)
            bounds = [relaxed_bound(self.problem, lam, max_seconds=seconds)]
        self.lower_bound, self.proof = max([*bounds, (self.lower_bound, self.proof)])

    def simplify(self) -> None:
        """Merge equal directions, prune to a basic network, leave out specks: what does not raise the objective."""
        if len(self.atoms) == 0:
            return
        if self.max_rounds != 0:
            self.replace(basic_atoms(self.problem, self.atoms))
        for share in _SPECKS:
            if self.replace(self.atoms.without_specks(share)):
                return

    def replace(self, atoms: Atoms) -> bool:
        """Take simpler atoms in place of the network's if the objective is the same to rounding, or lower."""
        network = atoms.network(self.problem, self.offset)
        objective = self.problem.objective(network)
        if objective <= self.objective * (1.0 + 1e-9):
            self.atoms, self.network, self.objective = atoms, network, objective
            return True
        return False

    def seconds_left(self) -> float:
        """Return the seconds left for rounds, infinity without a limit."""
        if self.max_seconds is None:
            return np.inf
        return (1.0 - _PROOF_SHARE) * self.max_seconds - (time.perf_counter() - self.started)

    def limit(self) -> float | None:
        """Return the seconds left as a limit for a step, None without one."""
        return None if self.max_seconds is None else max(self.seconds_left(), 0.0)
