"""Three notions of a small network, kept apart: minimal, basic, smallest.

`is_minimal`
    scaled, at most one neuron in each closed cone with each output sign (Wang, Lacotte, Pilanci);
`is_nearly_minimal`
    scaled, neurons of one closed cone and sign positively collinear (the same);
`is_basic`
    the neurons' activations on the data linearly independent (Mishkin, Pilanci): a vertex of the optimal set where
    the network is optimal;
smallest
    no optimal network has fewer neurons.

In general neither of minimal and basic implies the other. At an optimum every network is nearly minimal, so a basic
one is minimal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from cvxnn.atoms import ON_KINK, kink_signs
from cvxnn.landscape.cones.closed_cones import opposed, same_output, share_cone
from cvxnn.landscape.minimal_networks.operations import output_sizes, signed_blocks
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

# Directions, and norms of hidden and output weights relative to the larger, that agree to this are equal.
EQUAL = 1e-6
# A column of norm one whose part outside the span of the others is below this depends on them.
INDEPENDENT = 1e-10


def is_scaled(network: ReLUNetwork, *, tol: float = EQUAL) -> bool:
    """Return whether ``||u_j|| = ||a_j||`` for all neurons, to ``tol`` relative to the network's largest weight.

    Parameters
    ----------
    network : ReLUNetwork
        The network.
    tol : float, default 1e-6
        Largest difference of the two, in units of the largest weight.

    Examples
    --------
    >>> is_scaled(ReLUNetwork([[2.0]], [1.0])), is_scaled(ReLUNetwork([[2.0]], [1.0]).balance())
    (False, True)
    """
    network = as_network(network)
    hidden, output = np.linalg.norm(network.hidden, axis=0), output_sizes(network)
    largest = np.max(np.maximum(hidden, output), initial=0.0)
    return bool(np.all(np.abs(hidden - output) <= tol * largest))


@on_one_blas_thread
def is_minimal(
    problem: Problem, network: ReLUNetwork, *, tol: float = EQUAL, kink_tol: float = ON_KINK
) -> bool:
    """Return whether a network is scaled and has at most one neuron in each closed cone with each output sign.

    Zero neurons do not count. A neuron on the face shared by two cones belongs to both closed cones, so it must be
    alone in both. By this rule a convex solution that stores one direction once for each of two cones maps to a
    network that is nearly minimal only, until equal directions are added up.

    Parameters
    ----------
    problem : Problem
        Gives the data.
    network : ReLUNetwork
        The network.
    tol : float, default 1e-6
        Tolerance of ``||u_j|| = ||a_j||``, relative to the largest weight.
    kink_tol : float, default 1e-9
        Samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (definition of minimal networks); the rule for faces is made explicit here.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    >>> is_minimal(problem, ReLUNetwork([[1.0, 1.0], [0.0, -1.0]], [1.0, 2**0.5]))  # one face, one closed cone
    False
    """
    problem, network = as_problem(problem), as_network(network)
    network = problem.fitting(network)
    blocks, signs = signed_blocks(network.prune_zeros())
    shared = share_cone(problem.X, blocks, signs, kink_tol)
    return is_scaled(network, tol=tol) and bool(np.count_nonzero(shared) == len(shared))


@on_one_blas_thread
def is_nearly_minimal(
    problem: Problem, network: ReLUNetwork, *, tol: float = EQUAL, kink_tol: float = ON_KINK
) -> bool:
    """Return whether a network is scaled and its neurons of one closed cone and output sign are positively collinear.

    Parameters
    ----------
    problem, network, tol, kink_tol
        As for `is_minimal`; neurons whose angle has a sine of at most ``tol`` are collinear, see `largest_spread`.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (definition of nearly minimal networks).

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    >>> is_nearly_minimal(problem, ReLUNetwork([[1.0, 2.0], [0.0, 0.0]], [1.0, 2.0]))
    True
    """
    problem, network = as_problem(problem), as_network(network)
    return is_scaled(network, tol=tol) and largest_spread(problem, network, kink_tol=kink_tol) <= tol


def largest_spread(
    problem: Problem, network: ReLUNetwork, *, kinks: Any = None, kink_tol: float = ON_KINK
) -> float:
    """Return the largest sine of the angle between two neurons of one closed cone and output sign or direction.

    1 beyond a right angle. Zero exactly when the network is nearly minimal but for the scaling of its neurons. Zero
    neurons do not count.

    Parameters
    ----------
    problem : Problem
        Gives the data.
    network : ReLUNetwork
        The network.
    kinks : bool array_like of shape (n, m), optional
        Which samples are on the kink of which neurons.
    kink_tol : float, default 1e-9
        Where ``kinks`` is not given, samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    >>> largest_spread(problem, ReLUNetwork([[1.0, 4.0], [0.0, 3.0]], [1.0, 1.0]))
    0.6
    """
    problem, network = as_problem(problem), as_network(network)
    network = problem.fitting(network)
    blocks, signs = signed_blocks(network)
    used = np.linalg.norm(blocks, axis=0) > 0
    blocks, signs = blocks[:, used], signs[used]
    if kinks is None:
        sides = kink_signs(problem.X, blocks, kink_tol)
    else:
        on_kink = np.asarray(kinks, dtype=np.bool_)[:, used]
        sides = np.where(on_kink, 0, np.sign(problem.X @ blocks)).astype(np.int8)
    shared = ~opposed(sides, sides) & same_output(signs)
    return float(np.max(_sines(blocks)[shared], initial=0.0))


def collinear(blocks: Array, tol: float = EQUAL) -> NDArray[np.bool_]:
    """Return which pairs of non-zero blocks (d, m) are at an acute angle whose sine is at most ``tol``, (m, m)."""
    return np.asarray(_sines(blocks) <= tol)


def _sines(blocks: Array) -> Array:
    """Return sines of the angles of all pairs of non-zero blocks, 1 beyond a right angle, (m, m)."""
    units = blocks / np.linalg.norm(blocks, axis=0)
    cosines = units.T @ units
    # Not the root of 1 minus the cosine's square, which is good to 1e-8 only.
    rests = [np.linalg.norm(units - np.outer(u, c), axis=0) for u, c in zip(units.T, cosines, strict=True)]
    sines = np.where(cosines > 0, np.reshape(rests, cosines.shape), 1.0)
    np.fill_diagonal(sines, 0.0)
    return np.asarray(sines)


def activation_columns(problem: Problem, network: ReLUNetwork) -> Array:
    """Return each neuron's contribution to the predictions, ``(X u_j)_+ a_j^T`` as a column, shape (n C, m)."""
    hidden = np.maximum(problem.X @ network.hidden, 0.0)
    output = network.output.reshape(network.n_neurons, network.n_outputs)
    return (hidden[:, None, :] * output.T).reshape(problem.y.size, network.n_neurons)


