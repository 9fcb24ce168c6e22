"""Laws of activation patterns: distinct, made by their gates, equivariant, counted by Cover's formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvxnn.patterns import ActivationPatterns, activation_patterns, count_bound
from cvxnn.testing.requirements import require
from cvxnn.validation import Array


def _columns(patterns: ActivationPatterns) -> set[bytes]:
    return {column.tobytes() for column in np.asarray(patterns, dtype=np.bool_).T}


def check_distinct(patterns: ActivationPatterns) -> None:
    """Check that no pattern is listed twice.

    Examples
    --------
    >>> check_distinct(ActivationPatterns.from_gates([[1.0], [-2.0]], [[1.0, -1.0]]))
    """
    columns = np.asarray(patterns, dtype=np.bool_)
    found = len(_columns(patterns))
    require(found == columns.shape[1], f"patterns must be distinct; {found} of {columns.shape[1]} are")


def check_made_by_gates(X: Array, patterns: ActivationPatterns) -> None:
    """Check that column j is ``1[X g_j >= 0]`` for gate j: the patterns of X, and realisable."""
    columns = np.asarray(patterns, dtype=np.bool_)
    require(columns.shape[0] == X.shape[0], f"patterns must have {X.shape[0]} rows; got {columns.shape[0]}")
    made = activation_patterns(X, patterns.gates)
    wrong = np.flatnonzero(np.any(made != columns, axis=0))
    require(wrong.size == 0, f"gates must make their patterns; gates {wrong[:5].tolist()} make others")


def check_permutation_of_samples(
    X: Array, permutation: Array, make: Callable[[Array], ActivationPatterns]
) -> None:
    """Check that permuting samples permutes rows: the patterns of ``X[p]`` are those of X, rows permuted.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    permutation : int ndarray of shape (n,)
        The permutation p.
    make : callable
        Returns the patterns of data; must be complete, so that the list is a set fixed by the data.
    """
    rows = np.asarray(permutation, dtype=np.intp)
    expected = {column.tobytes() for column in np.asarray(make(X), dtype=np.bool_)[rows].T}
    require(_columns(make(X[rows])) == expected, "permuting samples must permute the rows of the patterns")


def check_generic_count(X: Array, patterns: ActivationPatterns) -> None:
    """Check Cover's count, ``2 sum_{k < r} C(n - 1, k)`` patterns, for data in general position.

    References
    ----------
    T. M. Cover, "Geometrical and statistical properties of systems of linear inequalities", IEEE Trans.
    Electronic Computers 14 (1965), Theorem 1.
    """
    n, d = X.shape
    expected = count_bound(n, min(n, d))
    found = np.asarray(patterns).shape[1]
    require(
        found == expected, f"{n} samples in general position in R^{d} have {expected} patterns; found {found}"
    )


def check_complete(
    X: Array, patterns: ActivationPatterns, rng: np.random.Generator, n_gates: int = 1000
) -> None:
    """Check that random gates make no pattern that is not listed, and that the list says so.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    patterns : ActivationPatterns
        A list that claims to be complete.
    rng : numpy.random.Generator
        Source of gates.
    n_gates : int, default 1000
        How many gates to try.
    """
    require(patterns.complete, "an enumeration must be marked complete")
    tried = activation_patterns(X, rng.standard_normal((X.shape[1], n_gates)))
    missing = {column.tobytes() for column in tried.T} - _columns(patterns)
    require(not missing, f"a complete list must hold every pattern; {len(missing)} others were found")
