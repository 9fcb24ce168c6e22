"""Gradient descent on a network beside projected gradient descent on its convex program, neuron by neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.deadlines import Deadline
from cvxnn.dynamics.descent.projected import projected_descent, relatively_compared
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.solvers import Solution, solve
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import Comparison, HypothesisError, require_balanced, require_no_zero_neuron
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, within_float64

# Relative gap to which the program is solved for comparison.
_GAP = 1e-8


@short_repr
@dataclass(frozen=True, eq=False)
class SideBySide:
    """Two descents from the same network, k times recorded.

    Parameters
    ----------
    steps : ndarray of shape (k,)
        Numbers of steps, those that both have come to.
    network_blocks : ndarray of shape (k, d, m)
        ``|a_j| u_j`` of gradient descent on the network.
    convex_blocks : ndarray of shape (k, d, m)
        ``w_j`` of projected gradient descent on the convex program: neuron j's pattern and sign at the start.
    network_objective, convex_objective : ndarray of shape (k,)
        Objectives of the two.
    left : bool ndarray of shape (k, m)
        Whether neuron j's pattern or output sign is not that of the start.
    solution : Solution
        The optimum of the convex program, as far as the solver came; its status says so.
    status : TrajectoryStatus
        Why the steps ended: FINISHED, or MAX_SECONDS where one of the two descents did.
    """

    steps: Array
    network_blocks: Array
    convex_blocks: Array
    network_objective: Array
    convex_objective: Array
    left: NDArray[np.bool_]
    solution: Solution
    status: TrajectoryStatus = TrajectoryStatus.FINISHED

    @property
    def cosines(self) -> Array:
        """Return the cosines between a neuron's two blocks, (k, m); 0 where one of them is zero."""
        products = np.sum(self.network_blocks * self.convex_blocks, axis=1)
        norms = self.network_norms * self.convex_norms
        return np.where(norms > 0, products / np.where(norms > 0, norms, 1.0), 0.0)

    @property
    def network_norms(self) -> Array:
        """Return ``|a_j| ||u_j||``, shape (k, m)."""
        return np.asarray(np.linalg.norm(self.network_blocks, axis=1))

    @property
    def convex_norms(self) -> Array:
        """Return ``||w_j||``, shape (k, m)."""
        return np.asarray(np.linalg.norm(self.convex_blocks, axis=1))

    def convex_against_optimum(self, *, tol: float = 1e-4) -> Comparison:
        """Compare projected descent's last objective with the optimum of the program: equal in the limit."""
        return relatively_compared(float(self.convex_objective[-1]), self.solution.objective, tol=tol)

    def network_against_optimum(self, *, tol: float = 1e-4) -> Comparison:
        """Compare gradient descent's last objective with the optimum of the program.

        While no neuron has left its pattern and sign it is at least the optimum; neurons that leave may take it below,
        so there nothing is predicted.

        Raises
        ------
        HypothesisError
            If a neuron left its pattern or sign.
        """
        if np.any(self.left):
            raise HypothesisError(
                f"neurons must keep to their patterns and signs; {int(np.sum(np.any(self.left, axis=0)))} of "
                f"{self.left.shape[1]} left theirs"
            )
        return relatively_compared(
            float(self.network_objective[-1]), self.solution.objective, "at least", tol=tol
        )


@on_one_blas_thread
def side_by_side(
    problem: Problem,
    network: ReLUNetwork,
    *,
    n_steps: int,
    step_size: float,
    convex_step_size: float | None = None,
    n_records: int = 101,
    max_seconds: float | None = None,
) -> SideBySide:
    """Run gradient descent on a network and projected gradient descent on the convex program of its patterns.

    Both start from the same network; the program has one block for each neuron, of the neuron's pattern and sign, two
    neurons of one pattern having a block each. `block_velocities` says how the two directions are related.

    Parameters
    ----------
    problem : Problem
        One output, beta > 0, smooth loss.
    network : ReLUNetwork
        Where both start; neurons with u = 0 or a = 0 are dropped. Unless it is balanced the convex objective starts
        below the network's.
    n_steps : int
        Steps of both.
    step_size : float
        Step size on the network.
    convex_step_size : float, optional
        Step size on the program; by default that of `projected_descent`.
    n_records : int, default 101
        At how many steps both are recorded.
    max_seconds : float, optional
        Time limit: a third for each descent and for the solver, and what those before left.

    Raises
    ------
    ValueError
        If an argument is wrong, no neuron is non-zero, or gradient descent diverges.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> start = ReLUNetwork([[0.1, -0.1]], [0.1, 0.1])
    >>> both = side_by_side(problem, start, n_steps=300, step_size=0.1)
    >>> both.cosines[-1].round(6), both.network_norms[-1].round(6), both.convex_norms[-1].round(6)
    (array([1., 1.]), array([0.9, 1.9]), array([0.9, 1.9]))
    >>> both.network_against_optimum().holds, both.convex_against_optimum().holds
    (True, True)
    """
    with within_float64("the problem, network and step sizes"):
        problem, network = as_problem(problem), as_network(network)
        problem.require_trainable()
        network = problem.fitting(network)
        network = network.prune_zeros()
        if network.n_neurons == 0:
            raise ValueError("network must have a non-zero neuron; found none")
        deadline = Deadline.after(max_seconds)
        masks, signs = network.patterns(problem.X), np.sign(network.output).reshape(-1)
        program = ReLUProgram(problem, masks, signs)
        trajectory = simulate(
            problem,
            network,
            n_steps=n_steps,
            step_size=step_size,
            record=("objective", "weights"),
            n_records=n_records,
            max_seconds=deadline.share(1 / 3).limit(),
        )
        if trajectory.status is TrajectoryStatus.INTERRUPTED:  # there is nothing yet to put beside it
            raise KeyboardInterrupt
        if trajectory.diverged[0]:
            raise ValueError(
                f"step_size must be one for which gradient descent does not diverge; got {step_size!r}"
            )
        start = network.hidden * np.abs(network.output).reshape(-1)
        path = projected_descent(
            program,
            start,
            n_steps=n_steps,
            step_size=convex_step_size,
            n_records=n_records,
            max_seconds=deadline.share(1 / 2).limit(),
        )
        both, ours, theirs = np.intersect1d(trajectory.times, path.steps, return_indices=True)
        ended = TrajectoryStatus.MAX_SECONDS in (trajectory.status, path.status)
        return SideBySide(
            both,
            (trajectory["hidden"][:, 0] * np.abs(trajectory["output"]))[ours],
            path.blocks[theirs],
            trajectory["objective"][ours, 0],
            path.objective[theirs],
            _left(problem, trajectory, masks, signs)[ours],
            solve(program, tol=_GAP, max_seconds=deadline.limit()),
            TrajectoryStatus.MAX_SECONDS if ended else TrajectoryStatus.FINISHED,
        )


