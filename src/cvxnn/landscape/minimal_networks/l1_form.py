"""The l1 form of training: hidden weights in the unit ball, output weights penalised by their sum of sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.landscape.minimal_networks.operations import output_sizes, require_plain_decay
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread

# Norms of one are one to rounding.
_UNIT = 1e-12


def to_l1_form(network: ReLUNetwork) -> ReLUNetwork:
    """Return the network with ``||u_j|| = 1`` and ``a_j`` times the old ``||u_j||``; neurons with a zero factor leave.

    Keeps f everywhere. `ReLUNetwork.balance` is the way back to the weight-decay form.

    Examples
    --------
    >>> to_l1_form(ReLUNetwork([[3.0], [4.0]], [2.0])).output
    array([10.])
    """
    network = as_network(network)
    alive = network.prune_zeros()
    norms = np.linalg.norm(alive.hidden, axis=0)
    return ReLUNetwork(alive.hidden / norms, (alive.output.T * norms).T, alive.offset)


def l1_objective(problem: Problem, network: ReLUNetwork) -> float:
    """Return ``ell(f(X), y) + beta sum_j ||a_j||`` of a network with ``||u_j|| <= 1``.

    Raises
    ------
    HypothesisError
        If a hidden weight is longer than one, or the penalty takes the l1 norm of several output weights.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> l1_objective(problem, ReLUNetwork([[1.0]], [0.5]))  # 1/2 (1 - 1/2)^2 + 1/2 * 1/2
    0.375
    """
    problem, network = as_problem(problem), as_network(network)
    require_plain_decay(problem)
    network = problem.fitting(network)
    longest = float(np.max(np.linalg.norm(network.hidden, axis=0), initial=0.0))
    if longest > 1.0 + _UNIT:
        raise HypothesisError(f"hidden weights must have norm at most 1; the longest has {longest:.6g}")
    loss = problem.loss_value(network.predict_without_offset(problem.X), network.offset)
    return loss + problem.beta * float(np.sum(output_sizes(network)))


@short_repr
@dataclass(frozen=True)
class L1Equivalence:
    """The two forms of one network's objective.

    Parameters
    ----------
    balanced : Comparison
        The l1 objective of `to_l1_form`, equal to the weight-decay objective of the balanced network.
    given : Comparison
        The l1 objective of `to_l1_form`, at most the weight-decay objective of the network as given.
    """

    balanced: Comparison
    given: Comparison


@on_one_blas_thread
def l1_equivalence(problem: Problem, network: ReLUNetwork, *, tol: float = 1e-10) -> L1Equivalence:
    """Compare the l1 form with the weight-decay form.

    Statement: ``min ell + beta/2 sum (||u_j||^2 + ||a_j||^2)`` equals ``min ell + beta sum ||a_j||`` over
    ``||u_j|| <= 1``, for every width; each map keeps f everywhere and raises neither objective.
    Hypotheses: the weight decay takes the Euclidean norm of output weights.
    Guarantee: tight at a balanced network, else an upper bound.
    Reference: B. Neyshabur, R. Tomioka, N. Srebro, "In search of the real inductive bias", 2015, Theorem 1;
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Lemma 2.

    Parameters
    ----------
    problem : Problem
        Data, loss, beta.
    network : ReLUNetwork
        Any network.
    tol : float, default 1e-10
        Tolerance of the comparisons: rounding of the objectives.

    Raises
    ------
    HypothesisError
        If the penalty takes the l1 norm of several output weights.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> forms = l1_equivalence(problem, ReLUNetwork([[2.0]], [0.25]))
    >>> forms.balanced.measured, forms.balanced.predicted, forms.given.predicted
    (0.375, 0.375, 1.140625)
    """
    problem, network = as_problem(problem), as_network(network)
    measured = l1_objective(problem, to_l1_form(network))
    return L1Equivalence(
        balanced=Comparison(measured, problem.objective(network.balance()), tol=tol),
        given=Comparison(measured, problem.objective(network), "at most", tol=tol),
    )
