"""The variation norm gamma_1 (F_1): of a network's function an upper bound, of values on data exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linprog

from cvxnn.function_spaces.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.neurons_found import NeuronOracle
from cvxnn.function_spaces.unit_networks import UnitNetwork, as_degree, unit_features, unit_norm_form
from cvxnn.networks import ReLUNetwork
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.validation import Array, as_count, as_finite_array, as_number

# Of the values' length: a fit that misses by less is one, and a correlation with no more is none.
_MISFIT = 1e-9
# Neurons that a round adds: more local maxima at a time, fewer rounds.
_MOST_NEW = 64


@dataclass(frozen=True, eq=False)
class VariationNorm:
    """The variation norm of values on data, from both sides.

    Parameters
    ----------
    value : float
        ``||w||_1`` of the network: an upper bound.
    lower_bound : float
        ``lam^T f``: no network that takes these values has a smaller one.
    network : UnitNetwork
        Takes the values, to ``misfit``, with at most n neurons.
    lam : ndarray of shape (n,)
        The dual variable, scaled so that ``|lam^T (X v)_+^k| <= 1`` for all unit v.
    misfit : float
        Largest absolute difference between the network's values and those given.
    rounds : int
        Linear programs solved.
    is_exact : bool
        Whether the oracle of the last round was: a search proves less than it finds.
    """

    value: float
    lower_bound: float
    network: UnitNetwork
    lam: Array  # (n,)
    misfit: float
    rounds: int
    is_exact: bool

    @property
    def duality(self) -> Comparison:
        """Return the value beside its lower bound: equal, in the limit of rounds."""
        return Comparison(self.value, self.lower_bound)

    def __repr__(self) -> str:
        return (
            f"VariationNorm(value={self.value:.6g}, lower_bound={self.lower_bound:.6g}, "
            f"neurons={self.network.n_neurons}, rounds={self.rounds})"
        )


@dataclass(frozen=True, eq=False)
class StrictBound:
    """A network whose weights have a larger norm than its function.

    Parameters
    ----------
    network : UnitNetwork
        Four neurons on R^2 of distinct directions.
    bound : float
        ``||w||_1``.
    norm : float
        The variation norm of the network's function, on all of R^2.
    X : ndarray of shape (2, 2)
        Two points that prove it.
    lam : ndarray of shape (2,)
        ``|lam^T (X v)_+| <= 1`` for all unit v, and ``lam^T f(X) = norm``.
    """

    network: UnitNetwork
    bound: float
    norm: float
    X: Array  # (2, 2)
    lam: Array  # (2,)


def variation_norm_bound(network: ReLUNetwork | UnitNetwork, activation: Any = 1) -> float:
    """Return ``||w||_1`` of a network's unit-norm form: an upper bound on the variation norm of its function.

    ``sum_j ||u_j||^k |a_j|``; for the ReLU, k = 1, the network's path norm. It is the total variation of one measure
    that represents the function, and gamma_1 the infimum over all of them: `strict_bound_example` has a smaller one.

    Parameters
    ----------
    network : ReLUNetwork or UnitNetwork
        One output, no offset.
    activation : {1, 0, 2}, "relu", "step", "squared_relu" or PositivePart, default 1
        The activation of the network; a `UnitNetwork` has its own.

    Raises
    ------
    ValueError
        As `unit_norm_form`.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.1.

    Examples
    --------
    >>> variation_norm_bound(ReLUNetwork([[3.0], [4.0]], [2.0]))
    10.0
    >>> variation_norm_bound(ReLUNetwork([[3.0], [4.0]], [2.0]), "squared_relu")
    50.0
    """
    return unit_norm_form(network, activation).total_variation


def strict_bound_example() -> StrictBound:
    """Return a network whose ``||w||_1`` is 4 and whose function has the variation norm ``2 sqrt(2)``.

    ``(x_1)_+ - (-x_1)_+ + (x_2)_+ - (-x_2)_+ = x_1 + x_2 = sqrt(2) ((v^T x)_+ - (-v^T x)_+)`` with ``v = (1, 1) /
    sqrt(2)``. No less will do: at the two points v and -v, ``lam = (1, -1)`` has ``lam^T (X u)_+ = v^T u <= 1`` for all
    unit u, and ``lam^T f(X) = 2 sqrt(2)``. So a finite network need not attain the variation norm of its function, even
    with distinct directions.

    Examples
    --------
    >>> example = strict_bound_example()
    >>> example.bound, round(example.norm, 6), example.network.predict([[3.0, 5.0]])
    (4.0, 2.828427, array([8.]))
    """
    directions = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    network = UnitNetwork(directions, [1.0, -1.0, 1.0, -1.0])
    X = np.array([[1.0, 1.0], [-1.0, -1.0]]) / math.sqrt(2.0)
    return StrictBound(network, network.total_variation, 2.0 * math.sqrt(2.0), X, np.array([1.0, -1.0]))


def variation_norm(
    X: Any,
    values: Any,
    activation: Any = 1,
    *,
    tol: float = 1e-6,
    max_rounds: int = 200,
    oracle_seconds: float = 0.5,
    random_state: Any = 0,
) -> VariationNorm:
    """Return the variation norm of values on data: the smallest ``||w||_1`` of networks that take them.

    ``min ||w||_1 s.t. sum_j w_j (X v_j)_+^k = f``, over any number of unit neurons, with the dual ``max lam^T f s.t.
    |lam^T (X v)_+^k| <= 1 for all unit v``. Linear programs over the neurons found so far give lam, the oracle the
    neurons that violate its constraint most, and its upper bound scales lam to a proven lower bound.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    values : array_like of shape (n,)
        f.
    activation : {1, 0, 2}, "relu", "step", "squared_relu" or PositivePart, default 1
        ``(z)_+^k``.
    tol : float, default 1e-6
        Relative difference of the two sides to stop at.
    max_rounds : int, default 200
        Largest number of linear programs; the result says where the two sides are then.
    oracle_seconds : float, default 0.5
        About the longest time that one call of an exact oracle may take; 0 asks for searches.
    random_state : int, Generator or None, default 0
        Seed of searches.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.
    HypothesisError
        If no network takes these values, so that the norm is infinite; where the oracle is a search: if none was found.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.1. For k = 1
    on all patterns: M. Pilanci and T. Ergen, ICML 2020, section 3.1.

    Examples
    --------
    >>> norm = variation_norm([[1.0], [-2.0]], [3.0, 1.0])
    >>> round(norm.value, 9), round(norm.lower_bound, 9)
    (3.5, 3.5)
    """
    data, f = as_finite_array(X, "X", (2,)), as_finite_array(values, "values", (1,))
    if len(f) != len(data):
        raise ValueError(f"values must have one entry for each of the {len(data)} rows of X; got {len(f)}")
    degree, tol = as_degree(activation), as_number(tol, "tol")
    max_rounds = as_count(max_rounds, "max_rounds", 1)
    if not np.any(f):
        nothing = UnitNetwork(np.zeros((data.shape[1], 0)), np.zeros(0), degree)
        return VariationNorm(0.0, 0.0, nothing, np.zeros(len(f)), 0.0, 0, True)
    # Rows of length one and values of size one: a network's values at x scale with ||x||^k.
    lengths = np.linalg.norm(data, axis=1)
    lengths = np.where(lengths > 0, lengths, 1.0)
    rows, values = data / lengths[:, None], f / lengths**degree
    size = float(np.max(np.abs(values)))
    oracle = neuron_oracle(rows, degree, max_seconds=oracle_seconds, random_state=random_state)
    directions = _spanning(rows, values / size, oracle)
    found = _exchange(rows, values / size, directions, oracle, tol, max_rounds)
    network = UnitNetwork(found.network.directions, size * found.network.weights, degree)
    misfit = float(np.max(np.abs(network.predict(data) - f)))
    return replace(
        found,
        value=size * found.value,
        lower_bound=size * found.lower_bound,
        network=network,
        lam=found.lam / lengths**degree,
        misfit=misfit,
    )


def _spanning(X: Array, f: Array, oracle: NeuronOracle) -> Array:
    """Return unit vectors whose neurons have f in their span.

    What is left of f after projecting it on the span so far names a new neuron; where no neuron correlates with it, it
    is orthogonal to all, and f is out of reach.
    """
    lam, directions = f, np.zeros((X.shape[1], 0))
    for _ in range(len(f) + 1):
        found = oracle.maximise(lam, starts=directions)
        reach = _MISFIT * float(np.abs(lam) @ np.linalg.norm(X, axis=1) ** oracle.degree)
        if found.value <= reach:
            raise HypothesisError(
                "values must be those of a network, or their variation norm is infinite: no unit neuron correlates "
                f"with what {directions.shape[1]} neurons leave of them"
                + ("" if found.upper <= 2 * reach else ", as far as a search can tell")
            )
        directions = np.column_stack([directions, found.directions[:, :_MOST_NEW]])
        H = unit_features(X, directions, oracle.degree)
        left = f - H @ np.linalg.lstsq(H, f, rcond=1e-12)[0]
        length = float(np.linalg.norm(left))
        if length <= _MISFIT * float(np.linalg.norm(f)):
            return directions
        lam = left / length
    raise ArithmeticError(
        "the span of the neurons found did not grow by one a round: X is too ill-conditioned"
    )


def _exchange(
    X: Array, f: Array, V: Array, oracle: NeuronOracle, tol: float, max_rounds: int
) -> VariationNorm:
    """Return the best of both sides: programs over ever more neurons, dual variables scaled to be feasible."""
    lower, best_lam, rounds = 0.0, np.zeros(len(f)), 0
    while True:
        rounds += 1
        H = unit_features(X, V, oracle.degree)
        weights, lam = _least_l1(H, f)
        value = float(np.sum(np.abs(weights)))
        found = oracle.maximise(lam, starts=V[:, weights != 0])
        bound = float(lam @ f) / found.upper
        if bound > lower:
            lower, best_lam = bound, lam / found.upper
        if value - lower <= tol * value or found.value <= 1.0 or rounds == max_rounds:
            break
        V = np.column_stack([V, found.directions[:, :_MOST_NEW]])
    used = weights != 0
    network = UnitNetwork(V[:, used], weights[used], oracle.degree)
    misfit = float(np.max(np.abs(network.predict(X) - f)))
    return VariationNorm(value, lower, network, best_lam, misfit, rounds, found.is_exact)


def _least_l1(H: Array, f: Array) -> tuple[Array, Array]:
    """Return a basic solution of ``min ||w||_1 s.t. H w = f`` and its dual variable."""
    m = H.shape[1]
    program = linprog(
        np.ones(2 * m),
        A_eq=np.hstack([H, -H]),
        b_eq=f,
        bounds=(0, None),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if program.x is None:
        raise ArithmeticError(f"variation norm: the linear program's solver ended with {program.message!r}")
    w = program.x[:m] - program.x[m:]
    used = np.flatnonzero(np.abs(w) > 1e-12 * np.max(np.abs(w)))
    weights = np.zeros(m)
    weights[used] = np.linalg.lstsq(H[:, used], f, rcond=None)[0]  # to rounding, from the solver's 1e-10
    return weights, np.asarray(program.eqlin.marginals)