def _left(
    problem: Problem, trajectory: Trajectory, masks: NDArray[np.bool_], signs: Array
) -> NDArray[np.bool_]:
    """Return which neurons do not have the patterns and signs given, at each time, shape (k, m)."""
    moved = np.array(
        [np.any((problem.X @ hidden[0] >= 0) != masks, axis=0) for hidden in trajectory["hidden"]]
    )
    return np.asarray(moved | (np.sign(trajectory["output"][:, 0]) != signs))


@short_repr
@dataclass(frozen=True, eq=False)
class BlockVelocities:
    """How a network's blocks ``|a_j| u_j`` move under gradient flow.

    Parameters
    ----------
    measured : ndarray of shape (d, m)
        By the chain rule, from the network's gradient.
    predicted : ndarray of shape (d, m)
        From the convex program's gradient.
    difference : Comparison
        The largest difference of the two, relative to the largest of their terms; 0 is predicted.
    """

    measured: Array
    predicted: Array
    difference: Comparison


def block_velocities(problem: Problem, network: ReLUNetwork) -> BlockVelocities:
    """Compare the motion of blocks under gradient flow on the network with the convex program's gradient.

    Statement: gradient flow on a balanced network moves its blocks ``w_j = |a_j| u_j`` down the convex program's
    objective G, in a metric of each block's own: ``dw_j/dt = -||w_j|| (I + w^_j w^_j^T) grad_j G(W)``, with w^ the
    direction and ``-grad_j G = s_j X^T D_j lam - beta w^_j``.

    Hypotheses: balanced, ``||u_j|| = |a_j| > 0``, and no sample on a neuron's kink. Gradient flow keeps the first.
    Guarantee: tight.

    So inside its cone a neuron follows the convex program, faster the larger it is and twice as fast along itself as
    across: a small one turns before it grows. At the boundary of its cone the block of the program stops, while the
    neuron goes through, into another program.

    Parameters
    ----------
    problem : Problem
        One output, beta > 0, smooth loss.
    network : ReLUNetwork
        A balanced network.

    Raises
    ------
    HypothesisError
        If a neuron is zero or not balanced, to 1e-9, or on a kink, to 1e-12.

    Notes
    -----
    Proof: with ``q = s X^T D lam``, ``du/dt = |a| q - beta u`` and ``d|a|/dt = u^T q - beta |a|``; the sum
    ``|a| du/dt + u d|a|/dt = |a|^2 q + u u^T q - 2 beta w`` is the right side, as ``(I + w^ w^^T) w^ = 2 w^``.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.5], [-1.0, 1.0]], [1.0, 2.0], beta=0.1)
    >>> network = ReLUNetwork([[1.0, -1.0], [0.3, 0.2]], [1.0, -1.0]).balance()
    >>> block_velocities(problem, network).difference.holds
    True
    """
    with within_float64("the problem and network"):
        problem, network = as_problem(problem), as_network(network)
        problem.require_trainable()
        network = problem.fitting(network)
        weights = Weights.of(network)
        U, a = weights.hidden[0], weights.output[0]
        norms = np.linalg.norm(U, axis=0)
        remedy = ": network.balance() makes it so"
        require_no_zero_neuron(norms, "the network")
        require_balanced(norms, np.abs(a), "the network", slack=1e-9 * np.abs(a), remedy=remedy)
        margins = np.abs(problem.X @ U) - 1e-12 * np.linalg.norm(problem.X, axis=1)[:, None] * norms
        on_kink = np.argwhere((margins <= 0) & np.any(problem.X != 0, axis=1)[:, None])
        if len(on_kink):
            sample, neuron = on_kink[0]
            raise HypothesisError(
                f"no sample must be on a neuron's kink; sample {sample} is on that of neuron {neuron}"
            )
        gradients = BatchedObjective.of(problem).gradient(U[:, None], a[None])
        velocity, growth = -gradients[0][:, 0], -gradients[1][0]
        measured = np.abs(a) * velocity + U * (np.sign(a) * growth)
        program = ReLUProgram(problem, network.patterns(problem.X), np.sign(a))
        W = U * np.abs(a)
        units = U / norms
        pull = program.adjoint(program.dual_variable(W))
        downhill = pull - problem.beta * units
        predicted = norms**2 * (downhill + units * np.sum(units * downhill, axis=0))
        # Terms cancel near a stationary point, so their size and not that of the sum is what rounding is relative to.
        scale = float(np.max(norms**2 * (np.linalg.norm(pull, axis=0) + problem.beta)))
        difference = Comparison(float(np.max(np.abs(measured - predicted))) / scale, 0.0, tol=1e-9)
        return BlockVelocities(measured, predicted, difference)
