"""The most interior point of a cone, by one non-negative least-squares problem."""

import numpy as np
from scipy.optimize import nnls

from cvxnn.validation import Array

# Below this, 1 - sum(multipliers) is rounding and the cone has no interior that float64 can see.
_NO_INTERIOR = 1e-14


def widest_point(rows: Array) -> Array | None:
    """Find the point of ``{w : rows @ w > 0}`` with the largest margin for its length.

    Least distance programming: minimise ||w|| subject to ``rows @ w >= 1``, from the residual of
    ``min ||rows^T z||^2 + (1 - sum z)^2`` over z >= 0, which vanishes exactly when the open cone is empty.

    Parameters
    ----------
    rows : ndarray of shape (k, r)
        Signed unit normals.

    Returns
    -------
    ndarray of shape (r,) or None
        A unit vector, or None if the open cone is empty to working precision.

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", SIAM 1995, chapter 23, algorithm LDP.

    Examples
    --------
    >>> widest_point(np.array([[1.0, 0.0], [0.0, 1.0]])).round(3)
    array([0.707, 0.707])
    >>> widest_point(np.array([[1.0], [-1.0]])) is None
    True
    """
    system = np.vstack([rows.T, np.ones(len(rows))])
    target = np.append(np.zeros(rows.shape[1]), 1.0)
    multipliers, _ = nnls(system, target, maxiter=100 * len(rows))
    direction = rows.T @ multipliers
    length = float(np.linalg.norm(direction))
    if 1.0 - multipliers.sum() <= _NO_INTERIOR or length == 0.0:
        return None
    unit: Array = direction / length
    return unit if (rows @ unit > 0).all() else None
