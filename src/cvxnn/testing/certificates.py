"""Laws of certificates and oracles: arithmetic, scope, and bounds that hold for all networks, directions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cvxnn.certificates import Certificate, Oracle
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array


def check_certificate(certificate: Certificate) -> None:
    """Check a certificate's arithmetic, and that printing it shows bound, scope and proof.

    Parameters
    ----------
    certificate : Certificate
        Of either scope.

    Examples
    --------
    >>> from cvxnn.certificates import make_certificate
    >>> check_certificate(make_certificate(2.0, 1.5, tol=0.1, method="by hand", scope="program"))
    """
    objective, bound = certificate.objective, certificate.lower_bound
    require(
        0.0 <= bound <= objective, f"0 <= lower_bound <= objective must hold; got {bound!r}, {objective!r}"
    )
    require_close(
        certificate.gap, objective - bound, ROUNDING * objective, "gap must be objective - lower_bound"
    )
    expected = (objective - bound) / objective if objective > 0 else 0.0
    require_close(certificate.relative_gap, expected, ROUNDING, "relative_gap must be gap / objective")
    proven = certificate.relative_gap <= certificate.tol
    require(certificate.proven == proven, f"proven must mean relative_gap <= tol; got {certificate!r}")
    require(
        certificate.scope in ("network", "program"), f"scope must be one of two; got {certificate.scope!r}"
    )
    text = str(certificate)
    noun = "training problem" if certificate.scope == "network" else "convex program"
    require(noun in text and certificate.method in text, f"printing must show scope and proof; got {text!r}")


def check_bound_holds(certificate: Certificate, problem: Problem, networks: Iterable[ReLUNetwork]) -> None:
    """Check that a bound of scope "network" exceeds the objective of no network, of any width.

    Parameters
    ----------
    certificate : Certificate
        Of scope "network".
    problem : Problem
        What it is about.
    networks : iterable of ReLUNetwork
        Networks to try, such as random and trained ones.
    """
    check_certificate(certificate)
    require(certificate.scope == "network", f"the bound must be about networks; got {certificate.scope!r}")
    for network in networks:
        objective = problem.objective(network)
        require_at_most(
            certificate.lower_bound, objective, 1e-9 * objective, "the bound must hold for any network"
        )


def check_oracle(
    oracle: Oracle, X: Array, lam: Array, rng: np.random.Generator, n_directions: int = 1000
) -> None:
    """Check an exact oracle: its value is attained, no direction exceeds its bound, and the two agree.

    Parameters
    ----------
    oracle : Oracle
        An exact oracle of X.
    X : ndarray of shape (n, d)
        Data.
    lam : ndarray of shape (n,)
        A dual variable.
    rng : numpy.random.Generator
        Source of directions.
    n_directions : int, default 1000
        How many directions to try.
    """
    found = oracle.maximise(lam)
    scale = float(np.linalg.norm(lam) * np.linalg.norm(X))
    tolerance = 1e-9 * scale  # vertices of cells are solutions of small linear systems
    tried = rng.standard_normal((X.shape[1], n_directions))
    tried /= np.linalg.norm(tried, axis=0)
    largest = float(np.max(np.abs(lam @ np.maximum(X @ tried, 0.0))))
    require_at_most(largest, found.upper, tolerance, "no direction may exceed an oracle's bound")
    require_at_most(found.value, found.upper, tolerance, "an oracle's value must not exceed its bound")
    require_close(found.value, found.upper, tolerance, "an exact oracle must attain its bound")
    _check_attained(X, lam, found.directions, found.signs, found.values, found.value, tolerance)


def _check_attained(
    X: Array, lam: Array, directions: Array, signs: Array, values: Array, value: float, tolerance: float
) -> None:
    if directions.shape[1] == 0:
        require_close(value, 0.0, tolerance, "without a direction an oracle's value must be 0")
        return
    lengths = np.linalg.norm(directions, axis=0)
    require_close(lengths, np.ones_like(lengths), 1e-12, "an oracle's directions must be unit vectors")
    attained = signs * (lam @ np.maximum(X @ directions, 0.0))
    require_close(attained, values, tolerance, "an oracle's values must be those of its directions")
    require_close(values[0], value, tolerance, "an oracle's first direction must attain its value")
