"""When a trajectory on the logistic loss has classified all samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.flows.logistic_field import log_loss, smoothed_margin
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.losses import LogisticLoss
from cvxnn.names import keep_old_arguments
from cvxnn.problem import Problem, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.validation import Array, as_count, as_finite_array

SEPARATING_LOSS = math.log(2.0)
"""Loss of one sample at margin zero: a smaller sum of losses leaves no sample misclassified."""


def separation_time(times: Any, losses: Any) -> Array:
    """Return the first recorded time at which ``sum_i log(1 + exp(-y_i f_i)) < log 2``, infinite where there is none.

    From then on all samples are classified, along gradient flow for ever, since the loss never rises. A sum below 1,
    as expositions ask for, is not enough: one sample of margin -1/2 has a loss of 0.974.

    Parameters
    ----------
    times : array_like of shape (k,)
        Recorded times.
    losses : array_like of shape (k,) or (k, B)
        Summed logistic losses there, as the record "loss" holds them.

    Returns
    -------
    ndarray of shape (B,)
        B = 1 for losses of shape (k,).

    Raises
    ------
    ValueError
        If the shapes do not agree.

    References
    ----------
    K. Lyu and J. Li, "Gradient descent maximizes the margin of homogeneous neural networks", ICLR 2020, assumption B3.

    Examples
    --------
    >>> separation_time([0.0, 1.0, 2.0], [[1.4, 1.4], [0.9, 0.5], [0.8, 0.1]])
    array([inf,  1.])
    """
    times, losses = as_finite_array(times, "times", (1,)), as_finite_array(losses, "losses", (1, 2))
    if len(losses) != len(times):
        raise ValueError(f"losses must have {len(times)} rows, one a time; got shape {losses.shape}")
    losses = losses[:, None] if losses.ndim == 1 else losses
    separated = losses < SEPARATING_LOSS
    return np.where(separated.any(axis=0), times[np.argmax(separated, axis=0)], np.inf)


@short_repr
@dataclass(frozen=True)
class Separation:
    """A network whose logistic loss is below log 2, and its margins.

    Parameters
    ----------
    log_loss : float
        ``log L`` of its summed loss L, also where L is below the smallest number.
    margin : Comparison
        The smallest ``y_i f(x_i)``, at least ``-log(exp(L) - 1) > 0``; equal for one sample.
    """

    log_loss: float
    margin: Comparison


@keep_old_arguments(network="index")
def separation(problem: Problem, weights: Weights, index: int = 0) -> Separation:
    """Return the smallest margin of a network beside what its loss promises.

    Statement
        Where ``L = sum_i log(1 + exp(-y_i f_i)) < log 2``, every margin is at least ``-log(exp(L) - 1) > 0``.
    Hypotheses
        Logistic loss without sample weights; ``L < log 2``.
    Guarantee
        Lower; tight for one sample.

    Parameters
    ----------
    problem : Problem
        One output, labels -1 and +1.
    weights : Weights
        A batch of networks.
    index : int, default 0
        Which of them.

    Raises
    ------
    ValueError
        If there is no such network.
    HypothesisError
        If a hypothesis does not hold.

    Examples
    --------
    >>> found = separation(Problem([[1.0]], [1.0], beta=0.0, loss="logistic"), Weights([[2.0]], [1.0]))
    >>> round(found.margin.measured, 9), round(found.margin.predicted, 9)
    (2.0, 2.0)
    """
    problem = as_problem(problem)
    if not isinstance(problem.loss, LogisticLoss) or problem.sample_weight is not None:
        raise HypothesisError(f"the loss must be logistic, without sample weights; got {problem!r}")
    if as_count(index, "index") >= weights.n_networks:
        raise ValueError(f"index must be below {weights.n_networks}, the number of networks; got {index}")
    margins = problem.y * weights.network(index).predict(problem.X)
    loss = log_loss(margins)
    if not loss < math.log(SEPARATING_LOSS):
        raise HypothesisError(f"the loss must be below log 2 = 0.6931; it is {math.exp(loss):.6g}")
    promised = float(smoothed_margin(np.array(loss)))
    return Separation(loss, Comparison(float(np.min(margins)), promised, "at least"))
