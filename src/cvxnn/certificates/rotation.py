"""A problem in coordinates of the row space of its data, where features outnumber samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.row_space import RowSpace
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.units import Units
from cvxnn.validation import Array

# Sizes of the predictions that bound the sum of a dual variable, in units of the largest target: all are valid.
_SIZES = 4.0 ** np.arange(-6, 7)


@short_repr
@dataclass(frozen=True, eq=False)
class Rotation:
    """A problem, and the same in coordinates of its row space; what is found for the one is carried to the other.

    With orthonormal columns B, (d, r), that span the rows of X, ``X = C B^T``, and neither predictions nor penalty of
    ``U = B V`` differ from those of V on C, (n, r). A part of U that is orthogonal to the rows costs and does nothing.
    So all that is done for d > n features costs what it does for r <= n of them. Activation patterns and dual
    variables are the same; gates, directions, blocks and hidden weights are vectors of R^d on the one side and of R^r
    on the other.

    Parameters
    ----------
    given : Problem
        The problem as it was given.
    problem : Problem
        The same in coordinates; the one given itself, where d <= n.
    basis : ndarray of shape (d, r), or None
        B; None where the problem stays as it is.
    errors : ndarray of shape (n,), or None
        Upper bounds on the norms of the rows of ``X - C B^T``, rounding of what is computed with C included.

    Examples
    --------
    >>> rotation = Rotation.of(Problem([[3.0, 0.0, 4.0]], [1.0], beta=0.5))
    >>> abs(rotation.problem.X).round(12), rotation.problem.n_features
    (array([[5.]]), 1)
    """

    given: Problem
    problem: Problem
    basis: Array | None  # (d, r)
    errors: Array | None  # (n,)

    @property
    def is_plain(self) -> bool:
        """Return whether ``problem`` is the one given."""
        return self.basis is None

    @classmethod
    def of(cls, problem: Problem) -> Rotation:
        """Return the rotation of a problem to its row space; nothing is rotated where d <= n."""
        if problem.n_features <= problem.n_samples:
            return cls(problem, problem, None, None)
        space = RowSpace(problem.X)
        basis, coordinates = space.basis, space.coordinates
        if space.rank == 0:
            basis, coordinates = np.eye(problem.n_features, 1), np.zeros((problem.n_samples, 1))
        return cls(problem, problem.with_data(coordinates), basis, space.errors)

    def carried(self, other: Problem) -> Problem:
        """Return another problem on the data of ``given``, such as one of another loss, in the same coordinates."""
        return other if self.basis is None else other.with_data(self.problem.X)

    def with_beta(self, beta: float) -> Rotation:
        """Return the rotation of the problem with another weight decay: the coordinates are the same."""
        given = self.given.with_beta(beta)
        return Rotation(
            given, given if self.is_plain else self.problem.with_beta(beta), self.basis, self.errors
        )

    def vectors(self, W: Array) -> Array:
        """Return vectors of coordinates, columns of shape (r, k), as vectors of R^d."""
        return W if self.basis is None else self.basis @ W

    def coordinates(self, U: Array) -> Array:
        """Return the coordinates of vectors of R^d, columns of shape (d, k), without what is orthogonal to the rows."""
        return U if self.basis is None else self.basis.T @ U

    def network(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``problem`` as one of ``given``: of the same objective, to rounding."""
        if self.basis is None:
            return network
        return ReLUNetwork(self.vectors(network.hidden), network.output, network.offset)

    def network_in_coordinates(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``given`` as one of ``problem``: of the same predictions, and no larger penalty."""
        if self.basis is None:
            return network
        return ReLUNetwork(self.coordinates(network.hidden), network.output, network.offset)

    @cached_property
    def bound_share(self) -> float:
        """Return what a lower bound on the optimum of ``problem`` is multiplied by to be one on that of ``given``.

        1 but for rounding, and exactly 1 where nothing is rotated.

        Notes
        -----
        The optimum p of ``problem`` is ``D(lam) = inf over f of ell(f) + <lam, f>`` for some dual variable with
        ``Phi(lam) <= beta`` in coordinates. On X it is at most ``beta + a`` with ``a = sum_i ||lam_i|| e_i``, where
        e_i are the `errors`, because the ReLU is 1-Lipschitz; so ``t lam`` with ``t = beta / (beta + a)`` is feasible,
        and since D is concave and ``D(0) >= 0``, the optimum on X is at least ``D(t lam) >= t p``. As ``D(lam) >= 0``,
        ``-<lam, f> <= ell(f)`` for every f; with ``f_ic = -s e_i sign(lam_ic)`` in one column c, and no loss of a
        sample below zero, ``s sum_i |lam_ic| e_i <= ell(s e) + ell(-s e)`` for every s > 0. That bounds a.
        """
        if self.errors is None:
            return 1.0
        units = Units.of(self.problem)
        beta = units.problem.beta
        return beta / (beta + _largest_sum(units.problem, self.errors / units.data))

    def certificate(self, found: Certificate, objective: float) -> Certificate:
        """Return what is proved of ``problem`` as a certificate of ``given``, with the objective attained there."""
        if self.basis is None:
            return found
        return make_certificate(
            objective,
            found.lower_bound * self.bound_share,
            tol=found.tol,
            method=found.method,
            scope=found.scope,
            search_violation=found.search_violation,
        )


def _largest_sum(problem: Problem, errors: Array) -> float:
    """Return an upper bound on ``sum_i ||lam_i|| e_i`` at every dual variable whose dual objective is >= 0."""
    largest = float(np.max(errors))
    if largest == 0.0:
        return 0.0
    steps = (float(np.max(np.abs(problem.centred_target))) or 1.0) * _SIZES
    offset, total = problem.null_offset(), 0.0
    for c in range(problem.n_outputs):
        column = np.zeros((problem.n_samples, problem.n_outputs))
        column[:, c] = errors / largest
        losses = [
            problem.loss_value(step * column, offset) + problem.loss_value(-step * column, offset)
            for step in steps
        ]
        total += largest * float(np.min(losses / steps))
    return total
