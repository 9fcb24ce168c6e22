"""Prove how close a trained network is to the global optimum."""

from __future__ import annotations

import logging
import time
from typing import Any, Literal, get_args

from cvxnn.certificates.cells import CellOracle
from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.dual_sdp import joint_dual_sdp, sdp_is_affordable
from cvxnn.certificates.exact import exact_oracle
from cvxnn.certificates.norms import norm_bound
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.relaxation import relaxed_upper_bound
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.search import search
from cvxnn.certificates.sweep import SweepOracle
from cvxnn.linear_maps import fitting_blas_threads
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array, as_number

logger = logging.getLogger(__name__)

Method = Literal["auto", "sweep", "cells", "dual_sdp", "norms"]

# The relaxation of a given residual costs about 200 n r^2: beyond this it would take longer than it is worth.
_RELAXATION_WORK = 2e7


def certify(
    problem: Problem,
    network: ReLUNetwork,
    *,
    method: Method = "auto",
    tol: float = 1e-3,
    max_seconds: float = 10.0,
    random_state: Any = 0,
) -> Certificate:
    """Return a proven lower bound on the global optimum of training, next to the network's objective.

    The network's dual variable ``lam = -grad ell(f)`` is scaled to satisfy the dual constraint
    ``max over ||u|| <= 1 of |lam^T (X u)_+| <= beta``, with a proven upper bound on that maximum; weak
    duality then bounds the training problem, over networks of any width. The relaxed method chooses its own
    dual variable.

    Parameters
    ----------
    problem : Problem
        The training problem, with beta > 0 and one output.
    network : ReLUNetwork
        Any network of the problem's shapes.
    method : {"auto", "sweep", "cells", "dual_sdp", "norms"}, default "auto"
        "sweep": exact, rank of X at most 2. "cells": exact, all cells of the arrangement, for low rank.
        "dual_sdp": a semidefinite relaxation, any rank. "norms": norm inequalities and the relaxation of the
        network's own dual variable, fast at any size. "auto": an exact method where it is affordable, else
        the best of the others within the time.
    tol : float, default 1e-3
        The relative gap that counts as proven.
    max_seconds : float, default 10.0
        Time for the search and the relaxations. Exact methods run to the end.
    random_state : int, Generator or None, default 0
        Seed of the search.

    Returns
    -------
    Certificate
        Of scope "network". ``search_violation`` is the largest value of the dual constraint met by local
        search, the network's neurons among its starts, or by the proof, over beta, minus 1.

    Raises
    ------
    ValueError
        If beta is 0, y has several outputs, the network does not fit the problem, the method is not known, or
        an exact method is asked for that does not fit X.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (5) (the dual program).

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [2.0, 0.0], beta=1.0)
    >>> network = ReLUNetwork([[1.0]], [1.0])
    >>> certificate = certify(problem, network)
    >>> certificate.proven, certificate.method, round(certificate.lower_bound, 9)
    (True, 'exact sweep', 1.5)
    """
    started = time.perf_counter()
    problem.require_trainable()
    tol, max_seconds = as_number(tol, "tol"), as_number(max_seconds, "max_seconds", positive=True)
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}; got {method!r}")
    with fitting_blas_threads(problem.X):
        objective = problem.objective(network)
        bound, proof, largest = _prove(problem, network, method, max_seconds, random_state, started)
    return make_certificate(
        objective,
        bound,
        tol=tol,
        method=proof,
        scope="network",
        search_violation=largest / problem.beta - 1,
    )


def _prove(
    problem: Problem,
    network: ReLUNetwork,
    method: Method,
    max_seconds: float,
    random_state: Any,
    started: float,
) -> tuple[float, str, float]:
    """Return the lower bound, the name of its proof, and the largest value of the dual constraint met."""
    problem, prediction = _with_flat_targets(problem), network.predict(problem.X).ravel()
    lam = problem.dual_variable(prediction)
    oracle = _oracle(problem, method, max_seconds)
    result = search(
        problem.X, lam, starts=network.hidden, random_state=random_state, max_seconds=max_seconds / 4
    )
    if oracle is not None:
        found = oracle.maximise(lam)
        return dual_bound(problem, lam, found.upper), found.method, max(result.value, found.value)
    remaining = max_seconds - (time.perf_counter() - started)
    return *relaxed_bound(problem, lam, method, max_seconds=remaining), result.value


def _with_flat_targets(problem: Problem) -> Problem:
    """Return the problem with targets of shape (n,): one output may come as a column."""
    if problem.y.ndim == 1:
        return problem
    return Problem(problem.X, problem.y.ravel(), problem.beta, problem.loss, problem.output_offset)


def _oracle(problem: Problem, method: Method, max_seconds: float) -> Oracle | None:
    """Return the exact oracle asked for, or the one that fits."""
    match method:
        case "sweep":
            return SweepOracle(problem.X)
        case "cells":
            return CellOracle(problem.X)
        case "auto":
            return exact_oracle(problem.X, max_seconds=max_seconds)
    return None


def relaxed_bound(
    problem: Problem, lam: Array, method: Method = "auto", *, max_seconds: float
) -> tuple[float, str]:
    """Return the best lower bound of the relaxations asked for, and the name of its proof.

    Parameters
    ----------
    problem : Problem
        With targets of shape (n,).
    lam : ndarray of shape (n,)
        The residual's dual variable.
    method : {"auto", "norms", "dual_sdp"}
        Which relaxations.
    max_seconds : float
        What is left for the joint dual SDP; it is not started when it is not expected to finish.
    """
    space = RowSpace(problem.X)
    bounds = [(0.0, "non-negative objective")]
    if method in ("auto", "norms"):
        bounds += _residual_bounds(problem, space, lam)
    if method == "dual_sdp" or (method == "auto" and sdp_is_affordable(space, max_seconds)):
        point = joint_dual_sdp(problem, space, max_seconds=max(max_seconds, 0.1))
        if point is not None:
            bounds.append((point.lower_bound, "joint dual SDP"))
    best, proof = max(bounds, key=lambda pair: pair[0])
    logger.debug("bounds: %s", bounds)
    return best, proof


def _residual_bounds(problem: Problem, space: RowSpace, lam: Array) -> list[tuple[float, str]]:
    """Bound by scaling the network's own dual variable."""
    upper = max(norm_bound(space, lam), norm_bound(space, -lam))
    bounds = [(dual_bound(problem, lam, upper), "norm bound")]
    if len(lam) * space.rank**2 <= _RELAXATION_WORK:
        upper = max(relaxed_upper_bound(space, lam), relaxed_upper_bound(space, -lam))
        bounds.append((dual_bound(problem, lam, upper), "relaxed dual constraint"))
    return bounds
