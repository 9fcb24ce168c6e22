"""Upper bounds on the dual constraint of several outputs, from upper bounds for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.bounds.enclosure import Enclosure
from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.problem import OutputNorm
from cvxnn.validation import Array, as_columns

_EPS = float(np.finfo(np.float64).eps)
_FLAT = 1e-12  # singular values of lam below this fraction of the largest are left to an allowance
# Outputs that one polytope encloses: its vertices are found in milliseconds, and 30 to 100 queries are enough.
MOST_TOGETHER = 4
# The bound of one output is a relaxation, and not worth a tighter polytope.
_TOL = 1e-2
_MAX_QUERIES = 100

ScalarBound = Callable[[Array], float]


class TimedBound(Protocol):
    """An upper bound on the dual constraint of one output, as tight as there is time for."""

    def __call__(self, space: RowSpace, lam: Array, *, deadline: Deadline = NEVER) -> float:
        """Return the bound."""


def output_basis(lam: Array) -> Array:
    """Return an orthonormal basis (C, k) of the span of the rows of lam (n, C), to rounding; the leading ones first."""
    _, singular, Vt = np.linalg.svd(lam, full_matrices=False)
    kept = singular > _FLAT * singular[0]
    basis: Array = Vt[kept].T
    return basis


def basis_allowance(row_norms: Array, lam: Array, basis: Array) -> float:
    """Return what to add to an upper bound on ``max over u of ||(lam basis)^T (X u)_+||`` to make it hold for lam.

    It covers what of lam is outside of the basis, and the rounding of ``lam basis``.
    """
    outside = np.linalg.norm(lam - (lam @ basis) @ basis.T, axis=1)
    return float((outside + 4 * len(basis) * _EPS * np.linalg.norm(lam, axis=1)) @ row_norms)


def constraint_bound(
    bound: ScalarBound, space: RowSpace, lam: Array, output_norm: OutputNorm, *, deadline: Deadline = NEVER
) -> float:
    """Return a proven upper bound on ``Phi(lam) = max over ||u|| <= 1 of ||lam^T (X u)_+||``.

    Parameters
    ----------
    bound : callable
        Of a dual variable (n,), a proven upper bound on its Phi.
    space : RowSpace
        The data.
    lam : ndarray of shape (n,) or (n, C)
        Dual variable.
    output_norm : {"l2", "l1"}
        The norm of output weights in the penalty; Phi is in its dual norm.
    deadline : Deadline, default never
        When the bound is no longer made tighter.

    Notes
    -----
    "l1": the largest bound of a column. "l2": in an orthonormal basis of outputs, an `Enclosure` of four at most, and
    ``||(a, b)||`` of the bounds of the first four, the next, and so on.

    Examples
    --------
    >>> from cvxnn.certificates.bounds.norms import both_signs
    >>> space = RowSpace(np.eye(2))
    >>> lam = np.array([[3.0, 0.0], [0.0, 4.0]])
    >>> constraint_bound(lambda column: both_signs(space, column), space, lam, "l2") >= 4.0
    True
    """
    lam = as_columns(lam)
    if output_norm == "l1" or lam.shape[1] == 1:
        return max(bound(column) for column in lam.T)
    basis = output_basis(lam)
    return enclosed(bound, space, lam, basis, deadline=deadline)[0]


def enclosed(
    bound: ScalarBound,
    space: RowSpace,
    lam: Array,
    basis: Array,
    known: Enclosure | None = None,
    *,
    deadline: Deadline = NEVER,
) -> tuple[float, list[Enclosure]]:
    """Return the "l2" bound of `constraint_bound` in a given basis, and the enclosures that prove it.

    Parameters
    ----------
    bound, space, lam, deadline
        As of `constraint_bound`; lam of shape (n, C).
    basis : ndarray of shape (C, k)
        Orthonormal columns, which span the rows of lam up to rounding.
    known : Enclosure, optional
        Queries in that basis, the k unit vectors first.
    """
    coordinates, k = lam @ basis, basis.shape[1]
    enclosures = []
    for first in range(0, k, MOST_TOGETHER):
        group = np.arange(first, min(first + MOST_TOGETHER, k))
        enclosures.append(_shrink(bound, coordinates[:, group], _restricted(known, group), deadline))
    bounds = [enclosure.farthest()[0] for enclosure in enclosures]
    return float(np.linalg.norm(bounds)) * (1 + 4 * k * _EPS) + basis_allowance(
        space.row_norms, lam, basis
    ), enclosures


def _restricted(known: Enclosure | None, group: NDArray[np.intp]) -> Enclosure | None:
    """Return the known queries in a group of coordinates."""
    if known is None:
        return None
    inside = np.linalg.norm(np.delete(known.queries, group, axis=1), axis=1) == 0
    return Enclosure(known.queries[inside][:, group], known.psi[inside])


def _shrink(bound: ScalarBound, lam: Array, enclosure: Enclosure | None, deadline: Deadline) -> Enclosure:
    """Cut until the farthest vertex is hardly above the largest bound of a query."""
    if enclosure is None:
        enclosure = Enclosure(np.eye(lam.shape[1]), np.array([bound(column) for column in lam.T]))
    while len(enclosure.psi) < _MAX_QUERIES and not deadline.is_over:
        top, q = enclosure.farthest()
        if top <= (1 + _TOL) * float(np.max(enclosure.psi)):
            break
        psi = bound(lam @ q)
        if psi >= top:
            break  # no cut
        enclosure.cut(q, psi)
    return enclosure
