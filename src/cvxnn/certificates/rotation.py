"""A problem in coordinates of the row space of its data, where that has fewer dimensions than there are columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.row_space import RowSpace, is_wide, relative_rounding
from cvxnn.cones import lengths_and_units
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.units import Units
from cvxnn.validation import Array, row_norms

# Sizes of the predictions that bound the sum of a dual variable, in units of the largest target: all are valid.
_SIZES = 4.0 ** np.arange(-6, 7)


# Columns from which zeros and few dimensions are looked for, where samples outnumber columns: below, nothing that takes
# the cube of the dimension takes long.
_FEWEST_COLUMNS = 32
# Of the columns: zeros that are left out, or dimensions of the row space that everything is rotated to, from this share
# on. On ordinary tables, which have a few dependent columns, the numbers of the columns as given say more.
_FEWEST_ZEROS, _MOST_DIMENSIONS = 1 / 8, 1 / 2
# Of a row's length: what the span of some rows may leave of it to be taken for the span of all.
_LEAK = 1e-12
# Of the trace of the products of unit rows: eigenvalues that rounding may take away.
_ROUNDING = 1e-12


@short_repr
@dataclass(frozen=True, eq=False)
class Rotation:
    """A problem, and the same in coordinates of its row space; what is found for the one is carried to the other.

    With orthonormal columns B, (d, r), that span the rows of X, ``X = C B^T``, and neither predictions nor penalty of
    ``U = B V`` differ from those of V on C, (n, r). A part of U that is orthogonal to the rows costs and does nothing.
    So all that is done for d columns costs what it does for r. Activation patterns and dual variables are the same;
    gates, directions, blocks and hidden weights are vectors of R^d on the one side and of R^r on the other.

    It is done where columns outnumber samples, so that r <= n (by a quarter, from a thousand samples on); and, from 32
    columns on, where at least an eighth of them are zero, as in images, or the rows span at most half of the
    dimensions. Of other data nothing changes, to the last bit.

    Parameters
    ----------
    given : Problem
        The problem as it was given.
    problem : Problem
        The same in coordinates; the one given itself, where it stays as it is.
    columns : int ndarray of shape (k,), or None
        The columns of X that are kept, all others being zero; None for all of them.
    basis : ndarray of shape (k, r), or None
        B, for the columns kept; None where these are the coordinates.
    errors : ndarray of shape (n,), or None
        Upper bounds on the norms of the rows of ``X - C B^T``, rounding of what is computed with C included; None where
        no digit changes.

    Examples
    --------
    >>> rotation = Rotation.of(Problem([[3.0, 0.5, 4.0]], [1.0], beta=0.5))
    >>> abs(rotation.problem.X).round(12), rotation.problem.n_features
    (array([[5.02493781]]), 1)
    """

    given: Problem
    problem: Problem
    columns: NDArray[np.intp] | None  # (k,)
    basis: Array | None  # (k, r)
    errors: Array | None  # (n,)

    @property
    def is_plain(self) -> bool:
        """Return whether ``problem`` is the one given."""
        return self.problem is self.given

    @classmethod
    def of(cls, problem: Problem) -> Rotation:
        """Return the rotation of a problem to its row space, or one that leaves it as it is."""
        X, columns = problem.X, _columns_to_keep(problem.X)
        if columns is not None:
            X = X[:, columns]
        if is_wide(X):
            space = RowSpace(X)
            return cls(problem, problem.with_data(space.coordinates), columns, space.basis, space.errors)
        basis = _narrow_basis(X)
        if basis is not None:
            C, norms = X @ basis, row_norms(X)
            leaks = row_norms(X - C @ basis.T)
            if np.all(leaks <= _LEAK * norms):
                errors = leaks + relative_rounding(X) * norms
                return cls(problem, problem.with_data(C), columns, basis, errors)
        return cls(problem, problem if columns is None else problem.with_data(X), columns, None, None)

    def carried(self, other: Problem) -> Problem:
        """Return another problem on the data of ``given``, such as one of another loss, in the same coordinates."""
        return other if self.is_plain else other.with_data(self.problem.X)

    def with_beta(self, beta: float) -> Rotation:
        """Return the rotation of the problem with another weight decay: the coordinates are the same."""
        given = self.given.with_beta(beta)
        problem = given if self.is_plain else self.problem.with_beta(beta)
        return Rotation(given, problem, self.columns, self.basis, self.errors)

    def vectors(self, W: Array) -> Array:
        """Return vectors of coordinates, columns of shape (r, k), as vectors of R^d."""
        if self.is_plain:
            return W
        used = np.flatnonzero(np.any(W, axis=0))
        if self.basis is not None and self.columns is None and used.size == W.shape[1]:
            return np.asarray(self.basis @ W)
        kept = W[:, used] if self.basis is None else self.basis @ W[:, used]
        # Column by column: where most blocks are zero, memory of theirs is never touched.
        vectors = np.zeros((self.given.n_features, W.shape[1]), order="F")
        vectors[np.ix_(np.arange(len(vectors)) if self.columns is None else self.columns, used)] = kept
        return vectors

    def coordinates(self, U: Array) -> Array:
        """Return the coordinates of vectors of R^d, columns of shape (d, k), without what is orthogonal to the rows."""
        kept = U if self.columns is None else U[self.columns]
        return kept if self.basis is None else self.basis.T @ kept

    def network(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``problem`` as one of ``given``: of the same objective, to rounding."""
        if self.is_plain:
            return network
        return ReLUNetwork(self.vectors(network.hidden), network.output, network.offset)

    def network_in_coordinates(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of ``given`` as one of ``problem``: of the same predictions, and no larger penalty."""
        if self.is_plain:
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
        if self.is_plain:
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


def _columns_to_keep(X: Array) -> NDArray[np.intp] | None:
    """Return the columns with an entry that is not zero, one at least, where those without are many; else None."""
    n, d = X.shape
    used = np.flatnonzero(np.any(X, axis=0))
    n_zeros = d - len(used)
    if n_zeros == 0 or (d <= n and (d < _FEWEST_COLUMNS or n_zeros < _FEWEST_ZEROS * d)):
        return None
    return used if used.size else np.arange(1)


def _narrow_basis(X: Array) -> Array | None:
    """Return an orthonormal basis of some rows of X, n >= d, where they span at most half of the dimensions."""
    n, d = X.shape
    if d < _FEWEST_COLUMNS:
        return None
    some = np.linspace(0, n - 1, int(_MOST_DIMENSIONS * d) + 1).astype(np.intp)
    rows = lengths_and_units(X[some])[1]
    gram = rows @ rows.T
    gram[np.diag_indices_from(gram)] -= _ROUNDING * len(rows)
    try:
        np.linalg.cholesky(gram)  # a small part of the time of a decomposition, and on most data the answer
    except np.linalg.LinAlgError:
        space = RowSpace(rows)
        return space.basis if 0 < space.rank < len(rows) else None
    return None
