"""Theorem: small balanced networks first align, at a time that their directions alone decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate, small_steps
from cvxnn.dynamics.small_starts.early_flow import EarlyEnd, EarlyPath, early_path
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.alignment import (
    AlignmentCosines,
    aligned_share,
    alignment_times,
    as_delta,
    as_sign,
)
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import Comparison, HypothesisError, require_balanced, require_no_zero_neuron
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, within_float64

_BALANCED = 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class EarlyAlignment:
    """Alignment of the neurons of one sign, measured and predicted.

    Parameters
    ----------
    sign : int
        The sign s.
    delta : float
        Angle asked for.
    time : Comparison
        T(delta), measured beside predicted. Measured as infinite where no neuron aligned, and as NaN where the time
        limit came before one did.
    aligned : Comparison
        Share of neurons aligned a fifth later than predicted T(delta), or at the time limit, of those with a direction.
    n_neurons, n_dead : int
        Neurons of this sign; those of them that the prediction leaves active on no sample in the end.
    slides : bool
        Whether a neuron of this sign slides along a kink before the predicted time. Descent zigzags there and shows the
        patterns of both sides, one of which may be aligned earlier than the flow, which has the tie in neither.
    fit : float
        ``||f|| / ||r||`` at the predicted time, by the prediction: how small the network still is.
    paths : tuple of EarlyPath
        The predicted path of each neuron of this sign.
    status : TrajectoryStatus
        Why the simulated flow ended: FINISHED, or MAX_SECONDS.
    """

    sign: int
    delta: float
    time: Comparison
    aligned: Comparison
    n_neurons: int
    n_dead: int
    slides: bool
    fit: float
    paths: tuple[EarlyPath, ...]
    status: TrajectoryStatus = TrajectoryStatus.FINISHED


@on_one_blas_thread
def early_alignment(
    problem: Problem,
    start: ReLUNetwork,
    *,
    sign: int,
    delta: float = 0.01,
    resolution: float = 2e-3,
    tol: float = 0.02,
    max_seconds: float | None = None,
) -> EarlyAlignment:
    """Return when neurons of one sign align, measured along gradient flow and predicted from their directions alone.

    Statement
        From a balanced start close enough to zero there is a time ``T = T(delta)`` and a neuron of sign s with
        ``cos(u(T), s X^T D(u(T)) r) >= 1 - delta``. T depends on the directions at the start, not on the size: to
        leading order it is the first time at which a path of `early_path` gets there.
    Hypotheses
        No weight decay; the start is balanced; some neuron of this sign starts in reach of a direction that is the
        pull of its own pattern; the network is small: by T it fits at most a tenth of the residual.
    Guarantee
        Equal, to the order of the fit at T and of the step, unless ``slides``.

    Printed without the third hypothesis, "for any dataset" and with random directions, the statement fails: for
    rows (1, 0) and (1, 1) with labels 1 and -1 neurons of sign +1 come to rest on the second row's kink, at a cosine
    of 0.71.

    Parameters
    ----------
    problem : Problem
        One output, beta = 0.
    start : ReLUNetwork
        Balanced, ``||u_j|| = |a_j| > 0``.
    sign : {1, -1}
        Sign s of the output weights looked at.
    delta : float, default 0.01
        In (0, 1).
    resolution : float, default 2e-3
        Step of the simulated flow times the largest ``||X^T D(u) r||`` along the paths; relative error of T is half.
    tol : float, default 0.02
        Tolerance of the comparison of times.
    max_seconds : float, optional
        Time limit of the simulated flow; without one, flows of more than 1e8 steps are refused.

    Raises
    ------
    ValueError
        If an argument is wrong.
    HypothesisError
        If a hypothesis does not hold.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022 (the theorem on alignment of scaled
    starts); H. Maennel, O. Bousquet, S. Gelly, "Gradient descent quantizes ReLU network features", 2018.

    Examples
    --------
    >>> X, y = np.array([[1.0, 0.2], [0.3, 1.0], [-1.0, -0.5]]), np.array([1.0, 1.0, -1.0])
    >>> U = 1e-4 * np.random.default_rng(0).standard_normal((2, 6))
    >>> start = ReLUNetwork(U, np.linalg.norm(U, axis=0) * [1, -1, 1, -1, 1, -1])
    >>> early_alignment(Problem(X, y, beta=0.0, loss="logistic"), start, sign=1).time.holds
    True
    """
    with within_float64("the problem and start"):
        problem, start = as_problem(problem), as_network(start, "start")
        delta = as_delta(delta)
        weights, residual = _checked(problem, start, sign)
        paths = [
            early_path(problem.X, residual, u, s)
            for u, s in zip(start.hidden.T, np.sign(start.output), strict=True)
        ]
        ours = tuple(path for path, a in zip(paths, start.output, strict=True) if np.sign(a) == sign)
        predicted = _first_time(ours, sign, delta)
        fit = _early_fit(problem.X, start, paths, predicted) / float(np.linalg.norm(residual))
        if fit > 0.1:
            raise HypothesisError(
                f"start must be small: by T = {predicted:.3g} the network fits {fit:.2g} of the residual; scale it down"
            )
        speed = max(float(np.max(np.linalg.norm(path.own_pulls, axis=1))) for path in paths)
        times, cosines, status = _cosines(problem, weights, 1.2 * predicted, resolution / speed, max_seconds)
        measured = float(alignment_times(times, cosines, weights.output, sign=sign, delta=delta)[0])
        if np.isinf(measured) and status is not TrajectoryStatus.FINISHED:
            measured = np.nan
        shares = aligned_share(cosines[-1], weights.output, sign=sign, delta=delta)
        ends = np.array([path.cosine(float(times[-1])) for path in ours])
        return EarlyAlignment(
            sign=sign,
            delta=delta,
            time=Comparison(measured, predicted, tol=tol),
            aligned=Comparison(
                float(shares[0]), float(np.mean(ends[~np.isnan(ends)] >= 1.0 - delta)), tol=tol
            ),
            n_neurons=len(ours),
            n_dead=sum(path.end is EarlyEnd.DEAD for path in ours),
            slides=any(path.slide_time < predicted for path in ours),
            fit=fit,
            paths=ours,
            status=status,
        )


def _first_time(paths: tuple[EarlyPath, ...], sign: int, delta: float) -> float:
    """Return T(delta) of paths of one sign."""
    predicted = min((path.alignment_time(delta) for path in paths), default=np.inf)
    if not np.isfinite(predicted):
        ends = sorted({path.end.name for path in paths})
        raise HypothesisError(
            f"some neuron of sign {sign} must start in reach of a direction s X^T D(u) r of its own pattern; "
            f"the {len(paths)} paths end {ends}"
        )
    return predicted


def _cosines(
    problem: Problem, weights: Weights, horizon: float, step: float, max_seconds: float | None
) -> tuple[Array, Array, TrajectoryStatus]:
    """Return recorded times and cosines (k, 1, m) of gradient descent with small steps, and why it ended."""
    n_steps = small_steps(horizon / step, max_seconds)
    run = simulate(
        problem,
        weights,
        n_steps=n_steps,
        step_size=horizon / n_steps,
        record=[AlignmentCosines()],
        n_records=min(n_steps, 2000) + 1,
        max_seconds=max_seconds,
    )
    return run.times * horizon / n_steps, run["alignment"], run.status


def _checked(problem: Problem, start: ReLUNetwork, sign: int) -> tuple[Weights, Array]:
    """Return the start as a batch of one, and the residual at zero."""
    as_sign(sign)
    if problem.beta != 0:
        raise HypothesisError(f"there must be no weight decay; beta is {problem.beta}")
    weights = Weights.of(start)
    norms = np.linalg.norm(start.hidden, axis=0)
    require_balanced(norms, np.abs(start.output), "start", slack=_BALANCED * norms)
    require_no_zero_neuron(norms, "start")
    objective = BatchedObjective.of(problem)
    return weights, -objective.samples.loss_gradients(np.zeros((1, problem.n_samples)))[0]


def _early_fit(X: Array, start: ReLUNetwork, paths: list[EarlyPath], time: float) -> float:
    """Return ``||f||`` at a time, by the paths of all neurons."""
    directions = np.column_stack([path.direction(time) for path in paths])
    growths = np.exp([2.0 * path.log_growth(time) for path in paths])
    return float(
        np.linalg.norm(np.maximum(X @ directions, 0.0) @ (np.sign(start.output) * start.output**2 * growths))
    )
