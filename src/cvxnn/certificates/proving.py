"""Prove how close a trained network is to the global optimum."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, get_args

from cvxnn.certificates.certificate import Certificate, make_certificate
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.duals.dual_variables import dual_or_own
from cvxnn.certificates.exact_oracles.cells import MOST_CELLS, CellOracle
from cvxnn.certificates.exact_oracles.choice import exact_oracle
from cvxnn.certificates.exact_oracles.output_sphere import OutputSphereOracle
from cvxnn.certificates.exact_oracles.per_output import PerOutputOracle
from cvxnn.certificates.exact_oracles.sweep import SweepOracle
from cvxnn.certificates.improving import Relaxation, improving_bounds
from cvxnn.certificates.local_search.multi_start import search
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.rotation import Rotation
from cvxnn.certificates.standard_form import Task
from cvxnn.deadlines import Deadline
from cvxnn.losses import MultinomialLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import require_few_patterns
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.seeds import Seed, require_seed
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, as_number

logger = logging.getLogger(__name__)

Method = Literal["auto", "sweep", "cells", "dual_sdp", "lifted", "norms"]

# Precision of an oracle that is exact to a tolerance, and as a share of the gap asked for, of which it is a part.
_ORACLE_TOL, _ORACLE_SHARE = 1e-4, 0.1
# An exact oracle is tried where the worst case takes so many times the limit, for a share of what is left: at the dual
# variables of trained networks a call that may take 5 s takes 0.2.
_OPTIMISM, _TRIAL_SHARE = 4.0, 0.5


@on_one_blas_thread
def certify(
    problem: Problem,
    network: ReLUNetwork,
    *,
    method: Method = "auto",
    tol: float = 1e-3,
    max_seconds: float | None = 10.0,
    random_state: Seed = 0,
    dual: Array | None = None,
) -> Certificate:
    """Return a proven lower bound on the global optimum of training, next to the network's objective.

    The network's dual variable ``lam = -grad ell(f)`` is scaled to satisfy the dual constraint
    ``max over ||u|| <= 1 of ||lam^T (X u)_+|| <= beta``, with a proven upper bound on that maximum; weak
    duality then bounds the training problem, over networks of any width. The norm is dual to that of the output
    weights in the penalty: Euclidean, or the largest entry for ``output_norm="l1"``. The relaxed methods choose
    their own dual variables.

    Parameters
    ----------
    problem : Problem
        The training problem, with beta > 0.
    network : ReLUNetwork or TrainingResult
        Any network of the problem's shapes, or a result that holds one.
    method : {"auto", "sweep", "cells", "dual_sdp", "lifted", "norms"}, default "auto"
        "sweep": exact, rank of X at most 2. "cells": exact, all cells of the arrangement, for low rank and, in the
        Euclidean norm, few outputs. "dual_sdp": a semidefinite relaxation, any rank, on groups of rows where these
        are many. "lifted": a much tighter one, squared loss, one output or the l1 norm, up to 1,500 rows; it goes on
        from "dual_sdp" and improves as long as it has time. "norms": norm inequalities and the relaxation of the
        network's own dual variable, fast at any size. "auto": an exact method where it is affordable, else "norms",
        "dual_sdp" and "lifted", one after the other, until the gap is at most ``tol`` or the time is up.
    tol : float, default 1e-3
        The relative gap that counts as proven.
    max_seconds : float or None, default 10.0
        Time for the search and the relaxations, None for no limit; they use it all unless the gap closes or the
        bounds stop to rise; `improving_bounds` shows the bounds on the way. An exact method that does not end in time
        leaves a bound by norms, and "auto" the relaxations half of it. An interrupt returns the best bound so far.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search.
    dual : ndarray, shape of y, optional
        A dual variable to use in place of the network's, such as that of a smoothed loss which the network was trained
        with. Any is valid; what the loss does not admit is moved to the nearest that it does.

    Returns
    -------
    Certificate
        Of scope "network". ``search_violation`` is the largest value of the dual constraint, at that dual variable,
        met by local search, the network's neurons among its starts, or by the proof, over beta, minus 1.

    Raises
    ------
    ValueError
        If beta is 0, the network or the dual variable does not fit the problem, the method is not known, or one is
        asked for that does not fit the problem.

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
    certificate, _ = certify_until_interrupt(
        problem,
        network,
        method=method,
        tol=tol,
        max_seconds=max_seconds,
        random_state=random_state,
        dual=dual,
    )
    return certificate


