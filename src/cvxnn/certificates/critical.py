"""The weight decay from which on the zero network is optimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.duals.dual_variables import null_dual
from cvxnn.certificates.duals.subgradients import Kinks
from cvxnn.certificates.exact_oracles.choice import exact_oracle
from cvxnn.certificates.local_search.multi_start import search
from cvxnn.certificates.oracles import Maximisers, correlations
from cvxnn.certificates.rotation import Rotation
from cvxnn.certificates.row_space import seconds_to_factor
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.linear_maps import row_chunks
from cvxnn.losses import Loss
from cvxnn.problem import OutputNorm, Problem, as_problem
from cvxnn.seeds import Seed, as_generator, require_seed
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError

# Predictions within this of a kink, in units of the largest target, are on it.
_KINK_WIDTH = 1e-9
# Of the loss of no neurons: what smoothing a loss with kinks may take off it.
_SMOOTHING = 1e-6
# Entries of X up to which `beta_max` is a matter of hundredths of a second.
_SMALL = 2000
# Power iterations: entries of a sample of rows, and rows at least; starts of either kind and steps on it; how many of
# them go on for how many steps on all rows.
_SAMPLE_ENTRIES, _FEWEST_ROWS = 1 << 16, 512
_POWER_STARTS, _SAMPLE_STEPS, _KEPT, _STEPS = 256, 5, 16, 5
# Starts at a time, and the share of a time limit in which batches of them begin.
_BATCH, _SAMPLE_SHARE = 64, 0.5
# Of the time left, what a search takes at most where the loss has kinks and many follow one another.
_SEARCH_SHARE = 0.125
# Longest time that the exact oracle may be expected to take, for the critical weight decay and for an estimate of it.
# Three classes on 30 x 4 take the oracle 0.6 s, to find what the search has found in 0.08.
_ORACLE_SECONDS, _QUICK_ORACLE_SECONDS = 1.0, 0.1


@on_one_blas_thread
def beta_max(
    problem: Any,
    y: Any = None,
    *,
    loss: str | Loss = "squared",
    output_offset: bool = False,
    sample_weight: Any = None,
    output_norm: OutputNorm = "l2",
    random_state: Seed = 0,
    max_seconds: float | None = None,
) -> float:
    """Return the weight decay from which on the network without neurons is optimal.

    ``beta_max = max over ||u|| <= 1 of ||lam^T (X u)_+||`` with ``lam = -grad ell`` at the zero network, its output
    offset the best one where the problem has one; for several outputs the Euclidean norm, in the per-class variant the
    largest entry. Zero is optimal exactly when ``beta >= beta_max``. Where samples of the zero network are on a kink of
    the loss, as those of one class are for the hinge loss with an offset, lam is the subgradient of the smallest
    maximum.

    Exact, up to rounding, where the rank of X is at most 2 or its cells can be enumerated in about a second;
    otherwise the largest value that a local search found, which can only be too small. Kinks are settled to 1e-6; of
    more than 5000, the gradient of a smoothed loss is taken, which can only be too large.

    Parameters
    ----------
    problem : Problem or array_like of shape (n, d)
        The problem, whose beta is not looked at; or data X, with ``y`` and the options below.
    y : array_like of shape (n,) or (n, C), optional
        Targets, with data only.
    loss : str or Loss, default "squared"
        With data only.
    output_offset : bool, default False
        With data only.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search.
    max_seconds : float, optional
        Time limit. The largest value found until then is returned: a lower estimate, except that a choice among
        subgradients that it cuts short can be too large. An exact method that is not expected to end in time is left
        out. None: no limit, and a value that depends on ``random_state`` only.

    Returns
    -------
    float
        0.0 where the zero network fits perfectly.

    Raises
    ------
    ValueError
        If ``y`` is missing with data or given with a problem, if ``max_seconds`` is no number > 0, or if the value is
        beyond double precision.

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
        problem = Problem(problem, y, 0.0, loss, output_offset, sample_weight, output_norm)
    require_seed(random_state)
    return _critical(problem, random_state, Deadline.after(max_seconds, positive=True)).value


