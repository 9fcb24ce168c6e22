"""When two networks are one function, and when they are one network."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_network
from cvxnn.validation import Array

# Lines closer than this are one: operations that keep a function keep its lines to rounding.
_SAME_LINE = 1e-9


def function_distance(network: ReLUNetwork, other: ReLUNetwork) -> float:
    """Return a bound on ``||f(x) - g(x)||`` over the unit ball, zero exactly where f = g everywhere.

    ``f(x) = 1/2 sum_j |u_j^T x| a_j + 1/2 (sum_j a_j u_j^T) x + b``, and the functions ``|u^T x|`` of distinct lines
    are linearly independent of each other and of the linear ones: f = g exactly where the coefficients of all
    lines, the linear parts and the offsets agree.

    Parameters
    ----------
    network, other : ReLUNetwork
        Networks of the same features and outputs.

    Returns
    -------
    float
        ``1/2 sum over lines of ||coefficient|| + 1/2 ||linear part|| + ||offset||`` of f - g; lines equal to 1e-9
        count as one.

    Raises
    ------
    ValueError
        If the networks' shapes differ.

    Examples
    --------
    >>> line = ReLUNetwork([[1.0, -1.0]], [1.0, -1.0])  # (x)_+ - (-x)_+ = x
    >>> function_distance(line, ReLUNetwork([[2.0, -2.0]], [0.5, -0.5]))
    0.0
    """
    network, other = as_network(network), as_network(other, "other")
    if (network.n_features, network.n_outputs) != (other.n_features, other.n_outputs):
        raise ValueError(
            f"other must have {network.n_features} features and {network.n_outputs} outputs; it has "
            f"{other.n_features} and {other.n_outputs}"
        )
    hidden = np.hstack([network.hidden, other.hidden])
    output = np.vstack([_rows(network), -_rows(other)])
    linear = float(np.linalg.norm(hidden @ output, ord="fro"))
    sizes = np.linalg.norm(hidden, axis=0)
    used = sizes > 0
    lines = _line_sums(hidden[:, used] / sizes[used], output[used] * sizes[used, None])
    return 0.5 * (lines + linear) + float(np.linalg.norm(network.offset - other.offset))


def _rows(network: ReLUNetwork) -> Array:
    return network.output.reshape(network.n_neurons, network.n_outputs)


def _line_sums(units: Array, coefficients: Array) -> float:
    """Return the sum over distinct lines of the norm of their coefficients' sum."""
    total, left = 0.0, np.ones(units.shape[1], dtype=np.bool_)
    for j in range(units.shape[1]):
        if left[j]:
            gaps = [np.linalg.norm(units - sign * units[:, [j]], axis=0) for sign in (1.0, -1.0)]
            line = left & (np.minimum(*gaps) < _SAME_LINE)
            total += float(np.linalg.norm(coefficients[line].sum(axis=0)))
            left[line] = False
    return total


def neuron_distance(network: ReLUNetwork, other: ReLUNetwork) -> float:
    """Return the distance of two networks as sets of neurons: the best permutation's ``||(U, A) - (U', A')||_F``.

    Neurons with a zero factor do not count; those that the smaller network lacks count as zero there.

    Examples
    --------
    >>> neuron_distance(ReLUNetwork([[1.0, 2.0]], [3.0, 4.0]), ReLUNetwork([[2.0, 1.0]], [4.0, 3.0]))
    0.0
    """
    network, other = as_network(network), as_network(other, "other")
    first, second = (_points(each) for each in (network, other))
    width = max(len(first), len(second))
    first, second = (np.pad(points, ((0, width - len(points)), (0, 0))) for points in (first, second))
    gaps = np.linalg.norm(first[:, None, :] - second[None, :, :], axis=2) ** 2
    rows, columns = linear_sum_assignment(gaps)
    return float(np.sqrt(np.sum(gaps[rows, columns])))


def _points(network: ReLUNetwork) -> Array:
    """Return the neurons in use as rows (u_j, a_j)."""
    alive = network.prune_zeros()
    return np.hstack([alive.hidden.T, _rows(alive)])
