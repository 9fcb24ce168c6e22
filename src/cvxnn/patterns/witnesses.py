"""The most interior point of a cone, by one non-negative least-squares problem."""

import numpy as np

from cvxnn.cones import least_distance
from cvxnn.validation import Array

# Of the shortest w: a cone that needs a longer one has no interior that float64 can see.
_LONGEST = 1e7


def widest_point(rows: Array) -> Array | None:
    """Find the point of ``{w : rows @ w > 0}`` with the largest margin for its length.

    Least distance programming: minimise ||w|| subject to ``rows @ w >= 1`` (`least_distance`).

    Parameters
    ----------
    rows : ndarray of shape (k, r)
        Signed unit normals.

    Returns
    -------
    ndarray of shape (r,) or None
        A unit vector, or None if the open cone is empty to working precision.

    Examples
    --------
    >>> widest_point(np.array([[1.0, 0.0], [0.0, 1.0]])).round(3)
    array([0.707, 0.707])
    >>> widest_point(np.array([[1.0], [-1.0]])) is None
    True
    """
    found = least_distance(rows, np.ones(len(rows)), longest=_LONGEST)
    if found is None:
        return None
    unit: Array = found[0] / np.linalg.norm(found[0])
    return unit if (rows @ unit > 0).all() else None
