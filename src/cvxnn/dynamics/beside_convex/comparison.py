"""A network along its trajectory beside the optimum of the convex program on the patterns it has at the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import PositivePart
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.solvers import Solution, Solver, solve
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number, within_float64


@short_repr
@dataclass(frozen=True, eq=False)
class ConvexComparison:
    """One network at k times of its trajectory, and the convex optimum on its patterns at each of them.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Times, as in the trajectory.
    objective : ndarray of shape (k,)
        The network's training objective.
    optimum : ndarray of shape (k,)
        What the solver attained in the convex program on the network's patterns; never above ``objective``.
    lower_bound : ndarray of shape (k,)
        Proven lower bound on that optimum (of scope "program": on these patterns only).
    unique_patterns : int ndarray of shape (k,)
        Different patterns of non-zero neurons.
    changed : bool ndarray of shape (k,)
        Whether the blocks of the program differ from those of the time before; False at the first time.
    solution : Solution or None
        That of the last program; None where all neurons were zero.
    """

    times: Array
    objective: Array
    optimum: Array
    lower_bound: Array
    unique_patterns: NDArray[np.int64]
    changed: NDArray[np.bool_]
    solution: Solution | None

    @property
    def gap(self) -> Array:
        """Return the relative gaps of the programs' solutions, ``(optimum - lower_bound) / optimum``."""
        positive = np.where(self.optimum > 0, self.optimum, 1.0)
        return np.where(self.optimum > 0, (self.optimum - self.lower_bound) / positive, 0.0)

    @property
    def settled_at(self) -> float:
        """Return the first of the compared times from which on the patterns are those of the end."""
        changes = np.flatnonzero(self.changed)
        return float(self.times[changes[-1] if changes.size else 0])

    @property
    def passes_initial_at(self) -> float:
        """Return the first time the network is below all networks of its initial patterns; infinite if never.

        Judged by the proven lower bound of the first program.
        """
        below = np.flatnonzero(self.objective < self.lower_bound[0])
        return float(self.times[below[0]]) if below.size else np.inf


@keep_old_arguments(network="index")
@on_one_blas_thread
def convex_comparison(
    problem: Problem,
    trajectory: Trajectory,
    *,
    index: int = 0,
    at: Sequence[int] | None = None,
    both_signs: bool = False,
    solver: str | Solver = "auto",
    tol: float = 1e-6,
) -> ConvexComparison:
    """Solve, at recorded times, the convex program on the patterns that a network has there.

    The program ``min ell(sum_b s_b D_b X w_b, y) + beta sum_b ||w_b||``, ``(2 D_b - I) X w_b >= 0``, has a block for
    each pattern and output sign of the network's neurons. Its optimum is the least objective that networks of these
    patterns can have, so it is never above the network's own.

    Parameters
    ----------
    problem : Problem
        One output, beta > 0. It need not be the problem of the simulation: for a trajectory simulated without weight
        decay give ``problem.with_beta(small)``; both curves are of this problem.
    trajectory : Trajectory
        With the record "weights", of ReLU networks.
    index : int, default 0
        Which of the trajectory's networks.
    at : sequence of int, optional
        Indices of the recorded times to compare at, ascending; all by default.
    both_signs : bool, default False
        Whether each pattern has a block for either sign. By default a pattern has those of its neurons only: along a
        gradient flow that starts balanced, signs never change.
    solver : str or Solver, default "auto"
        Of the programs, as for `solve`. "interior_point" is some four times faster on a hundred samples, twenty blocks.
    tol : float, default 1e-6
        Relative gap to which programs are solved.

    Returns
    -------
    ConvexComparison

    Raises
    ------
    ValueError
        If weights were not recorded, the activation is not ReLU, the problem does not fit, ``at`` is not a list of
        ascending indices, or the network diverged.

    Notes
    -----
    Patterns are ``1[X u >= 0]``. Neurons with u = 0 or a = 0 add nothing and name no pattern. A program starts from
    the better of two points: the solution before it, on the blocks that are still there, and the network's own blocks
    ``|a_j| u_j``. Where no block changed the solution before it is kept.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (sub-sampled convex programs and stationary points).

    Examples
    --------
    >>> from cvxnn.dynamics.descent.simulation import simulate
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> start = ReLUNetwork([[0.1, -0.1]], [0.1, 0.1])
    >>> trajectory = simulate(problem, start, n_steps=300, step_size=0.1, record="weights", n_records=4)
    >>> found = convex_comparison(problem, trajectory)
    >>> found.objective.round(4), found.optimum.round(4)
    (array([2.4721, 0.29  , 0.29  , 0.29  ]), array([0.29, 0.29, 0.29, 0.29]))
    """
    with within_float64("the problem and trajectory"):
        problem = as_problem(problem)
        problem.require_trainable()
        if problem.n_outputs != 1 or problem.output_offset:
            raise ValueError(f"problem must have one output and no output offset; got {problem!r}")
        problem = problem.one_output()
        tol = as_number(tol, "tol", positive=True)
        index = _require_networks(trajectory, index)
        indices = _as_indices(at, len(trajectory.times))
        rows: list[tuple[float, float, float, int, bool]] = []
        before: _Program | None = None
        for time in indices:
            current = trajectory.weights(time).network(index)
            objective = problem.objective(current)
            program = _Program.of(problem, current, both_signs)
            changed = before is not None and program.keys != before.keys
            if before is not None and not changed:
                program = before
            else:
                program = program.solved(before, solver, tol)
            value, bound = program.bracket(problem)
            # The network is itself a point of the program, in another order of summation.
            rows.append(
                (objective, min(value, objective), min(bound, objective), program.n_patterns, changed)
            )
            before = program
        objectives, optima, bounds, counts, changes = (np.array(column) for column in zip(*rows, strict=True))
        last = None if before is None else before.solution
        return ConvexComparison(trajectory.times[indices], objectives, optima, bounds, counts, changes, last)


