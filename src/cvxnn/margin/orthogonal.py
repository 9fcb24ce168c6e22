"""Orthogonally separable data: two neurons, each the support vector machine of one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.margin.dual_constraint import DualConstraint
from cvxnn.margin.kkt_points import KKTPoint, kkt
from cvxnn.margin.linear import LinearMaxMargin, linear_max_margin
from cvxnn.margin.widest import MaxMargin, max_margin
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_labelled, as_network
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.validation import Array


def is_orthogonally_separable(X: Any, y: Any) -> bool:
    """Return whether ``x_i^T x_j > 0`` for samples of one class and ``x_i^T x_j <= 0`` for samples of different ones.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1.

    References
    ----------
    M. Phuong and C. H. Lampert, "The inductive bias of ReLU networks on orthogonally separable data", ICLR 2021.

    Examples
    --------
    >>> X = [[2.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]
    >>> is_orthogonally_separable(X, [1.0, 1.0, -1.0]), is_orthogonally_separable(X, [1.0, -1.0, -1.0])
    (True, False)
    """
    X, y = as_labelled(X, y)
    return _offending_pair(X, y) is None


def _offending_pair(X: Array, y: Array) -> tuple[int, int] | None:
    """Return the first two samples whose inner product has the wrong sign."""
    products, same = X @ X.T, y[:, None] == y
    wrong = np.argwhere(np.where(same, products <= 0.0, products > 0.0))
    return (int(wrong[0, 0]), int(wrong[0, 1])) if len(wrong) else None


def _require_orthogonally_separable(X: Array, y: Array) -> None:
    pair = _offending_pair(X, y)
    if pair is not None:
        i, j = pair
        asked = "> 0 within a class" if y[i] == y[j] else "<= 0 between classes"
        raise HypothesisError(
            f"X and y must be orthogonally separable, x_i^T x_j {asked}; rows {i} and {j} have {X[i] @ X[j]:.6g}"
        )


@short_repr
@dataclass(frozen=True, eq=False)
class OrthogonalOptimum:
    """The max-margin network of orthogonally separable data, in closed form, beside the convex program's.

    Parameters
    ----------
    network : ReLUNetwork
        One neuron for each class there is: ``w_+`` with a positive output weight, ``w_-`` with a negative one.
    multipliers : ndarray of shape (n,)
        Those of the support vector machines.
    machines : dict of int to LinearMaxMargin
        The support vector machine of each class alone, by label.
    best : MaxMargin
        What the convex program says.
    value : Comparison
        The convex program's optimum beside ``||w_+|| + ||w_-||``.
    dual_norm : Comparison
        The largest ``|(y * lam)^T (Xu)_+|`` over unit vectors at the machines' multipliers, beside 1: they are dual
        optimal.
    """

    network: ReLUNetwork
    multipliers: Array  # (n,)
    machines: dict[int, LinearMaxMargin]
    best: MaxMargin
    value: Comparison
    dual_norm: Comparison


def orthogonal_optimum(X: Any, y: Any) -> OrthogonalOptimum:
    """Return the closed form of max margin on orthogonally separable data, measured against the convex program.

    Statement
        The optimum is one neuron for each class, ``w_s = argmin ||w||`` with ``x_i^T w >= 1`` on class s, and the
        value is ``||w_+|| + ||w_-||``.
    Hypotheses
        X and y are orthogonally separable.
    Guarantee
        Tight. (``w_s`` is a non-negative combination of its class, so it is not active on the other one. The dual
        norm is 1: ``q^T (Xu)_+`` is largest for u in the cone of the positive class, where only that class counts.)

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1.

    Raises
    ------
    HypothesisError
        If the data is not orthogonally separable; the message names two samples.

    References
    ----------
    M. Phuong and C. H. Lampert, ICLR 2021; Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR
    2022.

    Examples
    --------
    >>> found = orthogonal_optimum([[2.0, 0.0], [0.0, -1.0], [0.0, -3.0]], [1.0, -1.0, -1.0])
    >>> round(found.value.predicted, 6), found.value.holds, found.dual_norm.holds
    (1.5, True, True)
    """
    X, y = as_labelled(X, y)
    _require_orthogonally_separable(X, y)
    lam, machines = np.zeros(len(y)), dict[int, LinearMaxMargin]()
    for label in np.unique(y):
        rows = y == label
        machines[int(label)] = machine = linear_max_margin(X[rows], np.ones(int(np.sum(rows))))
        lam[rows] = machine.multipliers
    roots = np.sqrt([machine.norm for machine in machines.values()])
    hidden = np.stack([machine.w for machine in machines.values()], axis=1) / roots
    network = ReLUNetwork(hidden, np.array(list(machines)) * roots)
    best = max_margin(X, y)
    value = Comparison(best.value, float(np.sum(roots**2)))
    largest = DualConstraint(X).evaluate(y * lam).upper
    return OrthogonalOptimum(network, lam, machines, best, value, Comparison(largest, 1.0))


@short_repr
@dataclass(frozen=True, eq=False)
class CoveringNeurons:
    """A KKT point on orthogonally separable data two of whose neurons cover the classes.

    Parameters
    ----------
    point : KKTPoint
        Its multipliers.
    covering : tuple of int
        For each class there is, a neuron of its sign that is active on all of it.
    dual_norm : Comparison
        The largest ``|(y * lam)^T (Xu)_+|`` over unit vectors, beside 1, which it may not exceed.
    value : Comparison
        The point's value beside the closed form's.
    """

    point: KKTPoint
    covering: tuple[int, ...]
    dual_norm: Comparison
    value: Comparison


def covering_neurons(X: Any, y: Any, network: ReLUNetwork, *, tol: float = 1e-6) -> CoveringNeurons:
    """Check that a KKT point is global where, for each class, some neuron is active on all of it.

    Statement
        On orthogonally separable data let a KKT point of max margin have, for each class s, a neuron with output
        weight of sign s that is active on every sample of class s. Its multipliers have
        ``max over ||u|| <= 1 of |(y * lam)^T (Xu)_+| <= 1``, and it is a global optimum.
    Hypotheses
        X and y are orthogonally separable; the network separates them, is a KKT point to tol, and covers each class.
    Guarantee
        Tight.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1.
    network : ReLUNetwork
        One output, no output offset.
    tol : float, default 1e-6
        As of `kkt`.

    Raises
    ------
    HypothesisError
        If a hypothesis fails; the message names it.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022 (the proposition on orthogonally
    separable data).

    Examples
    --------
    >>> X, y = [[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0]
    >>> checked = covering_neurons(X, y, orthogonal_optimum(X, y).network)
    >>> checked.dual_norm.holds, checked.value.holds
    (True, True)
    """
    network = as_network(network)
    X, y = as_labelled(X, y)
    optimum = orthogonal_optimum(X, y)
    point = kkt(X, y, network, tol=tol)
    if not point.is_kkt:
        raise HypothesisError(f"network must be a KKT point to {tol:g}; its residual is {point.residual:.6g}")
    active = X @ point.network.hidden > 0
    covering = []
    for label in optimum.machines:
        rows, signs = y == label, np.sign(point.network.output)
        covers = np.flatnonzero(np.all(active[rows], axis=0) & (signs == label))
        if covers.size == 0:
            raise HypothesisError(f"network must cover class {label:+d}: no neuron is active on all of it")
        covering.append(int(covers[0]))
    dual_norm = Comparison(point.dual_norm.upper, 1.0, "at most", tol)
    return CoveringNeurons(
        point, tuple(covering), dual_norm, Comparison(point.value, optimum.value.predicted, tol=tol)
    )
