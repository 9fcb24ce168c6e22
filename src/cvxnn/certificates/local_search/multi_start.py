"""Multi-start local search for neurons that violate the dual constraint: a number, never a proof."""

from __future__ import annotations

from typing import get_args

import numpy as np

from cvxnn.certificates.local_search.ascent import Ascent, polish
from cvxnn.certificates.local_search.output_search import climb_jointly
from cvxnn.certificates.oracles import (
    SAME_DIRECTION,
    Maximisers,
    correlations,
    distinct,
    output_directions,
    ranked,
    units,
)
from cvxnn.certificates.row_space import RowSpace, is_wide
from cvxnn.deadlines import Deadline
from cvxnn.names import keep_old_arguments
from cvxnn.problem import OutputNorm
from cvxnn.seeds import Seed, as_generator, require_seed
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_finite_array

_INNER, _FINE_INNER = 15, 100
_FINE = 64  # candidates that get the fine inner iterations
_POLISHED = 16  # candidates that get the exact polish, for each sign
_POLISH_WORK = 2e8  # n d^2 summed over the polished candidates
_ROW_STARTS = 64
_START_ENTRIES = 4_000_000  # n times the number of starts: memory
_START_WORK = 200_000_000  # n d times the number of starts: some ten seconds
# For each n d min(n, d), and the share of the limit that whitening may take.
_SECONDS_TO_WHITEN, _WHITENING_SHARE = 1e-9, 0.1


@keep_old_arguments(max_iter="max_iterations")
@on_one_blas_thread
def search(
    X: Array,
    lam: Array,
    *,
    starts: Array | None = None,
    n_random: int = 256,
    random_state: Seed = 0,
    max_iterations: int = 20,
    exclude: Array | None = None,
    max_seconds: float | None = None,
    output_norm: OutputNorm = "l2",
) -> Maximisers:
    """Search for unit vectors u, and signs or unit output directions s, with large ``s^T lam^T (X u)_+``.

    Every start climbs by convex-concave steps (`Ascent.run`; `OutputAscent.run` for several outputs), all starts
    at once; the best go on with finer steps, and the best of those are polished exactly. On data with n = 200,
    d = 10, 400 starts of both signs take about 0.1 s on one core. The result is what was found, not what there is.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    lam : ndarray of shape (n,) or (n, C)
        Dual variable.
    starts : ndarray of shape (d, m), optional
        Directions to start from first, such as a network's neurons.
    n_random : int, default 256
        Random starts: half Gaussian, half Gaussian in whitened coordinates, which find cells of data far off
        the origin. Up to 128 rows of X (either sign) and two gradients start too. On large n fewer starts are
        made, the given ones first.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random starts.
    max_iterations : int, default 20
        Outer steps of each start.
    exclude : ndarray of shape (d, k), optional
        Directions to leave out of the result, such as neurons that are there already.
    max_seconds : float, optional
        Return the best so far after this time. None: no limit, and a result that depends on ``random_state``
        only.
    output_norm : {"l2", "l1"}, default "l2"
        The norm of output weights in the penalty. "l1": an output at a time, s is plus or minus a unit vector.

    Raises
    ------
    ValueError
        If X or lam is not finite, the shapes disagree, the norm is not known, or the time limit is negative.

    Examples
    --------
    >>> result = search(np.eye(2), np.array([3.0, 4.0]))
    >>> round(result.value, 9), result.directions[:, 0].round(9)
    (5.0, array([0.6, 0.8]))
    """
    X, lam = as_finite_array(X, "X", (2,)), as_finite_array(lam, "lam", (1, 2))
    if lam.shape[0] != X.shape[0]:
        raise ValueError(f"lam must have one entry for each of the {X.shape[0]} rows of X; got {lam.shape}")
    if output_norm not in get_args(OutputNorm):
        raise ValueError(f"output_norm must be one of {get_args(OutputNorm)}; got {output_norm!r}")
    require_seed(random_state)
    deadline = Deadline.after(max_seconds)
    norms, columns = np.linalg.norm(X, axis=1), lam.reshape(len(lam), -1)
    weight = float(np.linalg.norm(columns, axis=1) @ norms)
    if weight == 0.0:
        empty = np.zeros((0, *lam.shape[1:]))
        return Maximisers.of(np.zeros((X.shape[1], 0)), empty, np.zeros(0))
    basis, rows = None, X
    if is_wide(X):  # the climb is in the row space, of no more dimensions than there are samples
        space = RowSpace(X)
        basis, rows = space.basis, space.coordinates
        starts = None if starts is None else basis.T @ starts
    U0 = _starts(rows, norms, starts, n_random, as_generator(random_state), deadline)
    if columns.shape[1] == 1 or output_norm == "l1":
        U, signs = _climb_columns(rows, columns, U0, norms, max_iterations, deadline)
    else:
        U = climb_jointly(rows, columns, U0, norms, max_iterations=max_iterations, deadline=deadline)
        signs = output_directions(rows, columns, U)
    signs = signs.reshape(-1, *lam.shape[1:])
    return _result(X, lam, U if basis is None else basis @ U, signs, exclude, 1e-12 * weight)


