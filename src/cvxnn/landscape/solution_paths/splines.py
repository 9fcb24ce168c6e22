"""One input and a bias: where the kinks of the optimal piecewise linear function lie."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.landscape.duality.dual_program import require_oracle
from cvxnn.landscape.solution_paths.active_directions import OptimumAt
from cvxnn.losses import Loss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network
from cvxnn.short_reprs import short_repr
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError, as_number, as_vector

# Of the range of the data: kinks closer than this to a data point, or to each other, are at one place. Optimal kinks
# at a data point are there to 1e-13, others a good part of a gap away.
_SAME_PLACE = 1e-7
# Of the largest change of slope: what cancels to less is no kink.
_NO_KINK = 1e-9
# Of the sum of weights: knots that the interior point leaves slightly on.
_SPECK = 1e-6


@short_repr
@dataclass(frozen=True, eq=False)
class SplineKinks:
    """The kinks of ``f(x) = sum_j (u_j x + b_j c)_+ a_j + offset``, a function of one input.

    Parameters
    ----------
    positions : ndarray of shape (k,)
        ``-b_j c / u_j``, rising; neurons with a kink at one place are added up.
    slope_changes : ndarray of shape (k,)
        How much the slope rises there, ``sum |u_j| a_j``.
    nearest : int ndarray of shape (k,)
        The data point nearest to each.
    at_data : bool ndarray of shape (k,)
        Whether the kink is at it.
    """

    positions: Array  # (k,)
    slope_changes: Array  # (k,)
    nearest: NDArray[np.intp]  # (k,)
    at_data: NDArray[np.bool_]  # (k,)


@short_repr
@dataclass(frozen=True, eq=False)
class OptimalSpline:
    """The optimal network of one input and a bias.

    Parameters
    ----------
    problem : Problem
        With columns x and the bias.
    network : ReLUNetwork
        A basic optimal network.
    objective : float
        Its objective.
    lam : ndarray of shape (n,)
        The dual variable, ``-grad ell``.
    kinks : SplineKinks
        Of the network.
    """

    problem: Problem
    network: ReLUNetwork
    objective: float
    lam: Array  # (n,)
    kinks: SplineKinks


@short_repr
@dataclass(frozen=True, eq=False)
class FreeBiasSpline:
    """The optimal function where biases are not penalised at all.

    Parameters
    ----------
    objective : float
        The optimum.
    positions : ndarray of shape (k,)
        Kinks, data points all of them; one at the smallest or the largest makes no bend between data points.
    slope_changes : ndarray of shape (k,)
        How much the slope rises at each.
    fit : ndarray of shape (n,)
        The function at the data.
    """

    objective: float
    positions: Array  # (k,)
    slope_changes: Array  # (k,)
    fit: Array  # (n,)


def spline_kinks(network: ReLUNetwork, x: Any, *, bias_column: float = 1.0) -> SplineKinks:
    """Return where a network of one input and a bias bends, and which of these places are data points.

    Parameters
    ----------
    network : ReLUNetwork
        Of two features, x and a constant, and one output.
    x : array_like of shape (n,)
        Data points.
    bias_column : float, default 1.0
        The constant.

    Raises
    ------
    ValueError
        If the network has other shapes.

    Examples
    --------
    >>> network = ReLUNetwork([[1.0, 2.0], [-1.0, -1.0]], [1.0, -1.0])
    >>> kinks = spline_kinks(network, [0.0, 1.0])
    >>> kinks.positions, kinks.slope_changes, kinks.at_data
    (array([0.5, 1. ]), array([-2.,  1.]), array([False,  True]))
    """
    network = as_network(network)
    x = as_vector(x, "x")
    bias_column = as_number(bias_column, "bias_column", positive=True)
    if network.n_features != 2 or network.n_outputs != 1:
        raise ValueError(f"network must take two features, x and a constant, to one output; got {network!r}")
    network = network.one_output()
    slopes, biases = network.hidden
    bends = (slopes != 0.0) & (network.output != 0.0)
    places = -biases[bends] * bias_column / slopes[bends]
    changes = np.abs(slopes[bends]) * network.output[bends]
    order = np.argsort(places, kind="stable")
    places, changes = places[order], changes[order]
    width = _SAME_PLACE * (float(np.ptp(x)) or 1.0)
    group = np.cumsum(np.diff(places, prepend=-np.inf) > width) - 1
    first = np.flatnonzero(np.diff(group, prepend=-1))
    sums = np.zeros(len(first))
    np.add.at(sums, group, changes)
    kept = np.abs(sums) > _NO_KINK * np.max(np.abs(changes), initial=0.0)
    positions = places[first][kept]
    nearest = np.argmin(np.abs(positions[:, None] - x), axis=1).astype(np.intp)
    at_data = np.abs(positions - x[nearest]) <= width
    return SplineKinks(positions, sums[kept], nearest, at_data)


def optimal_spline(
    x: Any,
    y: Any,
    beta: float,
    *,
    loss: str | Loss = "squared",
    bias_column: float = 1.0,
    output_offset: bool = False,
) -> OptimalSpline:
    """Return the optimal network of one input and a hidden bias, with its kinks.

    The bias is a column of constants c, penalised like the other weights. An optimal neuron of sign s is the unit
    vector u that maximises ``s lam^T (X u)_+``, on an arc of the circle where ``g = s sum_{active} lam_i x_i`` is
    constant: either ``u = g / ||g||`` inside the arc, with its kink between data points, or at an end, with its kink at
    a data point i, and then ``s lam_i <= 0``: there the maximum is one of a concave corner.

    Parameters
    ----------
    x : array_like of shape (n,)
        Inputs.
    y : array_like of shape (n,)
        Targets.
    beta : float
        Weight decay, > 0.
    loss : str or Loss, default "squared"
        A smooth loss.
    bias_column : float, default 1.0
        The constant c. A bias of size b costs as one of ``b / c``: the larger c, the less.
    output_offset : bool, default False
        Whether there is an unpenalised output offset.

    Notes
    -----
    An unpenalised *hidden* bias is not in the model. It is the limit of large c, which `free_bias_spline` solves: the
    optimum and the fit tend to its, with differences of order ``1/c^2`` in the optimum. The kinks tend to data points
    where a data point alone is a knot of that limit. Where two neighbouring data points are knots with one sign, any
    kink between them that has their sum and first moment does as well, and large c settles for one of these. An
    unpenalised output offset does not move kinks to data points.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, section 2 (one input and a bias);
    R. Parhi and R. Nowak, "The role of neural network activation functions", IEEE Signal Processing Letters 2020 (free
    biases: some optimal function has its knots at data points); T. Debarre, Q. Denoyelle, M. Unser, J. Fageot,
    "Sparsest piecewise-linear regression of one-dimensional data", J. Comput. Appl. Math. 2022 (and others have not).

    Examples
    --------
    >>> spline = optimal_spline([0.0, 1.0, 2.0], [0.0, 0.0, 1.0], 0.05)
    >>> spline.kinks.positions.round(3), spline.kinks.at_data  # between data points
    (array([0.875]), array([False]))
    """
    x, y = as_vector(x, "x"), as_vector(y, "y")
    column = as_number(bias_column, "bias_column", positive=True)
    problem = Problem(np.column_stack([x, np.full(len(x), column)]), y, beta, loss, output_offset)
    problem.require_trainable()
    problem.require_scale()
    if not problem.loss.is_smooth:
        raise ValueError(f"loss must be differentiable; {problem.loss.name!r} has a kink")
    point = OptimumAt(problem, require_oracle(problem))(problem.beta)
    kinks = spline_kinks(point.network, x, bias_column=column)
    return OptimalSpline(problem, point.network, point.certificate.objective, point.lam, kinks)


def free_bias_spline(x: Any, y: Any, beta: float, *, loss: str | Loss = "squared") -> FreeBiasSpline:
    """Return the optimal function of one input where hidden biases cost nothing.

    ``min ell(f, y) + beta sum_j |u_j| |a_j|``, over ``f(x) = sum_j (u_j x + b_j)_+ a_j + b``. The constant is free with
    or without an offset b, as a neuron with ``u_j = 0``. As a function of its kink a neuron's correlation with the dual
    variable is linear between data points, so kinks at data points are enough, in both directions: a lasso of 2 n
    columns, solved by CVXPY and Clarabel.

    Parameters
    ----------
    x, y, beta, loss
        As of `optimal_spline`.

    Raises
    ------
    PrecisionError
        If the solver fails.

    References
    ----------
    P. Savarese, I. Evron, D. Soudry, N. Srebro, "How do infinite width bounded norm networks look in function space?",
    COLT 2019 (the cost ``max(integral |f''|, |f'(-inf) + f'(inf)|)``); R. Parhi and R. Nowak, 2020, as above.

    Examples
    --------
    >>> spline = free_bias_spline([0.0, 1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 0.0, 1.0, 2.0], 0.05)
    >>> 2.0 in spline.positions, round(spline.objective, 4)
    (True, 0.0982)
    """
    import cvxpy as cp

    x = as_vector(x, "x")
    problem = Problem(x[:, None], y, beta, loss, output_offset=True).one_output()
    problem.require_trainable()
    units = Units.of(problem)
    x, problem = x / units.data, units.problem
    differences = (x[:, None] - x) / (float(np.ptp(x)) or 1.0)
    atoms = np.hstack([np.maximum(differences, 0.0), np.maximum(-differences, 0.0)])
    weights, offset = cp.Variable(2 * len(x)), cp.Variable()
    scale = float(np.ptp(x)) or 1.0
    fit = atoms @ weights + offset
    objective = problem.loss.to_cvxpy(fit, problem.y) + (problem.beta / scale) * cp.norm1(weights)
    statement = cp.Problem(cp.Minimize(objective))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate": the objective is recomputed
        with contextlib.suppress(cp.SolverError):
            statement.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    if weights.value is None:
        raise PrecisionError(
            f"x, y and beta must be such that double precision finds the spline; its program is {statement.status}"
        )
    changes = weights.value / scale
    f = atoms @ weights.value + float(offset.value)
    value = problem.loss.value(f, problem.y) + problem.beta * float(np.sum(np.abs(changes)))
    places, group = np.unique(x, return_inverse=True)
    sums = np.zeros(len(places))
    np.add.at(sums, np.tile(group.reshape(-1), 2), changes)
    kept = np.abs(sums) > _SPECK * float(np.sum(np.abs(changes)))
    slope = units.target / units.data
    return FreeBiasSpline(
        units.objective(value), places[kept] * units.data, sums[kept] * slope, f * units.target
    )