@dataclass(frozen=True)
class CriticalBeta:
    """The critical weight decay, or the largest value below it that bounded work found.

    Parameters
    ----------
    value : float
        0.0 where the zero network fits perfectly.
    is_exact : bool
        Whether an exact oracle found it, to rounding. Otherwise a search or power iterations did, and it can only be
        too small; or a loss with kinks left a choice, which is settled to 1e-6.
    """

    value: float
    is_exact: bool


@on_one_blas_thread
def estimate_beta_max(
    problem: Problem, *, random_state: Seed = 0, max_seconds: float | None = None
) -> CriticalBeta:
    """Return the critical weight decay as far as a few passes over the data find it: a scale, in bounded time.

    Small data, and losses with kinks, are left to what `beta_max` does, but that an exact oracle may be expected to
    take a tenth of a second at most. Otherwise power iterations
    ``u <- X^T (1[X u > 0] * lam q) / ||.||, q <- lam^T (X u)_+ / ||.||`` run from random directions and rows of X on a
    sample of the rows, and go on from the best of them on all rows. On eleven of twelve real tables they end within
    half a per cent of `beta_max`, on kin40k at 0.87 of it, a hundred times faster.

    Parameters
    ----------
    problem : Problem
        Its beta is not looked at.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the starts.
    max_seconds : float, optional
        Time limit. Power iterations go from fewer starts, and take fewer steps, where it is short: one batch of starts,
        and one walk over the data, they take in any case.

    Raises
    ------
    ValueError
        If the value is beyond double precision.

    Examples
    --------
    >>> estimate_beta_max(Problem([[1.0], [-2.0]], [3.0, 1.0], beta=0.0))
    CriticalBeta(value=3.0, is_exact=True)
    """
    problem = as_problem(problem)
    require_seed(random_state)
    if problem.X.size <= _SMALL or min(problem.X.shape) <= 2 or not problem.loss.is_smooth:
        return _critical(problem, random_state, Deadline.after(max_seconds), _QUICK_ORACLE_SECONDS)
    rng, deadline = as_generator(random_state), Deadline.after(max_seconds)
    units = Units.of(problem.flat().with_beta(0.0))
    inner = Rotation.of(units.problem).problem
    X, lam = inner.X, np.reshape(null_dual(inner), (inner.n_samples, -1))
    n_rows = min(len(X), max(_SAMPLE_ENTRIES // X.shape[1], _FEWEST_ROWS))
    rows = np.sort(rng.choice(len(X), n_rows, replace=False)) if n_rows < len(X) else np.arange(len(X))
    sample = np.asarray(X[rows])
    own = sample[rng.choice(n_rows, min(_POWER_STARTS, n_rows), replace=False)].T
    drawn = rng.standard_normal((X.shape[1], _POWER_STARTS))
    starts = np.hstack([drawn, own])[:, _alternately(drawn.shape[1], own.shape[1])]
    found: list[tuple[Array, Array]] = []
    for batch in range(0, starts.shape[1], _BATCH):
        if found and deadline.part(_SAMPLE_SHARE).is_over:
            break
        some = starts[:, batch : batch + _BATCH]
        found.append(_power_iterations(sample, lam[rows], some, _SAMPLE_STEPS, inner.output_norm))
    values, directions = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    best = np.argsort(-values, kind="stable")[: _KEPT if not deadline.is_over else 1]
    values, _ = _power_iterations(X, lam, directions[:, best], _STEPS, inner.output_norm, deadline)
    return CriticalBeta(_as_given(units, float(np.max(values))), False)


def _alternately(first: int, second: int) -> NDArray[np.intp]:
    """Return an order of things of two kinds, the one after the other, in which the kinds take turns."""
    turns = np.concatenate([np.arange(first) / first, np.arange(second) / second])
    return np.argsort(turns, kind="stable")


def _critical(
    problem: Problem, random_state: Seed, deadline: Deadline, oracle_seconds: float = _ORACLE_SECONDS
) -> CriticalBeta:
    """Return the critical weight decay by an exact oracle, where one is cheap, or else by a search."""
    units = Units.of(problem.in_memory().flat().with_beta(0.0))
    inner = Rotation.of(units.problem).problem
    if not inner.loss.is_smooth:
        value = float(_smallest(inner, random_state, deadline))
        return CriticalBeta(_as_given(units, value), is_exact=False)
    lam = null_dual(inner)
    found = _maximise(inner, lam, random_state, deadline, oracle_seconds)
    is_exact = found.is_exact or not np.any(lam)
    return CriticalBeta(_as_given(units, float(found.value)), is_exact)


def _power_iterations(
    X: Array, lam: Array, U: Array, steps: int, output_norm: OutputNorm, deadline: Deadline = NEVER
) -> tuple[Array, Array]:
    """Return the largest values of ``||lam^T (X u)_+||`` met from each direction, and where they were met.

    After the deadline no more steps are taken.
    """
    lengths = np.linalg.norm(U, axis=0)
    U = U / np.where(lengths > 0, lengths, 1.0)
    values, directions = np.full(U.shape[1], -np.inf), U
    for step in range(steps + 1):
        along = correlations(X, lam, U)
        if output_norm == "l1":
            along = np.where(np.abs(along) == np.max(np.abs(along), axis=0), along, 0.0)
        reached = np.linalg.norm(along, axis=0)
        better = reached > values
        values, directions = np.where(better, reached, values), np.where(better, U, directions)
        if step == steps or deadline.is_over:
            break
        G = np.zeros_like(U)
        for rows in row_chunks(len(X), U.shape[1]):
            G += X[rows].T @ ((X[rows] @ U > 0) * (lam[rows] @ along))
        lengths = np.linalg.norm(G, axis=0)
        U = np.where(lengths > 0, G / np.where(lengths > 0, lengths, 1.0), U)
    return values, directions


def _as_given(units: Units, value: float) -> float:
    """Return a critical weight decay of a problem in units as one of the problem that was given."""
    critical = units.correlation(value)
    if critical == np.inf or (critical == 0.0 and value > 0.0):
        raise PrecisionError(
            f"X and y must be of sizes whose product is a number in double precision; got units of {units.data:.3g} "
            f"and {units.target:.3g}"
        )
    return critical


def _smallest(problem: Problem, random_state: Seed, deadline: Deadline) -> float:
    """Return the smallest value of the dual constraint among the subgradients of the zero network."""
    f, offset = np.zeros_like(problem.y), problem.null_offset()
    largest = max(float(np.max(np.abs(problem.centred_target))), float(np.max(np.abs(offset))))
    kinks = Kinks.near(problem, f, offset, _KINK_WIDTH * largest)
    if kinks is None:
        return _maximise(problem, -problem.loss_gradient(f, offset), random_state, deadline).value
    if not kinks.are_few:
        return _maximise(problem, null_dual(problem.smoothed(_SMOOTHING)), random_state, deadline).value
    none = np.zeros((0, problem.y.size))
    gain = np.zeros((len(f), problem.n_outputs))

    def maximise(lam: Array) -> Maximisers:
        return _maximise(problem, lam, random_state, deadline.share(_SEARCH_SHARE))

    return kinks.choose(gain, 0.0, 1.0, none, maximise, deadline=deadline)[1]


def _maximise(
    problem: Problem,
    lam: Array,
    random_state: Seed,
    deadline: Deadline,
    oracle_seconds: float = _ORACLE_SECONDS,
) -> Maximisers:
    """Return what an exact oracle, where it is cheap enough, or else a search finds."""
    X, shaped = problem.X, lam.reshape(problem.y.shape)
    outputs, norm = problem.n_outputs, problem.output_norm
    if min(X.shape) <= 2:
        sweep = exact_oracle(X, n_outputs=outputs, output_norm=norm, max_seconds=0.0)
        assert sweep is not None
        return sweep.maximise(shaped)
    found = search(X, shaped, random_state=random_state, max_seconds=deadline.limit(), output_norm=norm)
    left = deadline.seconds_left
    if found.value == 0.0 or left < seconds_to_factor(X):
        return found
    oracle = exact_oracle(X, n_outputs=outputs, output_norm=norm, max_seconds=min(oracle_seconds, left))
    if oracle is None:
        return found
    exact = oracle.maximise(shaped, deadline=deadline)
    return exact if exact.value >= found.value else found