def _climb_columns(
    X: Array, columns: Array, U0: Array, norms: Array, max_iterations: int, deadline: Deadline
) -> tuple[Array, Array]:
    """Return the directions that each output's starts end in for either sign, and their signs (k, C)."""
    C = columns.shape[1]
    outputs = np.concatenate([np.eye(C), -np.eye(C)])
    # Every start climbs for one output at least: the one where it is best, of which a network's neuron is one.
    stride = (C + 2) // 3  # all outputs together get some three times the work of one
    own = np.zeros(U0.shape[1], dtype=np.intp)
    if stride > 1:
        own = np.argmax(outputs @ np.atleast_2d(correlations(X, columns, U0)), axis=0)
    polished = int(_POLISH_WORK // X.size / X.shape[1])
    effort = [max(most // C, most // 8) for most in (_FINE, min(_POLISHED, polished))]
    found = []
    for k, q in enumerate(outputs):
        chosen = (own == k) | (np.arange(U0.shape[1]) % stride == k % stride)
        until = deadline.part((k + 1) / len(outputs))
        found.append(_climb(X, columns @ q, U0[:, chosen], norms, max_iterations, effort, until))
    return np.concatenate(found, axis=1), np.repeat(outputs, [U.shape[1] for U in found], axis=0)


def _climb(
    X: Array, l: Array, U0: Array, norms: Array, max_iterations: int, effort: list[int], deadline: Deadline
) -> Array:
    """Return the directions that one sign's starts end in, of which effort are refined and polished."""
    if not np.any(l > 0):
        return np.zeros((X.shape[1], 0))
    gradients = np.stack([X.T @ l, X.T @ np.maximum(l, 0.0)], axis=1)
    U = np.concatenate([units(gradients), U0], axis=1)
    ascent = Ascent(X, l)
    values, directions = ascent.run(U, inner=_INNER, outer=max_iterations, deadline=deadline)
    order = np.argsort(-values, kind="stable")
    order = distinct(directions, np.ones(len(order)), order[values[order] > 0])
    if deadline.is_over:
        return directions[:, order]
    top, rest = order[: effort[0]], order[effort[0] :]
    _, fine = ascent.run(directions[:, top], inner=_FINE_INNER, outer=max_iterations, deadline=deadline)
    fine = fine[:, np.argsort(-correlations(X, l, fine), kind="stable")]
    for k in range(min(effort[1], fine.shape[1])):
        if deadline.is_over:
            break
        fine[:, k] = polish(X, l, fine[:, k], norms, deadline)[1]
    return np.concatenate([fine, directions[:, rest]], axis=1)


def _starts(
    X: Array, norms: Array, given: Array | None, n_random: int, rng: np.random.Generator, deadline: Deadline
) -> Array:
    """Return unit starts (d, m): the given ones, rows of either sign, Gaussian and whitened vectors.

    Where the limit is so short that the factorisation would take much of it, none are whitened.
    """
    d = X.shape[1]
    rows = np.flatnonzero(norms > 0)
    if len(rows) > _ROW_STARTS:
        rows = rng.choice(rows, _ROW_STARTS, replace=False)
    gaussian = rng.standard_normal((d, n_random))
    half = n_random // 2
    seconds = _SECONDS_TO_WHITEN * X.size * min(X.shape)
    if seconds <= _WHITENING_SHARE * deadline.max_seconds:
        gaussian[:, :half] = _whitened(X, gaussian[:, :half])
    own = np.zeros((d, 0)) if given is None else np.asarray(given, dtype=np.float64)
    # random and row starts take turns, so that a cut on large n keeps some of each
    cap = max(min(_START_ENTRIES // len(X), _START_WORK // X.size), 16)
    blocks = [
        own,
        X[rows[: cap // 4]].T,
        gaussian[:, half:][:, : cap // 2],
        gaussian[:, :half][:, : cap // 2],
        -X[rows].T,
    ]
    return units(np.concatenate(blocks, axis=1)[:, : max(cap, own.shape[1])])


def _whitened(X: Array, U: Array) -> Array:
    """Return ``(X^T X)^{-1/2} U``, on the row space: starts that look to the data as U would if X were white."""
    levels, vectors = np.linalg.eigh(X.T @ X)
    kept = levels > levels[-1] * 1e-13 * X.shape[1]
    whitened: Array = vectors[:, kept] / np.sqrt(levels[kept]) @ (vectors[:, kept].T @ U)
    return whitened


def _result(X: Array, lam: Array, U: Array, signs: Array, exclude: Array | None, floor: float) -> Maximisers:
    """Evaluate all directions on X, and sort out repeats, excluded and non-positive ones."""
    U, signs, values = ranked(X, lam, U, signs, floor=floor)
    if exclude is not None and exclude.shape[1]:
        apart = 1 - np.max(units(exclude).T @ U, axis=0, initial=-1.0) >= SAME_DIRECTION
        U, signs, values = U[:, apart], signs[apart], values[apart]
    return Maximisers.of(U, signs, values)
