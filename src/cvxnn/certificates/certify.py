"""Prove how close a trained network is to the global optimum."""

from __future__ import annotations

import logging
import time
from typing import Any, Literal, get_args

from cvxnn.certificates.cells import CellOracle
from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.exact import exact_oracle
from cvxnn.certificates.improving import LowerBound, Relaxation, improving_bounds
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.search import search
from cvxnn.certificates.sweep import SweepOracle
from cvxnn.linear_maps import fitting_blas_threads
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import as_number

logger = logging.getLogger(__name__)

Method = Literal["auto", "sweep", "cells", "dual_sdp", "lifted", "norms"]


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
    method : {"auto", "sweep", "cells", "dual_sdp", "lifted", "norms"}, default "auto"
        "sweep": exact, rank of X at most 2. "cells": exact, all cells of the arrangement, for low rank.
        "dual_sdp": a semidefinite relaxation, any rank, on groups of rows where these are many. "lifted": a
        much tighter one, squared loss, up to 1,500 rows; it goes on from "dual_sdp" and improves as long as
        it has time. "norms": norm inequalities and the relaxation of the network's own dual variable, fast at
        any size. "auto": an exact method where it is affordable, else "norms", "dual_sdp" and "lifted", one
        after the other, until the gap is at most ``tol`` or the time is up.
    tol : float, default 1e-3
        The relative gap that counts as proven.
    max_seconds : float, default 10.0
        Time for the search and the relaxations, which use it all unless the gap closes or the bounds stop to
        rise; `improving_bounds` shows the bounds on the way. Exact methods run to the end. An interrupt
        returns the best bound so far.
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
        bound, proof, largest = _prove(problem, network, method, tol, max_seconds, random_state, started)
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
    tol: float,
    max_seconds: float,
    random_state: Any,
    started: float,
) -> tuple[float, str, float]:
    """Return the lower bound, the name of its proof, and the largest value of the dual constraint met."""
    problem, network = _with_one_output(problem, network)
    lam = problem.dual_variable(network.predict(problem.X))
    result = search(
        problem.X, lam, starts=network.hidden, random_state=random_state, max_seconds=max_seconds / 4
    )
    if method in ("auto", "sweep", "cells"):
        oracle = _oracle(problem, method, max_seconds)
        if oracle is not None:
            found = oracle.maximise(lam)
            return dual_bound(problem, lam, found.upper), found.method, max(result.value, found.value)
    relaxation: Relaxation = "auto" if method == "sweep" or method == "cells" else method
    remaining = max(max_seconds - (time.perf_counter() - started), 0.0)
    best = _best_bound(problem, network, relaxation, tol, remaining)
    return best.value, best.method, result.value


def _best_bound(
    problem: Problem, network: ReLUNetwork, method: Relaxation, tol: float, max_seconds: float
) -> LowerBound:
    """Return the best of the improving bounds: within tol, at the end of the time, or at an interrupt."""
    objective, best = problem.objective(network), LowerBound(0.0, 0.0, "non-negative objective")
    try:
        for best in improving_bounds(problem, network, method=method, max_seconds=max_seconds):
            if objective - best.value <= tol * objective:
                break
    except KeyboardInterrupt:
        logger.info("interrupted: the best bound so far is returned")
    return best


def _with_one_output(problem: Problem, network: ReLUNetwork) -> tuple[Problem, ReLUNetwork]:
    """Return problem and network with targets of shape (n,): one output may come as a column."""
    if problem.y.ndim == 1:
        return problem, network
    flat = Problem(problem.X, problem.y.ravel(), problem.beta, problem.loss, problem.output_offset)
    return flat, ReLUNetwork(network.hidden, network.output.ravel(), network.offset)


def _oracle(problem: Problem, method: Method, max_seconds: float) -> Oracle | None:
    """Return the exact oracle asked for, or the one that fits."""
    match method:
        case "sweep":
            return SweepOracle(problem.X)
        case "cells":
            return CellOracle(problem.X)
    return exact_oracle(problem.X, max_seconds=max_seconds)
