"""The rounds of training: descend, convexify, grow, until there is a reason to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvxnn.atoms import Atoms
from cvxnn.certificates import Oracle, exact_oracle, search
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.status_line import StatusLine
from cvxnn.statuses import SolveStatus
from cvxnn.training.convex_step import convexify, is_steep, program_seconds
from cvxnn.training.descent import DescentInterrupted, affordable_width, descend, small_random_network
from cvxnn.training.exploration import judge, with_fresh_neurons
from cvxnn.training.polishing import polish
from cvxnn.training.result import TrainingRecord
from cvxnn.training.state import Progress, TrainingState
from cvxnn.training.violation_search import find_violations
from cvxnn.training.violations import Violations
from cvxnn.units import Units

TrainingCallback = Callable[[TrainingRecord], object]

# Neurons of a descent: this times the root of the critical beta over beta, between limits. Optimal networks have more
# neurons the smaller beta is, and wide descents save rounds: on concrete, wine and housing at 0.005 of the critical
# beta a network is where 25 and at most 800 have it in two thirds of the time.
_NEURONS = 60.0
_FEWEST_NEURONS, _MOST_NEURONS = 100, 1600
# The same where only descents count, as on a path of weight decays.
_QUICK_NEURONS, _QUICK_MOST = 25.0, 800
# Fresh neurons of an exploration, in units of those of the first descent.
_EXPLORING = 0.25
# Samples times features times neurons of a descent, at most, and samples times squared features times neurons, which
# the convex program takes: on bike a program of 250 descended neurons takes 2 s, one of 1,100 takes 25, and both are
# within 2e-4 of the optimum. But always so many neurons.
_WORK, _PROGRAM_WORK, _ALWAYS = 3e8, 1.1e9, 200
_DESCENT_ITERATIONS, _DESCENT_TOL = 400, 2e-4
# Where data are large, descended neurons below this part of the largest one's norm stay out of the first program unless
# it gains nothing: on bike it takes half the time without them and ends 2e-5 higher.
_LARGE_VANISHED = 3e-2
# Of a descent's neurons, one in so many is fresh where it starts from a network as wide as that.
_FRESH_SHARE = 4
# Of the time of rounds, what the first descent takes if it has more neurons than it needs at least; what it is owed of
# a time limit, however late it begins, and seconds of that at most; the smallest limit that is handed on.
_DESCENT_SHARE, _OWED_SHARE, _OWED_SECONDS, _LEAST_LIMIT = 0.85, 0.4, 0.25, 1e-6
# For each sample and neuron of a descended network, to merge it and look at its objective; and that for each feature.
_SECONDS_TO_KEEP, _SECONDS_TO_PASS = 1e-8, 1.5e-10
# Samples times neurons from which data are large: there a step of the convex program costs as much as hundreds of
# iterations of descent. Descent goes on for longer first, and without a time limit rounds end after a few, or after one
# that lowered the objective by less than tol.
_LARGE = 1 << 23
_LARGE_DESCENT_ITERATIONS, _LARGE_DESCENT_TOL, _LARGE_ROUNDS = 2000, 2e-5, 2
_LARGE_PROGRAM_TOL = 0.5
# Relative gap of the convex programs, in units of tol and at most; finer where rounds stall, and for the last one: a
# tenth of tol alone left networks of 84 neurons on planted where a hundredth leaves 54.
_PROGRAM_TOL, _PROGRAM_GAP = 1e-1, 1e-4
_LAST_PROGRAM_TOL, _LAST_PROGRAM_GAP, _LAST_SECONDS = 1e-2, 1e-5, 0.5
# Relative difference of objectives that are the same.
_SAME = 1e-9
# Seconds that one call of an exact oracle may be expected to take when training itself has no limit.
_ORACLE_SECONDS = 30.0
# Seconds of a convex program beyond which training descends instead, without a time limit.
_DEAR = 20.0
# Random starts of the search that judges the network of the last, finer program.
_FEW_STARTS = 16
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
        self.width = self.width_of_descents()
        self.is_large = self.state.problem.n_samples * self.width >= _LARGE
        self.program_tol = min(_PROGRAM_GAP, _PROGRAM_TOL * self.tol)
        self.descended = self.state.atoms
        self.progress = Progress()
        self.last_violated = self.state.atoms

    @property
    def rounds_deadline(self) -> Deadline:
        """Return when rounds have to end: the rest of the time is for pruning and the final proof."""
        return self.deadline.part(1.0 - _PROOF_SHARE)

    def run(self, line: StatusLine) -> SolveStatus:
        """Run rounds until a reason to stop: first a network, then evidence."""
        self.first_descent()
        status = self.record(0, None, line)
        if status is not None:
            return status
        self.oracle = self.affordable_oracle()
        # With an exact oracle the gap closes, and a proof is worth the time.
        self.is_large = self.is_large and self.oracle is None
        if self.is_large:
            self.program_tol = _LARGE_PROGRAM_TOL * self.tol
        if not self.can_afford_program(self.descended):
            return self.descend_on(line)
        self.first_program()
        number, violations = 1, None
        while (status := self.record(number, violations, line)) is None:
            is_enough = self.progress.gain(1) <= self.tol or number >= _LARGE_ROUNDS
            if self.is_large and self.deadline.limit() is None and is_enough:
                return SolveStatus.MAX_ROUNDS
            number, violations = number + 1, self.look()
            status = self.reason_to_stop(violations)
            if status is not None:
                self.record(number, violations, line)
                return status
            status = self.grow(violations)
            if status is not None:
                return status
        return status

    def descend_on(self, line: StatusLine) -> SolveStatus:
        """Descend with fresh neurons, again and again, until that brings little: where convex programs are too dear."""
        number = 0
        while True:
            number += 1
            network = self.state.network
            self.descend(
                with_fresh_neurons(self.state.problem, network, self.width_beside(network), self.rng)
            )
            status = self.record(number, None, line)
            if status is not None:
                return status
            if self.progress.gain(1) <= self.tol:
                return SolveStatus.DESCENDED

    def can_afford_program(self, atoms: Atoms) -> bool:
        """Return whether the convex program of some atoms may be expected to end in half of the time left."""
        if self.is_large:
            atoms = atoms.without_specks(_LARGE_VANISHED)
        left = self.rounds_deadline.seconds_left
        return program_seconds(self.state.problem, len(atoms)) <= min(_DEAR, 0.5 * left)

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
        if self.deadline.limit() is not None:
            seconds = _DESCENT_SHARE * self.rounds_deadline.seconds_left
            self.width = affordable_width(self.rough, self.width, seconds, self.rng)
        if self.start is None:
            self.descended = self.descend(small_random_network(state.problem, self.width, self.rng))
            return
        per_class = state.problem.output_norm == "l1" and self.start.n_outputs > 1
        start = _one_output_each(self.start) if per_class else self.start
        given = Atoms.of_network(state.problem, start)
        state.accept(given, start.offset)
        n_fresh = self.width if self.max_rounds != 0 else self.width_beside(start)
        widened = with_fresh_neurons(state.problem, start, n_fresh, self.rng)
        self.descended = given.join(self.descend(widened))

    def first_program(self) -> None:
        """Solve the program on the patterns of the first descent; where data are large, on those that matter first."""
        state = self.state
        before = state.objective
        if self.is_large:
            self.convexify_and_polish(self.descended.without_specks(_LARGE_VANISHED))
        if not self.is_large or state.objective >= before:
            self.convexify_and_polish(self.descended)

    def descend(self, start: ReLUNetwork, max_iterations: int | None = None) -> Atoms:
        """Descend from a network, keep it if it is the best so far, and return its atoms."""
        state = self.state
        iterations, tol = _DESCENT_ITERATIONS, _DESCENT_TOL
        if self.is_large:
            iterations, tol = _LARGE_DESCENT_ITERATIONS, _LARGE_DESCENT_TOL
        iterations = iterations if max_iterations is None else min(iterations, max_iterations)
        limit = self.seconds_to_descend(start.n_neurons)
        try:
            network = descend(self.rough, start, max_iterations=iterations, tol=tol, max_seconds=limit)
        except DescentInterrupted as interrupt:
            state.accept(Atoms.of_network(state.problem, interrupt.network), interrupt.network.offset)
            raise
        atoms = Atoms.of_network(state.problem, network)
        state.accept(atoms, network.offset)
        return atoms

    def seconds_to_descend(self, n_neurons: int) -> float | None:
        """Return the time limit of a descent: what it takes to keep its network comes off.

        However late it comes, the first one has some time: without it there is no network.
        """
        most = self.deadline.max_seconds
        if most == np.inf:
            return None
        n, d = self.state.problem.X.shape
        left = self.rounds_deadline.seconds_left - n * n_neurons * (_SECONDS_TO_KEEP + d * _SECONDS_TO_PASS)
        owed = min(_OWED_SHARE * most, _OWED_SECONDS) if len(self.state.atoms) == 0 else 0.0
        return float(max(left, owed, _LEAST_LIMIT))

    def width_of_descents(self) -> int:
        """Return the neurons of a descent, by a guess at the critical beta over beta."""
        problem = self.state.problem
        lam = problem.dual_variable(np.broadcast_to(problem.null_offset(), problem.y.shape))
        lam = lam.reshape(problem.n_samples, -1)
        critical = max(np.linalg.norm(problem.X.T @ part, 2) for part in (lam, np.maximum(lam, 0.0)))
        factor, most = (_QUICK_NEURONS, _QUICK_MOST) if self.max_rounds == 0 else (_NEURONS, _MOST_NEURONS)
        size, n_features = problem.X.size, problem.n_features
        affordable = max(min(_WORK / size, _PROGRAM_WORK / (size * n_features)), _ALWAYS)
        wanted = np.clip(factor * np.sqrt(critical / problem.beta), _FEWEST_NEURONS, most)
        return int(min(wanted, affordable, 10 * problem.n_samples))

    def width_beside(self, start: ReLUNetwork) -> int:
        """Return the fresh neurons beside those of a network where only descents count."""
        return max(self.width - start.n_neurons, self.width // _FRESH_SHARE)

    def look(self) -> Violations:
        """Look for directions that violate the dual, and keep the bound that an oracle proves."""
        violations = find_violations(
            self.state,
            rough=self.rough,
            oracle=self.oracle,
            tol=self.tol,
            n_fresh=int(_EXPLORING * self.width),
            confirms=self.proves,
            rng=self.rng,
            deadline=self.rounds_deadline,
            is_enough=self.is_settled,
        )
        self.state.raise_bound(violations.lower_bound, violations.proof)
        self.state.violation, self.last_violated = violations.value, violations.candidates
        return violations

    def record(self, number: int, violations: Violations | None, line: StatusLine) -> SolveStatus | None:
        """Add a round to the history, show it, and return a reason to stop, or None."""
        state = self.state
        value = None if violations is None else violations.value
        objective, bound = (self.units.objective(number) for number in (state.objective, state.lower_bound))
        self.progress.add(state.objective)
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
        if violations is not None and self.is_settled(violations.value):
            return SolveStatus.SETTLED
        if violations is not None and self.oracle is None and violations.value <= self.tol:
            return SolveStatus.NO_VIOLATION
        return None

    def is_settled(self, violation: float) -> bool:
        """Return whether progress and a violation put the optimum within tol, where no exact oracle can tell.

        Of a network without neurons no progress tells anything, and a look that time has cut short says nothing.
        """
        known = self.oracle is None and len(self.state.atoms) > 0 and not self.rounds_deadline.is_over
        return known and self.progress.distance(violation) <= self.tol

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
            # Where the loss bends sharply, networks as good as this one have dual variables far from one another, and
            # that of the latest program keeps to the patterns that the last one violated.
            dual = solution.dual if is_steep(solution.program) else None
            self.state.accept(solved, solution.offset, rise=0.0 if dual is None else _SAME, dual=dual)
            if solution.status is SolveStatus.INTERRUPTED:
                raise KeyboardInterrupt

    def last_program(self) -> None:
        """Solve the program of the network's own patterns more finely: coarse ones have more neurons than it takes.

        On large data that would take seconds for a few neurons.
        """
        fine = min(_LAST_PROGRAM_GAP, _LAST_PROGRAM_TOL * self.tol)
        dear = program_seconds(self.state.problem, len(self.state.atoms)) > _LAST_SECONDS
        if fine >= self.program_tol or self.is_large or dear:
            return
        self.program_tol = fine
        self.convexify(self.state.atoms)
        if self.state.violation is None:
            self.state.violation = self.violation_again()

    def violation_again(self, max_seconds: float | None = None) -> float:
        """Return what the patterns of the last look, or a short search, say of a network that has hardly moved."""
        problem, lam = self.state.problem, self.state.dual_variable()
        if len(self.last_violated):
            largest = float(np.max(judge(problem, self.last_violated, lam)[1]))
        else:
            largest = search(
                problem.X,
                lam,
                n_random=_FEW_STARTS,
                random_state=self.rng,
                max_seconds=max_seconds,
                output_norm=problem.output_norm,
            ).value
        return largest / problem.beta - 1.0


def _one_output_each(network: ReLUNetwork) -> ReLUNetwork:
    """Return the same function with a neuron for every output weight that is not zero."""
    neurons, outputs = np.nonzero(network.output)
    output = np.zeros((len(neurons), network.n_outputs))
    output[np.arange(len(neurons)), outputs] = network.output[neurons, outputs]
    return ReLUNetwork(network.hidden[:, neurons], output, network.offset)
