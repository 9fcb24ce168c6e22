"""The weight decay from which on the zero network is optimal."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.certificates.exact import exact_oracle
from cvxnn.certificates.search import search
from cvxnn.losses import Loss
from cvxnn.problem import Problem


def beta_max(
    problem: Any,
    y: Any = None,
    *,
    loss: str | Loss = "squared",
    output_offset: bool = False,
    random_state: Any = 0,
) -> float:
    """Return the weight decay from which on the network without neurons is optimal.

    ``beta_max = max over ||u|| <= 1 of |lam^T (X u)_+|`` with ``lam = -grad ell`` at the zero network, its
    output offset the best one where the problem has one. Zero is optimal exactly when ``beta >= beta_max``.

    Exact, up to rounding, where the rank of X is at most 2 or its cells can be enumerated in about a second;
    otherwise the largest value that a local search found, which can only be too small.

    Parameters
    ----------
    problem : Problem or array_like of shape (n, d)
        The problem, whose beta is not looked at; or data X, with ``y`` and the options below.
    y : array_like of shape (n,) or (n, 1), optional
        Targets, with data only.
    loss : str or Loss, default "squared"
        With data only.
    output_offset : bool, default False
        With data only.
    random_state : int, Generator or None, default 0
        Seed of the search.

    Returns
    -------
    float
        0.0 where the zero network fits perfectly.

    Raises
    ------
    ValueError
        If there are several outputs, or ``y`` is missing with data or given with a problem.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (5).

    Examples
    --------
    >>> beta_max(Problem([[1.0], [-2.0]], [3.0, 1.0], beta=0.0))
    3.0
    >>> beta_max([[1.0], [-2.0]], [3.0, 1.0])
    3.0
    """
    if isinstance(problem, Problem):
        if y is not None:
            raise ValueError("y must be left out where a Problem is given; it holds its own targets")
    elif y is None:
        raise ValueError("y must be given with data X; got None")
    else:
        problem = Problem(problem, y, 0.0, loss, output_offset)
    if problem.n_outputs != 1:
        raise ValueError(f"y must have one output for beta_max; got {problem.n_outputs}")
    problem = problem.in_memory()
    lam = problem.dual_variable(np.zeros_like(problem.y) + problem.null_offset()).ravel()
    if not np.any(lam):
        return 0.0
    found = search(problem.X, lam, random_state=random_state).value
    oracle = exact_oracle(problem.X, max_seconds=1.0)
    return found if oracle is None else max(found, oracle.maximise(lam).value)