@dataclass(frozen=True, eq=False)
class _Program:
    """The program on a network's patterns, the blocks of the network in it, and its solution once solved."""

    program: ReLUProgram | None  # None where all neurons are zero
    keys: tuple[bytes, ...]  # of the blocks, pattern and sign
    own: Array  # (d, B)
    solution: Solution | None = None

    @classmethod
    def of(cls, problem: Problem, network: ReLUNetwork, both_signs: bool) -> _Program:
        alive = network.prune_zeros()
        if alive.n_neurons == 0:
            return cls(None, (), np.zeros((problem.n_features, 0)))
        masks, signs = alive.patterns(problem.X), np.sign(alive.output).reshape(-1)
        blocks = alive.hidden * np.abs(alive.output).reshape(-1)
        if both_signs:
            masks, signs = np.hstack([masks, masks]), np.concatenate([signs, -signs])
            blocks = np.hstack([blocks, np.zeros_like(blocks)])
        codes = np.hstack([np.packbits(masks.T, axis=1), (signs > 0)[:, None]])
        kept, first, place = np.unique(codes, axis=0, return_index=True, return_inverse=True)
        own = np.zeros((problem.n_features, len(first)))
        np.add.at(own.T, place.reshape(-1), blocks.T)
        program = ReLUProgram(problem, masks[:, first], signs[first])
        return cls(program, tuple(code.tobytes() for code in kept), own)

    def solved(self, before: _Program | None, solver: str | Solver, tol: float) -> _Program:
        if self.program is None:
            return self
        starts = [self.own]
        if before is not None and before.solution is not None:
            starts.append(self._placed(before.keys, before.solution.blocks))
        start = min(starts, key=self.program.objective)
        # All zero is where solvers start anyway.
        solution = solve(self.program, solver, tol=tol, start=start if np.any(start) else None)
        return _Program(self.program, self.keys, self.own, solution)

    def _placed(self, keys: tuple[bytes, ...], blocks: Array) -> Array:
        """Return another program's blocks in the places of this one's; those that it does not have are left out."""
        places = {key: b for b, key in enumerate(self.keys)}
        W = np.zeros_like(self.own)
        for key, block in zip(keys, blocks.T, strict=True):
            if key in places:
                W[:, places[key]] = block
        return W

    @property
    def n_patterns(self) -> int:
        return 0 if self.program is None else len({key[:-1] for key in self.keys})

    def bracket(self, problem: Problem) -> tuple[float, float]:
        """Return the objective attained and the lower bound."""
        if self.solution is None:
            value = problem.loss_value(np.zeros_like(problem.y), np.zeros(1))
            return value, value
        return self.solution.objective, self.solution.certificate.lower_bound


def _require_networks(trajectory: Trajectory, index: Any) -> int:
    if trajectory.activation != PositivePart(1):
        raise ValueError(f"trajectory must be of ReLU networks; got {trajectory.activation!r}")
    number, n_networks = as_count(index, "index"), trajectory.final.n_networks
    if number >= n_networks:
        raise ValueError(f"index must be below {n_networks}, the number of networks; got {index}")
    return number


def _as_indices(at: Sequence[int] | None, n_times: int) -> NDArray[np.intp]:
    if at is None:
        return np.arange(n_times)
    indices = np.asarray(at)
    if indices.ndim != 1 or indices.size == 0 or indices.dtype.kind not in "iu":
        raise ValueError(f"at must hold indices of recorded times; got {at!r}")
    placed = np.where(indices < 0, indices + n_times, indices).astype(np.intp)
    if placed[0] < 0 or placed[-1] >= n_times or np.any(np.diff(placed) <= 0):
        raise ValueError(f"at must be ascending indices of {n_times} recorded times; got {at!r}")
    return placed
