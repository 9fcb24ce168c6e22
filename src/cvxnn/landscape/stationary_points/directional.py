"""Directional stationarity, which at kinks says more than Clarke's, and what it decides: local minima."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import ON_KINK
from cvxnn.certificates import exact_oracle
from cvxnn.landscape.stationary_points.clarke import (
    NeuronParts,
    neuron_parts,
    output_distances,
    stationarity,
)
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class Descent:
    """Steepest descent at a network, neuron by neuron.

    Parameters
    ----------
    slopes : ndarray of shape (m,)
        ``-min F'(theta; direction)`` over unit directions in which neuron j alone moves.
    directions : ndarray of shape (d, m)
        The hidden parts of these directions, as long as their slopes.
    patterns : bool ndarray of shape (n, m)
        The pattern of a closed cell that contains each neuron and into which its direction leads.
    """

    slopes: Array
    directions: Array
    patterns: NDArray[np.bool_]


@on_one_blas_thread
def directional_slopes(
    problem: Problem,
    network: ReLUNetwork,
    *,
    kinks: Any = None,
    kink_tol: float = ON_KINK,
    fixed_output: bool = False,
) -> Descent:
    """Return the steepest descent at a network: all slopes are zero where no direction lowers the objective.

    To first order the objective is a sum over neurons, so that a network of neurons none of which can go down alone
    cannot go down at all. At a kink where the objective is convex the slope is the distance of zero from the
    subdifferential; where it is concave both sides are tried. So slopes are at least the distances of `stationarity`.

    Parameters
    ----------
    problem, network, kinks, kink_tol, fixed_output
        As for `stationarity`.

    Raises
    ------
    ValueError
        As for `stationarity`, or if the objective is concave at more than 14 kinks of one neuron.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> directional_slopes(problem, ReLUNetwork([[0.5**0.5]], [0.5**0.5])).slopes.round(12)
    array([0.])
    """
    problem, network = as_problem(problem), as_network(network)
    parts = neuron_parts(problem, network, kinks=kinks, kink_tol=kink_tol)
    return _steepest(problem, network, parts, fixed_output)


def _steepest(problem: Problem, network: ReLUNetwork, parts: NeuronParts, fixed_output: bool) -> Descent:
    d, m = network.hidden.shape
    directions, patterns = np.zeros((d, m)), problem.X @ network.hidden > 0
    for j, lines in enumerate(parts.lines):
        directions[:, j], t = lines.steepest(problem.beta * network.hidden[:, j])
        along = lines.normals @ directions[:, j]
        # Where the direction stays on a kink, the side whose gradient it is.
        sides = np.where(np.abs(along) > ON_KINK * np.linalg.norm(directions[:, j]), along > 0, t > 0.5)
        patterns[:, j] |= parts.kinks[:, j]
        patterns[lines.rows, j] = sides[lines.line] == lines.along
    slopes = np.linalg.norm(directions, axis=0)
    if not fixed_output:
        slopes = np.hypot(slopes, output_distances(problem, network, parts.lam))
    return Descent(np.asarray(slopes), directions, patterns)


@on_one_blas_thread
def is_local_minimum(
    problem: Problem,
    network: ReLUNetwork,
    *,
    tol: float = 1e-8,
    kinks: Any = None,
    kink_tol: float = ON_KINK,
    fixed_output: bool = False,
) -> bool:
    """Return whether a network is a local minimum of the training problem of its width.

    Statement: a network without zero neurons is a local minimum exactly when no direction lowers the objective to
    first order; one with a zero neuron exactly when it is a global minimum, over all widths. With fixed output weights
    the first holds of every network.

    Proof: the objective is at least ``G(w) = ell(sum_j s_j (X w_j)_+) + beta sum_j ||w_j||`` at ``w_j = |a_j| u_j``,
    with equality at stationary points, and G is convex on every product of closed cells: where it cannot go down from
    w to first order it is least on each of those that contain w, so in a neighbourhood of w. A zero neuron can turn
    into any small neuron, at first order in its w: none may pay, which is what the dual constraint says.

    Parameters
    ----------
    problem : Problem
        Of one output, unless output weights are fixed; its loss smooth; beta > 0 unless they are.
    network : ReLUNetwork
        The network.
    tol : float, default 1e-8
        Slopes, in units of `Stationarity.scale`, and violations of the dual constraint in units of beta, up to this
        count as zero; and up to `Stationarity.rounding` where that is larger.
    kinks : bool array_like of shape (n, m), optional
        As for `stationarity`.
    kink_tol : float, default 1e-9
        As for `stationarity`.
    fixed_output : bool, default False
        Whether output weights are given numbers.

    Raises
    ------
    ValueError
        As for `directional_slopes`; if there are several outputs or no weight decay where output weights are not
        fixed; or if a neuron is zero and the data are too large for an exact search over directions.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> is_local_minimum(problem, ReLUNetwork([[0.5**0.5]], [0.5**0.5]))
    True
    >>> is_local_minimum(problem, ReLUNetwork([[0.0]], [0.0]))  # Clarke stationary, and a saddle
    False
    """
    problem, network = as_problem(problem), as_network(network)
    if not fixed_output and (problem.n_outputs > 1 or problem.beta <= 0):
        raise ValueError(
            "problem must have one output and beta > 0 where output weights are not fixed; got "
            f"{problem.n_outputs} outputs and beta = {problem.beta:g}"
        )
    found = stationarity(problem, network, kinks=kinks, kink_tol=kink_tol, fixed_output=fixed_output)
    if not found.is_stationary(tol):
        return False
    slopes = directional_slopes(problem, network, kinks=found.kinks, fixed_output=fixed_output).slopes
    tol = max(tol, found.rounding)
    if np.linalg.norm(slopes) > tol * found.scale:
        return False
    sizes = np.linalg.norm(network.hidden, axis=0)
    if fixed_output or np.all(sizes > 0):
        return True
    return _is_dual_feasible(problem, network, tol)


def _is_dual_feasible(problem: Problem, network: ReLUNetwork, tol: float) -> bool:
    oracle = exact_oracle(problem.X)
    if oracle is None:
        raise ValueError(
            "problem must be small enough for an exact search over directions, which a network with a zero neuron "
            f"asks for; got {problem!r}"
        )
    lam = -problem.loss_gradient(network.predict_without_offset(problem.X), network.offset)
    limit = problem.beta * (1.0 + tol)
    return oracle.maximise(lam.reshape(-1), threshold=limit).upper <= limit