@on_one_blas_thread
def is_basic(problem: Problem, network: ReLUNetwork, *, tol: float = INDEPENDENT) -> bool:
    """Return whether the activations of the neurons in use are linearly independent on the data.

    For several outputs those of the products ``(X u_j)_+ a_j^T``. An optimal network is basic exactly where it is a
    vertex of the polytope of optima: no other choice of its neurons' sizes is optimal.

    Parameters
    ----------
    problem : Problem
        Gives the data.
    network : ReLUNetwork
        The network.
    tol : float, default 1e-10
        A column, of norm one, whose part outside the span of others is below ``tol`` depends on them.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023, Proposition 3.6.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 1.0], beta=0.1)
    >>> is_basic(problem, ReLUNetwork([[1.0, 2.0]], [1.0, 1.0])), is_basic(problem, ReLUNetwork([[1.0]], [1.0]))
    (False, True)
    """
    problem, network = as_problem(problem), as_network(network)
    network = problem.fitting(network)
    columns = activation_columns(problem, network.prune_zeros())
    n_rows, m = columns.shape
    sizes = np.linalg.norm(columns, axis=0)
    if m > n_rows or not np.all(sizes > 0):
        return False
    if m == 0:
        return True
    triangle = qr(columns / sizes, mode="r", pivoting=True, check_finite=False)[0]
    return bool(np.min(np.abs(np.diagonal(triangle))) > tol)
