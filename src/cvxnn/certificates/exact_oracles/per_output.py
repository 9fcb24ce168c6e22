"""The exact oracle for the l1 norm of output weights: one output after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.oracles import MAX_DIRECTIONS, Maximisers, Oracle
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class PerOutputOracle(Oracle):
    """Exact maximiser of ``max over outputs c of |lam_c^T (X u)_+|``, by an exact oracle for one output.

    It is the dual constraint of training with the penalty ``beta/2 sum_j (||u_j||_2^2 + ||a_j||_1^2)``: the extreme
    points of the l1 ball are plus or minus the unit vectors, so optimal neurons serve one output each.

    Parameters
    ----------
    oracle : Oracle
        An exact oracle for one output.

    Examples
    --------
    >>> from cvxnn.certificates import SweepOracle
    >>> found = PerOutputOracle(SweepOracle(np.eye(2))).maximise(np.array([[3.0, 1.0], [-4.0, 1.0]]))
    >>> round(found.value, 12), int(found.signs[0] @ [1, 2])
    (4.0, -1)
    """

    oracle: Oracle

    @property
    def is_cheap(self) -> bool:
        """Return whether the oracle for one output is."""
        return self.oracle.is_cheap

    @on_one_blas_thread
    def maximise(self, lam: Array, *, threshold: float = 0.0, deadline: Deadline = NEVER) -> Maximisers:
        """Return the maximum over all outputs.

        Parameters
        ----------
        lam : ndarray of shape (n, C)
            The dual variable.
        threshold, deadline
            Passed on to the oracle for one output.
        """
        found = [self.oracle.maximise(column, threshold=threshold, deadline=deadline) for column in lam.T]
        values = np.concatenate([one.values for one in found])
        U = np.concatenate([one.directions for one in found], axis=1)
        signs = np.concatenate(
            [np.outer(one.signs, e) for one, e in zip(found, np.eye(len(found)), strict=True)]
        )
        order = np.argsort(-values, kind="stable")[:MAX_DIRECTIONS]
        highest = max(found, key=lambda one: one.upper)
        return Maximisers.of(
            U[:, order], signs[order], values[order], upper=highest.upper, method=highest.method
        )