@on_one_blas_thread
def certify_until_interrupt(
    problem: Problem,
    network: ReLUNetwork,
    *,
    method: Method = "auto",
    tol: float = 1e-3,
    max_seconds: float | None = 10.0,
    random_state: Seed = 0,
    dual: Array | None = None,
) -> tuple[Certificate, bool]:
    """Return the certificate of `certify`, and whether an interrupt ended the proof.

    For those that have more to do than to certify, and must not go on after an interrupt.

    Parameters
    ----------
    problem, network, method, tol, max_seconds, random_state, dual
        As of `certify`.

    Returns
    -------
    certificate : Certificate
        With the best bound so far; its ``search_violation`` is None where the search itself was interrupted.
    interrupted : bool

    Raises
    ------
    ValueError
        As `certify`.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [2.0, 0.0], beta=1.0)
    >>> certificate, interrupted = certify_until_interrupt(problem, ReLUNetwork([[1.0]], [1.0]))
    >>> certificate.proven, interrupted
    (True, False)
    """
    problem, network = as_problem(problem), as_network(network)
    deadline = Deadline.after(max_seconds, positive=True)
    problem.require_trainable()
    require_seed(random_state)
    tol = as_number(tol, "tol")
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}; got {method!r}")
    network = problem.fitting(network)
    units = Units.of(problem)
    units.require_representable()
    inner, own = units.problem, units.network_in_units(network)
    rotation = Rotation.of(inner)
    turned, seen = rotation.problem, rotation.network_in_coordinates(own)
    lam = dual_or_own(turned, seen, dual if dual is None else units.dual_in_units(dual), deadline)
    evidence = _Evidence()
    # What a network has off the row space counts in its objective, and in no bound.
    off = inner.penalty(own) - turned.penalty(seen)
    try:
        _gather(evidence, Task(turned, lam, seen).standardised(), off, method, tol, deadline, random_state)
    except KeyboardInterrupt:
        logger.info("interrupted: the best bound so far is returned")
        evidence.interrupted = True
    certificate = make_certificate(
        inner.objective(own),
        evidence.bound * rotation.bound_share,
        tol=tol,
        method=evidence.proof,
        scope="network",
        search_violation=None if evidence.largest is None else evidence.largest / inner.beta - 1,
    )
    return certificate.in_units(units.objective), evidence.interrupted


@dataclass(eq=False)
class _Evidence:
    """What is known of the optimum, also at an interrupt: a lower bound, the largest value of the constraint met."""

    bound: float = 0.0
    proof: str = "non-negative objective"
    largest: float | None = None
    interrupted: bool = False


def _gather(
    evidence: _Evidence,
    task: Task,
    off: float,
    method: Method,
    tol: float,
    deadline: Deadline,
    random_state: Seed,
) -> None:
    """Search and prove until the gap, from the task's objective plus ``off``, is at most tol or the time is up."""
    problem, lam, network = task.problem, task.lam, task.network
    assert network is not None
    result = search(
        problem.X,
        lam,
        starts=network.hidden,
        random_state=random_state,
        max_seconds=deadline.share(0.25).limit(),
        output_norm=problem.output_norm,
    )
    evidence.largest = result.value
    if method in ("auto", "sweep", "cells"):
        oracle = _oracle(problem, method, _OPTIMISM * deadline.max_seconds, tol)
        if oracle is not None:
            until = deadline.share(_TRIAL_SHARE if method == "auto" else 1.0)
            found = oracle.maximise(lam, deadline=until)
            evidence.bound, evidence.proof = dual_bound(problem, lam, found.upper), found.method
            evidence.largest = max(result.value, found.value)
            if not until.is_over or deadline.is_over:
                return
    relaxation: Relaxation = "auto" if method == "sweep" or method == "cells" else method
    objective, limit = problem.objective(network) + off, deadline.limit()
    for best in improving_bounds(problem, network, method=relaxation, max_seconds=limit, dual=lam):
        if best.value >= evidence.bound:
            evidence.bound, evidence.proof = best.value, best.method
        if objective - best.value <= tol * objective:
            return


def _oracle(problem: Problem, method: Method, max_seconds: float, tol: float) -> Oracle | None:
    """Return the exact oracle asked for, or the one that fits."""
    X, outputs = problem.X, problem.n_outputs
    precision = min(_ORACLE_TOL, _ORACLE_SHARE * tol) if tol > 0 else _ORACLE_TOL
    match method:
        case "auto":
            return exact_oracle(
                X,
                n_outputs=outputs,
                n_independent=outputs - isinstance(problem.loss, MultinomialLoss),
                output_norm=problem.output_norm,
                max_seconds=max_seconds,
                tol=precision,
            )
        case "sweep" if problem.output_norm == "l2":
            return SweepOracle(X)
    if method == "cells":
        require_few_patterns(X, MOST_CELLS, remedy="take method='auto', or fewer rows or columns")
    scalar = SweepOracle(X) if method == "sweep" else CellOracle(X)
    if outputs == 1:
        return scalar
    return (
        PerOutputOracle(scalar)
        if problem.output_norm == "l1"
        else OutputSphereOracle(scalar, X, tol=precision)
    )
