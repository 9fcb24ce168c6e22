"""The rounds of training: descend, convexify, grow, until there is a reason to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvxnn.atoms import Atoms
from cvxnn.certificates import Oracle, exact_oracle
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.training.convex_step import convexify
from cvxnn.training.descent import DescentInterrupted, descend, small_random_network
from cvxnn.training.exploration import with_fresh_neurons
from cvxnn.training.polishing import polish
from cvxnn.training.result import TrainingRecord
from cvxnn.training.state import TrainingState
from cvxnn.training.violation_search import find_violations
from cvxnn.training.violations import Violations
from cvxnn.units import Units

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
# Relative gap of the convex programs, in units of tol and at most; finer where rounds stall. A tenth of tol left
# networks of 84 neurons on planted where a hundredth leaves 54, for no time that could be measured.
_PROGRAM_TOL, _PROGRAM_GAP = 1e-2, 1e-5
# Seconds that one call of an exact oracle may be expected to take when training itself has no limit.
_ORACLE_SECONDS = 30.0
# Share of a time limit that is kept for pruning and the final proof.
_PROOF_SHARE = 0.1


@dataclass(eq=False)
class Rounds:
    """The loop of training: it owns the oracle, the tolerances, the clock and what counts as large.

    What it finds is in its state at any moment, also when it is interrupted.

    Parameters
    ----------
    state : TrainingState
        What is known; changed in place.
    rough : Problem
        The problem that descents see: that of the state, or with a smoother loss.
    tol : float
        Relative gap asked for.
    deadline : Deadline
        For all that training does; rounds leave a tenth of it to the end.
    rng : numpy.random.Generator
        Source of random starts.
    proves : bool
        Whether time is spent on evidence.
    units : Units
        What the history's objectives are measured in.
    callback : callable, optional
        Called with every round's record; returning True stops training.
    start : ReLUNetwork, optional
        A network to improve.
    max_rounds : int, optional
        Convex programs to solve at most.
    """

    state: TrainingState
    rough: Problem
    tol: float
    deadline: Deadline
    rng: np.random.Generator
    proves: bool
    units: Units
    callback: TrainingCallback | None = None
    start: ReLUNetwork | None = None
    max_rounds: int | None = None

    def __post_init__(self) -> None:
        self.oracle: Oracle | None = None  # exact, where one is affordable
        self.is_large = False
        self.program_tol = min(_PROGRAM_GAP, _PROGRAM_TOL * self.tol)
        self.descended = self.state.atoms

    @property
    def rounds_deadline(self) -> Deadline:
        """Return when rounds have to end: the rest of the time is for pruning and the final proof."""
        return self.deadline.part(1.0 - _PROOF_SHARE)

    def run(self, line: StatusLine) -> SolveStatus:
        """Run rounds until a reason to stop."""
        state = self.state
        self.oracle = self.affordable_oracle()
        # With an exact oracle the gap closes, and a proof is worth the time.
        self.is_large = self.oracle is None and state.problem.n_samples * self.width() >= _LARGE
        if self.is_large:
            self.program_tol = _LARGE_PROGRAM_TOL * self.tol
        self.first_descent()
        status = self.record(0, None, line)
        if status is not None:
            return status
        before = state.objective
        self.first_program()
        number, violations = 1, None
        while (status := self.record(number, violations, line)) is None:
            if self.is_large and self.deadline.limit() is None:
                little = before - state.objective <= self.tol * state.objective
                if little or number >= _LARGE_ROUNDS:
                    return SolveStatus.MAX_ROUNDS
            before = state.objective
            number, violations = number + 1, self.look()
            status = self.reason_to_stop(violations)
            if status is not None:
                self.record(number, violations, line)
                return status
            status = self.grow(violations)
            if status is not None:
                return status
        return status

    def affordable_oracle(self) -> Oracle | None:
        """Return an exact oracle, where one is affordable and asked for."""
        if self.max_rounds == 0:
            return None
        # An exact call cannot be cut short, so under a time limit it may be expected to take a fifth of it at most.
        seconds = _ORACLE_SECONDS if self.deadline.limit() is None else 0.2 * self.deadline.max_seconds
        problem = self.state.problem
        return exact_oracle(
            problem.X,
            max_seconds=seconds if self.proves else 0.0,
            n_outputs=problem.n_outputs,
            output_norm=problem.output_norm,
        )

    def grow(self, violations: Violations) -> SolveStatus | None:
        """Solve the convex program with the violated patterns added, more finely where they seem to bring nothing."""
        state = self.state
        before = state.objective
        self.convexify_and_polish(state.atoms.join(violations.candidates))
        if state.objective < before * (1.0 - 1e-12):
            return None
        # The program's own gap hides what the new directions bring: solve it more finely, then give up.
        stalled = self.program_tol <= 1e-10
        self.program_tol *= 0.1
        return SolveStatus.STALLED if stalled else None

    def first_descent(self) -> None:
        """Descend from small random neurons, or from the given network with random neurons added; keep all patterns.

        Patterns are kept also of a network no better than none.
        """
        state = self.state
        if self.start is None:
            self.descended = self.descend(small_random_network(state.problem, self.width(), self.rng))
            return
        per_class = state.problem.output_norm == "l1" and self.start.n_outputs > 1
        start = _one_output_each(self.start) if per_class else self.start
        given = Atoms.of_network(state.problem, start)
        state.accept(given, start.offset)
        widened = with_fresh_neurons(state.problem, start, self.width_beside(start), self.rng)
        self.descended = given.join(self.descend(widened))

    def first_program(self) -> None:
        """Solve the program on the patterns of the first descent; where data are large, on those that matter first."""
        state = self.state
        before = state.objective
        if self.is_large:
            self.convexify_and_polish(self.descended.without_specks(_LARGE_VANISHED))
        if not self.is_large or state.objective >= before:
            self.convexify_and_polish(self.descended)

    def descend(self, start: ReLUNetwork) -> Atoms:
        """Descend from a network, keep it if it is the best so far, and return its atoms."""
        state = self.state
        try:
            network = descend(
                self.rough,
                start,
                max_iterations=_LARGE_DESCENT_ITERATIONS if self.is_large else _DESCENT_ITERATIONS,
                tol=_LARGE_DESCENT_TOL if self.is_large else _DESCENT_TOL,
                max_seconds=self.rounds_deadline.limit(),
            )
        except DescentInterrupted as interrupt:
            state.accept(Atoms.of_network(state.problem, interrupt.network), interrupt.network.offset)
            raise
        atoms = Atoms.of_network(state.problem, network)
        state.accept(atoms, network.offset)
        return atoms

    def width(self) -> int:
        """Return the neurons of a descent, by a guess at the critical beta over beta."""
        problem = self.state.problem
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
        """Look for directions that violate the dual, and keep the bound that an oracle proves."""
        violations = find_violations(
            self.state,
            rough=self.rough,
            oracle=self.oracle,
            tol=self.tol,
            n_fresh=self.width(),
            confirms=self.proves,
            rng=self.rng,
            deadline=self.rounds_deadline,
        )
        self.state.raise_bound(violations.lower_bound, violations.proof)
        self.state.violation = violations.value
        return violations

    def record(self, number: int, violations: Violations | None, line: StatusLine) -> SolveStatus | None:
        """Add a round to the history, show it, and return a reason to stop, or None."""
        state = self.state
        value = None if violations is None else violations.value
        objective, bound = (self.units.objective(number) for number in (state.objective, state.lower_bound))
        entry = TrainingRecord(
            number, self.deadline.elapsed, objective, bound, state.network.n_neurons, value
        )
        state.history.append(entry)
        line.show(entry.in_words())
        if self.callback is not None and self.callback(entry) is True:
            return SolveStatus.STOPPED
        stop = self.reason_to_stop(None)
        return SolveStatus.MAX_ROUNDS if stop is None and number == self.max_rounds else stop

    def reason_to_stop(self, violations: Violations | None) -> SolveStatus | None:
        """Return why to stop here, or None; violations are the current network's, where it has been looked at."""
        if self.state.is_proven_to(self.tol):
            return SolveStatus.PROVEN
        if self.rounds_deadline.is_over:  # a look that time has cut short says nothing
            return SolveStatus.MAX_SECONDS
        if self.oracle is None and violations is not None and violations.value <= self.tol:
            return SolveStatus.NO_VIOLATION
        return None

    def convexify_and_polish(self, atoms: Atoms) -> None:
        """Solve the convex program on the atoms' patterns, and keep the result if it is better.

        The program holds output directions fixed. Where they are free, a descent along the faces moves them, and the
        program is solved again with what it found.
        """
        state = self.state
        self.convexify(atoms)
        if state.problem.n_outputs > 1 and state.problem.output_norm == "l2" and len(state.atoms):
            limit = self.rounds_deadline.limit()
            moved, offset = polish(
                state.problem, state.atoms, state.offset, tol=self.program_tol, max_seconds=limit
            )
            state.accept(moved, offset)
            self.convexify(moved)

    def convexify(self, atoms: Atoms) -> None:
        """Solve the convex program on the atoms' patterns and signs, and keep the result if it is better."""
        deadline = self.rounds_deadline
        if len(atoms) and not deadline.is_over:
            solved, solution = convexify(
                self.state.problem, atoms, tol=self.program_tol, max_seconds=deadline.limit()
            )
            self.state.accept(solved, solution.offset)
            if solution.status is SolveStatus.INTERRUPTED:
                raise KeyboardInterrupt


def _one_output_each(network: ReLUNetwork) -> ReLUNetwork:
    """Return the same function with a neuron for every output weight that is not zero."""
    neurons, outputs = np.nonzero(network.output)
    output = np.zeros((len(neurons), network.n_outputs))
    output[np.arange(len(neurons)), outputs] = network.output[neurons, outputs]
    return ReLUNetwork(network.hidden[:, neurons], output, network.offset)
